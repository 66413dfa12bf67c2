package org.backupmx.smtp.internal.client;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.smtp.SmtpRequests;
import java.util.concurrent.Executor;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.MailData;
import org.backupmx.smtp.internal.codec.MailDataEncoder;

/** Mail data by DATA, up to the final dot (RFC 5321 section 4.1.1.4). */
final class DotTransfer extends DataTransfer {

    private boolean sending;
    private boolean dotWritten;

    DotTransfer(RelayConnection connection, MailData data, TransactionReplies replies, Executor workers, Owner owner) {
        super(connection, data, MailDataEncoder.forData(), replies, workers, owner);
    }

    @Override
    void envelopeSent() {
        sendData();
    }

    @Override
    void envelopeAnswered() {
        if (connection.extensions().pipelining()) {
            return; // DATA is on its way
        }
        if (replies.accepted() > 0) {
            sendData();
            dialogue.flush();
        } else {
            owner.end();
        }
    }

    private void sendData() {
        dialogue.send(SmtpRequests.data(), connection.timeouts().data(), this::dataAnswered);
    }

    private void dataAnswered(SmtpReply reply) {
        if (reply.code() == 354 && dialogue.hasMoreInput()) {
            // whatever it says, it is not about mail data that has not been sent
            dialogue.fail(DialogueFault.malformed("a reply ahead of the mail data"));
        } else if (reply.code() == 354) {
            dialogue.expect(
                    "the reply to the end of mail data", connection.timeouts().endOfData(), this::endAnswered);
            if (replies.accepted() > 0) {
                sending = true;
                dialogue.extend("sending mail data", connection.timeouts().block());
                writeHeld();
            } else {
                // RFC 2920 section 3.1: a lone dot, and whatever it is answered with counts for nobody.
                writeDot();
            }
        } else if (reply.isPositive() || !TransactionReplies.isVerdict(reply)) {
            owner.refusedToGoOn(reply, "DATA");
        } else {
            replies.dataRefused(reply);
            countIfRefused(reply);
            owner.end();
        }
    }

    private void endAnswered(SmtpReply reply) {
        if (!dotWritten) {
            // Refused before its end: the message cannot have been taken, and must not be ended now.
            if (reply.isPermanent()) {
                replies.end(reply);
                dialogue.close();
                owner.end();
            } else {
                owner.refusedToGoOn(reply, "mail data under way");
            }
        } else if (TransactionReplies.isVerdict(reply)) {
            connection.transactionOpen(false);
            replies.end(reply);
            owner.end();
        } else {
            owner.refusedToGoOn(reply, "the end of mail data");
        }
    }

    @Override
    public void block(ByteBuf encoded, boolean last) {
        if (sending) {
            write(encoded, last);
        } else {
            hold(encoded, last);
        }
    }

    @Override
    void write(ByteBuf block, boolean last) {
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
        dialogue.writeEndOfData(replies::allSent);
        dotWritten = true;
        dialogue.extend(
                "waiting for the reply to the end of mail data",
                connection.timeouts().endOfData());
        dialogue.flush();
    }

    @Override
    void writable() {
        if (sending && !dotWritten && dialogue.isWritable()) {
            reader.next();
        }
    }
}
