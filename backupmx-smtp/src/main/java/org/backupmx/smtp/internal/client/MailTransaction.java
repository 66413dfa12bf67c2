package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.SmtpRequests;
import java.util.List;
import java.util.function.Consumer;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RelayRequest;

/**
 * One mail transaction: MAIL, RCPT for each recipient, mail data. In one group where the next hop takes PIPELINING
 * (RFC 2920), else a command at a time. The mail data is read ahead while the commands travel, and goes out by a
 * {@link DataTransfer}.
 *
 * <p>Belongs to its connection's event loop.
 */
final class MailTransaction implements DataTransfer.Owner {

    private final RelayConnection connection;
    private final SmtpDialogue dialogue;
    private final RelayRequest request;
    private final List<Recipient> recipients;
    private final boolean smtpUtf8;
    private final TransactionReplies replies;
    private final DataTransfer transfer;
    private final Consumer<MailTransaction> onEnd;

    /**
     * Makes a transaction.
     *
     * @param chunks whether mail data goes by BDAT
     */
    MailTransaction(
            RelayConnection connection,
            RelayRequest request,
            List<Recipient> recipients,
            boolean smtpUtf8,
            boolean chunks,
            SessionSecurity shared,
            Consumer<MailTransaction> onEnd) {
        this.connection = connection;
        this.dialogue = connection.dialogue();
        this.request = request;
        this.recipients = recipients;
        this.smtpUtf8 = smtpUtf8;
        this.replies = new TransactionReplies(recipients.size());
        this.transfer = chunks
                ? new ChunkTransfer(connection, request.mailData(), replies, shared, this)
                : new DotTransfer(connection, request.mailData(), replies, shared.workers(), this);
        this.onEnd = onEnd;
    }

    TransactionReplies replies() {
        return replies;
    }

    void begin() {
        if (dialogue.isEnded()) {
            faulted(DialogueFault.lost("between messages"));
            return;
        }
        dialogue.owner(this::faulted, transfer::writable);
        transfer.readAhead();
        if (connection.isTransactionOpen()) {
            dialogue.send(SmtpRequests.rset(), connection.timeouts().mail(), this::rsetAnswered);
        }
        connection.transactionOpen(true);
        connection.countTransaction();
        dialogue.send(
                RelayCommands.mail(
                        request.envelope(), request.mailData().sizeBytes(), smtpUtf8, connection.extensions()),
                connection.timeouts().mail(),
                this::mailAnswered);
        if (connection.extensions().pipelining()) {
            for (int i = 0; i < recipients.size(); i++) {
                sendRcpt(i);
            }
            transfer.envelopeSent();
        }
        dialogue.flush();
    }

    private void sendRcpt(int i) {
        dialogue.send(
                RelayCommands.rcpt(recipients.get(i), smtpUtf8, connection.extensions()),
                connection.timeouts().rcpt(),
                this::rcptAnswered);
    }

    private void rsetAnswered(SmtpReply reply) {
        if (!reply.isPositive()) {
            refusedToGoOn(reply, "RSET");
        }
    }

    private void mailAnswered(SmtpReply reply) {
        if (!TransactionReplies.isVerdict(reply)) {
            refusedToGoOn(reply, "MAIL");
            return;
        }
        replies.mail(reply);
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
        if (!TransactionReplies.isVerdict(reply)) {
            refusedToGoOn(reply, "RCPT");
            return;
        }
        replies.rcpt(reply);
        countIfRefused(reply);
        if (replies.answered() == recipients.size()) {
            transfer.envelopeAnswered();
        } else if (!connection.extensions().pipelining()) {
            sendRcpt(replies.answered());
            dialogue.flush();
        }
    }

    private void countIfRefused(SmtpReply reply) {
        if (!reply.isPositive()) {
            connection.countRefused();
        }
    }

    @Override
    public void refusedToGoOn(SmtpReply reply, String to) {
        dialogue.fail(
                reply.isTransient()
                        ? DialogueFault.refused(reply)
                        : DialogueFault.malformed("reply " + reply.code() + " to " + to));
    }

    private void faulted(DialogueFault what) {
        replies.fault(what);
        end();
    }

    @Override
    public void end() {
        transfer.cancel();
        dialogue.owner(fault -> {}, () -> {});
        onEnd.accept(this);
    }

    /** Tells whether the next hop offers CHUNKING and knows no BDAT: the same by DATA may do. */
    boolean isWorthData() {
        return transfer.isUnknownToNextHop();
    }
}
