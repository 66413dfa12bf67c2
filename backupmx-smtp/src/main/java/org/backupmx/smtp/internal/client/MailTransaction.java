package org.backupmx.smtp.internal.client;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.smtp.SmtpRequests;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.jspecify.annotations.Nullable;

/**
 * One mail transaction: MAIL, RCPT for each recipient, DATA, mail data, final dot. In one group where the next hop takes
 * PIPELINING (RFC 2920), else a command at a time. The mail data is read ahead while the commands travel.
 *
 * <p>Collects replies and says afterwards what they mean for each recipient. Belongs to its connection's event loop.
 */
final class MailTransaction implements MailDataReader.Sink {

    private final RelayConnection connection;
    private final SmtpDialogue dialogue;
    private final RelayRequest request;
    private final List<Recipient> recipients;
    private final boolean smtpUtf8;
    private final MailDataReader reader;
    private final Consumer<MailTransaction> onEnd;

    private @Nullable SmtpReply mailReply;
    private final @Nullable SmtpReply[] rcptReplies;
    private int rcptAnswered;
    private int accepted;
    private @Nullable SmtpReply dataReply;
    private @Nullable SmtpReply endReply;
    private @Nullable DialogueFault fault;

    private @Nullable ByteBuf readAhead;
    private boolean readAheadIsLast;
    private boolean sending;
    private boolean dotWritten;

    MailTransaction(
            RelayConnection connection,
            RelayRequest request,
            List<Recipient> recipients,
            boolean smtpUtf8,
            Executor workers,
            Consumer<MailTransaction> onEnd) {
        this.connection = connection;
        this.dialogue = connection.dialogue();
        this.request = request;
        this.recipients = recipients;
        this.smtpUtf8 = smtpUtf8;
        this.reader = new MailDataReader(request.mailData(), workers, connection.loop(), dialogue.allocator(), this);
        this.onEnd = onEnd;
        this.rcptReplies = new @Nullable SmtpReply[recipients.size()];
    }

    // ---- the dialogue

    void begin() {
        if (dialogue.isEnded()) {
            faulted(DialogueFault.lost("between messages"));
            return;
        }
        dialogue.owner(this::faulted, this::writable);
        reader.next();
        if (connection.isTransactionOpen()) {
            dialogue.send(SmtpRequests.rset(), connection.timeouts().mail(), this::rsetAnswered);
        }
        connection.transactionOpen(true);
        dialogue.send(
                RelayCommands.mail(
                        request.envelope(), request.mailData().sizeBytes(), smtpUtf8, connection.extensions()),
                connection.timeouts().mail(),
                this::mailAnswered);
        if (connection.extensions().pipelining()) {
            for (int i = 0; i < recipients.size(); i++) {
                sendRcpt(i);
            }
            sendData();
        }
        dialogue.flush();
    }

    private void sendRcpt(int i) {
        dialogue.send(
                RelayCommands.rcpt(recipients.get(i), smtpUtf8, connection.extensions()),
                connection.timeouts().rcpt(),
                this::rcptAnswered);
    }

    private void sendData() {
        dialogue.send(SmtpRequests.data(), connection.timeouts().data(), this::dataAnswered);
    }

    private void rsetAnswered(SmtpReply reply) {
        if (!reply.isPositive()) {
            refusedToGoOn(reply, "RSET");
        }
    }

    private void mailAnswered(SmtpReply reply) {
        if (!isVerdict(reply)) {
            refusedToGoOn(reply, "MAIL");
            return;
        }
        mailReply = reply;
        countIfRefused(reply);
        if (!connection.extensions().pipelining()) {
            if (reply.isPositive()) {
                sendRcpt(0);
                dialogue.flush();
            } else {
                connection.transactionOpen(false);
                end();
            }
        }
    }

    private void rcptAnswered(SmtpReply reply) {
        if (!isVerdict(reply)) {
            refusedToGoOn(reply, "RCPT");
            return;
        }
        rcptReplies[rcptAnswered++] = reply;
        countIfRefused(reply);
        if (reply.isPositive() && isPositive(mailReply)) {
            accepted++;
        }
        if (!connection.extensions().pipelining()) {
            if (rcptAnswered < recipients.size()) {
                sendRcpt(rcptAnswered);
                dialogue.flush();
            } else if (accepted > 0) {
                sendData();
                dialogue.flush();
            } else {
                end();
            }
        }
    }

    private void dataAnswered(SmtpReply reply) {
        if (reply.code() == 354) {
            dialogue.expect(
                    "the reply to the end of mail data", connection.timeouts().endOfData(), this::endAnswered);
            if (accepted > 0) {
                sending = true;
                send();
            } else {
                // RFC 2920 section 3.1: a lone dot, and whatever it is answered with counts for nobody.
                writeDot();
            }
        } else if (reply.isPositive() || !isVerdict(reply)) {
            refusedToGoOn(reply, "DATA");
        } else {
            dataReply = reply;
            countIfRefused(reply);
            end();
        }
    }

