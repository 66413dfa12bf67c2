package org.backupmx.smtp.internal.client;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.smtp.DefaultSmtpRequest;
import io.netty.handler.codec.smtp.SmtpCommand;
import java.util.Set;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.MailData;
import org.backupmx.smtp.internal.codec.MailDataEncoder;

/**
 * Mail data by BDAT (RFC 3030), a block a chunk. A message of one block goes in the same group as its envelope where
 * PIPELINING is offered, so it takes one round trip; a longer one, and the first on a connection that was not used for a
 * while, waits until a recipient is accepted.
 */
final class ChunkTransfer extends DataTransfer {

    private static final SmtpCommand BDAT = SmtpCommand.valueOf("BDAT");

    /** The most chunks that are sent and not answered. */
    private static final int MOST_AWAITED = 16;

    /** By these a server says that it does not know the command. */
    private static final Set<Integer> UNKNOWN_COMMAND = Set.of(500, 502, 504);

    private final SessionSecurity shared;
    private boolean inGroup;
    private boolean sending;
    private boolean lastWritten;
    private boolean refused;
    private boolean unknownToNextHop;
    private int awaited;

    ChunkTransfer(
            RelayConnection connection,
            MailData data,
            TransactionReplies replies,
            SessionSecurity shared,
            Owner owner) {
        super(connection, data, MailDataEncoder.forChunks(), replies, shared.workers(), owner);
        this.shared = shared;
    }

    @Override
    void envelopeSent() {
        // mail data that leaves on a dead connection would be an outcome that nobody knows
        inGroup = !connection.hasRested();
        if (inGroup && holdsLast()) {
            writeHeld();
        }
    }

    @Override
    void envelopeAnswered() {
        if (replies.accepted() > 0) {
            sending = true;
            writeHeld();
        } else if (lastWritten) {
            inGroup = false; // the reply to the chunk counts for nobody
        } else {
            inGroup = false;
            owner.end();
        }
    }

    @Override
    public void block(ByteBuf encoded, boolean last) {
        if (sending || inGroup && last) {
            write(encoded, last);
        } else {
            hold(encoded, last);
        }
    }

    @Override
    void write(ByteBuf block, boolean last) {
        lastWritten = last;
        awaited++;
        dialogue.send(
                new DefaultSmtpRequest(BDAT, block.readableBytes() + (last ? " LAST" : "")),
                last ? connection.timeouts().endOfData() : connection.timeouts().block(),
                last ? this::endAnswered : this::chunkAnswered);
        dialogue.writeMailData(block, last ? replies::allSent : () -> {});
        dialogue.flush();
        writable();
    }

    @Override
    void writable() {
        int most = connection.extensions().pipelining() ? MOST_AWAITED : 1;
        if (sending && !lastWritten && !refused && awaited < most && dialogue.isWritable()) {
            reader.next();
        }
    }

    private void chunkAnswered(SmtpReply reply) {
        awaited--;
        if (!TransactionReplies.isVerdict(reply)) {
            owner.refusedToGoOn(reply, "BDAT");
        } else if (reply.isPositive()) {
            writable();
        } else {
            refuse(reply);
        }
        endIfRefused();
    }

    private void endAnswered(SmtpReply reply) {
        awaited--;
        if (!TransactionReplies.isVerdict(reply)) {
            owner.refusedToGoOn(reply, "BDAT LAST");
        } else if (refused) {
            endIfRefused();
        } else if (reply.isPositive()) {
            connection.transactionOpen(replies.accepted() == 0); // with nobody to take it, who knows how it stands
            replies.end(reply);
            owner.end();
        } else {
            refuse(reply);
            endIfRefused();
        }
    }

    /** Takes a refusal of the message; RSET goes before the next one, as RFC 3030 section 2 has it. */
    private void refuse(SmtpReply reply) {
        if (UNKNOWN_COMMAND.contains(reply.code())) {
            // the mail data was taken for commands: nothing that comes from there now can be relied on
            unknownToNextHop = replies.accepted() > 0;
            replies.dataRefused(reply);
            shared.broken().note(BrokenOffers.Offer.CHUNKING, connection.key().address(), connection.now());
            dialogue.fail(DialogueFault.malformed("reply " + reply.code() + " to BDAT"));
            return;
        }
        refused = true;
        reader.cancel();
        countIfRefused(reply);
        replies.dataRefused(reply);
    }

    /** Chunks that are under way are answered, too, before anything else can be said. */
    private void endIfRefused() {
        if (refused && awaited == 0 && !dialogue.isEnded()) {
            owner.end();
        }
    }

    @Override
    boolean isUnknownToNextHop() {
        return unknownToNextHop;
    }
}
