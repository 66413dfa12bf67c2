package org.backupmx.examples;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.SmtpServer;

/** The demo's primary: the SMTP engine with an intake of its own, which keeps mail in memory by recipient. */
final class DemoPrimary implements Intake {

    private static final Verdict OK = new Verdict.Accept(SmtpReply.of(250, "2.0.0", "Ok"));

    private final Map<String, byte[]> messages = new ConcurrentHashMap<>();
    private final AtomicInteger received = new AtomicInteger();
    private final SmtpServer server;

    DemoPrimary(InetSocketAddress address) {
        server = SmtpServer.on(address);
    }

    void start() {
        server.start(this).toCompletableFuture().join();
    }

    void stop() {
        server.stop(Duration.ofSeconds(1)).toCompletableFuture().join();
    }

    /** How many messages arrived, the same one twice counted twice. */
    int received() {
        return received.get();
    }

    /** Mail data by recipient. */
    Map<String, byte[]> messages() {
        return messages;
    }

    @Override
    public CompletionStage<Greeting> connect(ClientInfo client) {
        return CompletableFuture.completedFuture(
                new Greeting.Welcome("primary.example.test", new Session(), 64 << 20, 1000));
    }

    private final class Session implements IntakeSession {

        private String recipient = "";

        @Override
        public void secured(String protocol, String cipherSuite) {
            // the demo has no TLS
        }

        @Override
        public CompletionStage<Verdict> helo(String name, boolean extended) {
            return CompletableFuture.completedFuture(OK);
        }

        @Override
        public CompletionStage<Verdict> mail(ReversePath path, MailParameters parameters) {
            return CompletableFuture.completedFuture(OK);
        }

        @Override
        public CompletionStage<Verdict> rcpt(ForwardPath path, RcptParameters parameters) {
            recipient = path.toString();
            return CompletableFuture.completedFuture(OK);
        }

        @Override
        public CompletionStage<Verdict> postmaster(RcptParameters parameters) {
            recipient = "postmaster";
            return CompletableFuture.completedFuture(OK);
        }

        @Override
        public CompletionStage<DataVerdict> data() {
            return CompletableFuture.completedFuture(new DataVerdict.Proceed(new Sink(recipient)));
        }

        @Override
        public void reset() {
            recipient = "";
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    private final class Sink implements MailDataSink {

        private final String recipient;
        private final ByteArrayOutputStream data = new ByteArrayOutputStream();

        Sink(String recipient) {
            this.recipient = recipient;
        }

        @Override
        public CompletionStage<Void> write(ByteBuffer mailData) {
            byte[] octets = new byte[mailData.remaining()];
            mailData.get(octets);
            data.writeBytes(octets);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Verdict> finish() {
            messages.put(recipient, data.toByteArray());
            received.incrementAndGet();
            return CompletableFuture.completedFuture(OK);
        }

        @Override
        public void abandon() {
            // nothing is held
        }
    }
}