    private void endAnswered(SmtpReply reply) {
        if (!dotWritten) {
            // Refused before its end: the message cannot have been taken, and must not be ended now.
            if (reply.isPermanent()) {
                endReply = reply;
                dialogue.close();
                end();
            } else {
                refusedToGoOn(reply, "mail data under way");
            }
        } else if (isVerdict(reply)) {
            connection.transactionOpen(false);
            endReply = reply;
            end();
        } else {
            refusedToGoOn(reply, "the end of mail data");
        }
    }

    private void countIfRefused(SmtpReply reply) {
        if (!reply.isPositive()) {
            connection.countRefused();
        }
    }

    /** Tells whether the reply decides about its command: not one that announces the end of the connection. */
    private static boolean isVerdict(SmtpReply reply) {
        return reply.code() != 421 && (reply.isPositive() || reply.isTransient() || reply.isPermanent());
    }

    private void refusedToGoOn(SmtpReply reply, String to) {
        dialogue.fail(
                reply.isTransient()
                        ? DialogueFault.refused(reply)
                        : DialogueFault.malformed("reply " + reply.code() + " to " + to));
    }

    private void faulted(DialogueFault what) {
        fault = dotWritten && accepted > 0 ? what.outcomeUnknown() : what;
        end();
    }

    private void end() {
        reader.cancel();
        if (readAhead != null) {
            readAhead.release();
            readAhead = null;
        }
        dialogue.owner(f -> {}, () -> {});
        onEnd.accept(this);
    }

    // ---- mail data

    private void send() {
        dialogue.extend("sending mail data", connection.timeouts().block());
        if (readAhead != null) {
            ByteBuf block = readAhead;
            readAhead = null;
            write(block, readAheadIsLast);
        }
    }

    @Override
    public void block(ByteBuf encoded, boolean last) {
        if (sending) {
            write(encoded, last);
        } else {
            readAhead = encoded;
            readAheadIsLast = last;
        }
    }

    private void write(ByteBuf block, boolean last) {
        dialogue.writeMailData(block);
        if (last) {
            writeDot();
        } else {
            dialogue.flush();
            dialogue.extend("sending mail data", connection.timeouts().block());
            writable();
        }
    }

    private void writeDot() {
        dialogue.writeEndOfData();
        dotWritten = true;
        dialogue.extend(
                "waiting for the reply to the end of mail data",
                connection.timeouts().endOfData());
        dialogue.flush();
    }

    private void writable() {
        if (sending && !dotWritten && dialogue.isWritable()) {
            reader.next();
        }
    }

    @Override
    public void unreadable() {
        dialogue.fail(DialogueFault.unreadable());
    }

    // ---- what came of it

    private static boolean isPositive(@Nullable SmtpReply reply) {
        return reply != null && reply.isPositive();
    }

    /** Returns why the dialogue ended, if it did. */
    @Nullable
    DialogueFault fault() {
        return fault;
    }

    /** Tells whether MAIL was answered: before that nothing happened at the next hop. */
    boolean isMailAnswered() {
        return mailReply != null;
    }

    boolean isRelayed() {
        return accepted > 0 && isPositive(endReply);
    }

    /** Tells whether a recipient was one too many for this transaction, not refused in itself. */
    boolean isTooMany(int i) {
        SmtpReply reply = rcptReplies[i];
        return isPositive(mailReply)
                && reply != null
                && (reply.code() == 452 || reply.code() == 552)
                && reply.enhanced()
                        .map(e -> e.subject() == 5 && e.detail() == 3)
                        .orElse(true);
    }

    /** Returns the verdict that another transaction for the same message would meet again, if there is one. */
    Optional<RecipientOutcome> verdictOfAll() {
        if (mailReply != null && !mailReply.isPositive()) {
            return Optional.of(refusal(mailReply));
        }
        if (dataReply != null && dataReply.isTransient() && accepted > 0) {
            return Optional.of(refusal(dataReply));
        }
        if (endReply != null && endReply.isTransient() && accepted > 0) {
            return Optional.of(refusal(endReply));
        }
        return fault == null ? Optional.empty() : Optional.of(new RecipientOutcome.TransientFailure(fault.reply()));
    }

    RecipientOutcome outcome(int i) {
        SmtpReply rcpt = rcptReplies[i];
        if (mailReply != null && !mailReply.isPositive()) {
            return refusal(mailReply);
        }
        if (rcpt != null && !rcpt.isPositive()) {
            return refusal(rcpt.code() == 552 ? tooMany(rcpt) : rcpt);
        }
        if (dataReply != null) {
            return refusal(dataReply);
        }
        if (endReply != null) {
            return endReply.isPositive() ? new RecipientOutcome.Relayed(endReply) : refusal(endReply);
        }
        if (fault == null) {
            throw new IllegalStateException("transaction: under way (expected: ended)");
        }
        return new RecipientOutcome.TransientFailure(fault.reply());
    }

    private static RecipientOutcome refusal(SmtpReply reply) {
        return reply.isPermanent()
                ? new RecipientOutcome.PermanentFailure(reply)
                : new RecipientOutcome.TransientFailure(reply);
    }

    /** RFC 5321 section 4.5.3.1.10: 552 to RCPT is to be read as 452. */
    private static SmtpReply tooMany(SmtpReply reply) {
        return SmtpReply.of(
                452, reply.enhanced().map(e -> new EnhancedStatusCode(4, e.subject(), e.detail())), reply.lines());
    }
}
