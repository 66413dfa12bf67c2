package org.backupmx.smtp.internal.server;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.Verdict;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.internal.codec.MailDataRuns;
import org.jspecify.annotations.Nullable;

/**
 * Mail data on its way from the client to the sink. What may not be taken is read to its end all the same, and refused
 * then; the sink hears of it at once.
 */
final class MailTransfer {

    private static final long PATIENCE_BYTES = 10_000_000;

    private final MailDataRuns decoder;
    private final MailDataSink sink;
    private final BareLineEnds bareLineEnds;
    private final long maxBytes;
    private long bytes;
    private long windowStart;
    private boolean over;
    private @Nullable FixedReply refusal;

    MailTransfer(MailDataRuns decoder, MailDataSink sink, BareLineEnds bareLineEnds, long maxBytes) {
        this.decoder = decoder;
        this.sink = sink;
        this.bareLineEnds = bareLineEnds;
        this.maxBytes = maxBytes;
        decoder.reset();
    }

    /** Returns the next run, or null when the input is used up or the data ended. */
    @Nullable
    ByteBuffer next(ByteBuffer in) {
        ByteBuffer run = decoder.next(in);
        if (run != null) {
            bytes += run.remaining();
            if (bytes > maxBytes) {
                refuse(FixedReply.TOO_BIG);
            } else if (decoder.sawLineTooLong()) {
                refuse(FixedReply.DATA_LINE_TOO_LONG);
            } else if (bareLineEnds == BareLineEnds.REJECT && decoder.sawBareLineEnd()) {
                refuse(FixedReply.BARE_LINE_END);
            }
        }
        return run;
    }

    boolean isEnded() {
        return decoder.isEnded();
    }

    /** Tells whether so much came that reading on is not worth it. */
    boolean isHopeless() {
        return isHopeless(bytes, maxBytes);
    }

    /** Tells whether {@code bytes}, which may not be taken, are more than is read for nothing. */
    static boolean isHopeless(long bytes, long maxBytes) {
        return bytes - PATIENCE_BYTES > maxBytes && bytes - PATIENCE_BYTES - maxBytes > maxBytes;
    }

    /** Refuses the message if it will be too big with {@code more} octets. */
    void announce(long more) {
        if (more > maxBytes - bytes) {
            refuse(FixedReply.TOO_BIG);
        }
    }

    /** Makes {@code reply} the answer to the message, unless there is one; the sink forgets it. */
    void refuse(FixedReply reply) {
        if (refusal == null) {
            refusal = reply;
            abandon();
        }
    }

    @Nullable
    FixedReply refusal() {
        return refusal;
    }

    CompletionStage<Void> write(ByteBuffer run) {
        return sink.write(run);
    }

    CompletionStage<Verdict> finish() {
        over = true;
        return sink.finish();
    }

    /** Tells the sink to forget the message, once, and not when it was finished. */
    void abandon() {
        if (!over) {
            over = true;
            sink.abandon();
        }
    }

    /** Returns how many octets came since this was last asked. */
    long bytesInWindow() {
        long inWindow = bytes - windowStart;
        windowStart = bytes;
        return inWindow;
    }
}
