package org.backupmx.benchmarks.intake;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolWriter;

/** The least there can be between the SMTP engine and a spool: it lets everybody in and decides nothing. */
final class SpoolIntake implements Intake {

    private static final CompletableFuture<Verdict> OK =
            CompletableFuture.completedFuture(new Verdict.Accept(SmtpReply.of(250, "2.1.0", "OK")));
    private static final CompletableFuture<Void> TAKEN = CompletableFuture.completedFuture(null);
    private static final Verdict QUEUED = new Verdict.Accept(SmtpReply.of(250, "2.0.0", "Queued"));
    private static final Verdict FAULT = new Verdict.Defer(SmtpReply.of(451, "4.3.0", "Local fault"));

    private final Spool spool;

    SpoolIntake(Spool spool) {
        this.spool = spool;
    }

    @Override
    public CompletionStage<Greeting> connect(ClientInfo client) {
        return CompletableFuture.completedFuture(
                new Greeting.Welcome("mx.example.net", new Session(spool), 10_000_000, 100));
    }

    private static final class Session implements IntakeSession {

        private final Spool spool;
        private final List<Recipient> recipients = new ArrayList<>(1);
        private ReversePath reversePath = ReversePath.nullPath();

        Session(Spool spool) {
            this.spool = spool;
        }

        @Override
        public void secured(String protocol, String cipherSuite) {
            // nothing depends on it
        }

        @Override
        public CompletionStage<Verdict> helo(String name, boolean extended) {
            return OK;
        }

        @Override
        public CompletionStage<Verdict> mail(ReversePath path, MailParameters parameters) {
            reversePath = path;
            recipients.clear();
            return OK;
        }

        @Override
        public CompletionStage<Verdict> rcpt(ForwardPath path, RcptParameters parameters) {
            recipients.add(Recipient.of(path));
            return OK;
        }

        @Override
        public CompletionStage<Verdict> postmaster(RcptParameters parameters) {
            return rcpt(ForwardPath.parse("postmaster@example.org"), parameters);
        }

        @Override
        public CompletionStage<DataVerdict> data() {
            Envelope.Builder envelope = Envelope.from(reversePath);
            recipients.forEach(envelope::to);
            try {
                return CompletableFuture.completedFuture(
                        new DataVerdict.Proceed(new Sink(spool.begin(envelope.build(), Instant.EPOCH))));
            } catch (SpoolException e) {
                return CompletableFuture.completedFuture(new DataVerdict.Refused(FAULT));
            }
        }

        @Override
        public void reset() {
            recipients.clear();
        }

        @Override
        public void close() {
            recipients.clear();
        }
    }

    private static final class Sink implements MailDataSink {

        private final SpoolWriter writer;

        Sink(SpoolWriter writer) {
            this.writer = writer;
        }

        @Override
        public CompletionStage<Void> write(ByteBuffer mailData) {
            try {
                writer.write(mailData);
                return TAKEN;
            } catch (SpoolException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        @Override
        public CompletionStage<Verdict> finish() {
            try {
                return writer.commit().handle((id, fault) -> fault == null ? QUEUED : FAULT);
            } catch (SpoolException e) {
                return CompletableFuture.completedFuture(FAULT);
            }
        }

        @Override
        public void abandon() {
            writer.close();
        }
    }
}
