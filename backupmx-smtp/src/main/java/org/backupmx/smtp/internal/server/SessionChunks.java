package org.backupmx.smtp.internal.server;

import java.nio.ByteBuffer;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Verdict;
import org.backupmx.smtp.internal.codec.BdatDecoder;
import org.jspecify.annotations.Nullable;

/**
 * The mail data of a session's messages that comes in chunks (RFC 3030 section 2). The octets that a BDAT announces are
 * read whatever becomes of it, and it is answered behind them.
 *
 * <p>A refused chunk ends its transaction. The chunks that follow it at once are of the same message, and get the same
 * reply: a client that reads only the last one must not take a deferral for a refusal.
 */
final class SessionChunks {

    private final ServerSettings settings;
    private final SessionState state;
    private final SessionReplies replies;
    private final OpenQuestion question;
    private final BdatDecoder decoder = new BdatDecoder();

    // the chunk
    private boolean open;
    private boolean last;
    private long bytesInWindow;
    private @Nullable FixedReply misplaced;

    // the message
    private @Nullable Verdict refusal;
    private long forNothing;

    SessionChunks(ServerSettings settings, SessionState state, SessionReplies replies, OpenQuestion question) {
        this.settings = settings;
        this.state = state;
        this.replies = replies;
        this.question = question;
    }

    /** Tells whether the client is sending a chunk, or waits for the reply to it. */
    boolean isOpen() {
        return open;
    }

    /** Tells whether there is work on a chunk that needs no more octets. */
    boolean isRead() {
        return open && decoder.isRead();
    }

    /** Returns how many octets of chunks came since this was last asked. */
    long bytesInWindow() {
        long inWindow = bytesInWindow;
        bytesInWindow = 0;
        return inWindow;
    }

    /** Forgets a refusal: what comes is of another message. */
    void forgetRefusal() {
        refusal = null;
        forNothing = 0;
    }

    /**
     * Lets a chunk begin.
     *
     * @param misplacedBy the reply if no chunk may come here, else null
     */
    void begin(long octets, boolean isLast, @Nullable FixedReply misplacedBy) {
        misplaced = refusal == null ? misplacedBy : null;
        if (misplacedBy != null) {
            forNothing = octets > Long.MAX_VALUE - forNothing ? Long.MAX_VALUE : forNothing + octets;
        }
        if (MailTransfer.isHopeless(Math.max(octets, forNothing), state.maxMessageBytes)) {
            // RFC 3030 would have us read it to its end, but not for ever
            replies.leave(misplacedBy == null ? FixedReply.TOO_BIG : FixedReply.TOO_MUCH_DATA);
            return;
        }
        open = true;
        last = isLast;
        bytesInWindow = 0;
        decoder.begin(octets, isLast);
        if (state.transfer != null) {
            state.transfer.announce(octets);
        } else if (misplacedBy == null) {
            question.ask(Question.BDAT, state.intake(), (s, ours) -> ours.data());
        }
    }

    /** Takes the answer to the first chunk of a message. */
    void opened(DataVerdict verdict) {
        if (verdict instanceof DataVerdict.Proceed proceed) {
            state.transfer = new MailTransfer(decoder, proceed.sink(), settings.bareLineEnds(), state.maxMessageBytes);
            state.transfer.announce(decoder.left());
        } else if (verdict instanceof DataVerdict.Refused refused) {
            refuse(refused.verdict());
        }
    }

    /** Ends the transaction; the chunk is answered with {@code verdict} when it was read. */
    void refuse(Verdict verdict) {
        refusal = verdict;
        state.endTransaction();
    }

    /** Takes some of a chunk, or its end. */
    void take(ByteBuffer octets) {
        int before = octets.position();
        MailTransfer taking = state.transfer;
        if (taking == null) {
            decoder.skip(octets);
            if (decoder.isRead()) {
                ended();
            }
        } else {
            ByteBuffer run = taking.next(octets);
            if (run == null) {
                if (decoder.isEnded()) {
                    ended();
                }
            } else if (taking.refusal() == null) {
                question.ask(Question.WRITE, run, (s, written) -> s.transfer().write(written));
            }
        }
        bytesInWindow += octets.position() - before;
    }

    private void ended() {
        open = false;
        state.waitFromNow();
        MailTransfer taken = state.transfer;
        FixedReply untaken = taken == null ? null : taken.refusal();
        if (untaken != null) {
            refuse(untaken.verdict());
        }
        if (refusal != null) {
            Verdict said = refusal;
            if (last) {
                forgetRefusal();
            }
            replies.refuse(said);
        } else if (misplaced == FixedReply.RCPT_FIRST) {
            replies.idle(misplaced); // every recipient was refused, and the client did not wait to hear it
        } else if (misplaced != null) {
            replies.bad(misplaced);
        } else if (last) {
            question.ask(Question.FINISH, state.transfer(), (s, finished) -> finished.finish());
        } else {
            replies.say(FixedReply.CHUNK_TAKEN);
        }
    }
}
