package org.backupmx.smtp.internal.codec;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes mail data from the chunks that follow BDAT (RFC 3030 section 2): counts octets, and repairs line ends.
 *
 * <p>The count alone ends a chunk, and no octet means anything but itself: dots stay. A bare CR or bare LF is made a
 * CRLF, as it is relayed by DATA, where it could mean an end; a CRLF may lie across two chunks. A last line without a
 * line end stays as it is.
 *
 * <p>Runs of mail data are slices of the input, as long as they can be. Not thread-safe.
 */
public final class BdatDecoder implements MailDataRuns {

    private long left;
    private boolean last;
    /** Behind a CR that is not given out yet. */
    private boolean afterCr;
    /** A repaired line end is to be given out. */
    private boolean lineEndOwed;

    private int lineOctets;
    private boolean bareLineEnd;
    private boolean lineTooLong;

    /** {@inheritDoc} The chunk goes on. */
    @Override
    public void reset() {
        afterCr = false;
        lineEndOwed = false;
        lineOctets = 0;
        bareLineEnd = false;
        lineTooLong = false;
    }

    /**
     * Begins another chunk of the message.
     *
     * @param octets its size, zero or more
     * @param isLast whether the message ends with it
     */
    public void begin(long octets, boolean isLast) {
        left = octets;
        last = isLast;
    }

    /** Returns how many octets of the chunk are to come. */
    public long left() {
        return left;
    }

    /** Tells whether all octets of the chunk were read; a line end may still be owed. */
    public boolean isRead() {
        return left == 0;
    }

    @Override
    public boolean isEnded() {
        return left == 0 && !lineEndOwed && !(last && afterCr);
    }

    @Override
    public boolean sawBareLineEnd() {
        return bareLineEnd;
    }

    @Override
    public boolean sawLineTooLong() {
        return lineTooLong;
    }

    /** Reads octets of the chunk for nothing. */
    public void skip(ByteBuffer in) {
        skip(in, (int) Math.min(left, in.remaining()));
    }

    @Override
    public @Nullable ByteBuffer next(ByteBuffer in) {
        while (true) {
            if (lineEndOwed) {
                lineEndOwed = false;
                return repairedLineEnd();
            }
            if (left == 0 || !in.hasRemaining()) {
                if (left == 0 && last && afterCr) {
                    return repairedLineEnd();
                }
                return null;
            }
            if (afterCr) {
                if (in.get(in.position()) != '\n') {
                    return repairedLineEnd();
                }
                skip(in, 1);
                afterCr = false;
                lineOctets = 0;
                return MailDataDecoder.lineEnd();
            }
            ByteBuffer run = run(in);
            if (run.hasRemaining()) {
                return run;
            }
        }
    }

    private void skip(ByteBuffer in, int octets) {
        in.position(in.position() + octets);
        left -= octets;
    }

    private ByteBuffer repairedLineEnd() {
        afterCr = false;
        bareLineEnd = true;
        lineOctets = 0;
        return MailDataDecoder.lineEnd();
    }

    /** Reads on as far as octets can be given out as they are. */
    private ByteBuffer run(ByteBuffer in) {
        int start = in.position();
        int limit = start + (int) Math.min(left, in.remaining());
        int at = start;
        while (true) {
            int stop = MailDataDecoder.findLineEnd(in, at, limit);
            lineOctets += stop - at;
            if (lineOctets > MailDataDecoder.MAX_LINE_OCTETS) {
                lineTooLong = true;
                lineOctets = 0;
            }
            if (stop == limit) {
                return upTo(in, start, limit, 0);
            }
            boolean cr = in.get(stop) == '\r';
            if (cr && stop + 1 == limit) {
                afterCr = true;
                return upTo(in, start, stop, 1);
            }
            if (!cr || in.get(stop + 1) != '\n') {
                lineEndOwed = true;
                return upTo(in, start, stop, 1);
            }
            lineOctets = 0;
            at = stop + 2;
        }
    }

    private ByteBuffer upTo(ByteBuffer in, int start, int end, int withheld) {
        skip(in, end - start + withheld);
        return in.slice(start, end - start);
    }
}
