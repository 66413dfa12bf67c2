package org.backupmx.smtp.internal.codec;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes mail data from the octets after 354 (RFC 5321 sections 4.1.1.4 and 4.5.2): finds the end, undoes dot
 * transparency, and repairs line ends.
 *
 * <p>The end is CRLF.CRLF and nothing else, the line end before it belonging to the mail data; a dot that stands first
 * in a line that CRLF began is dropped. Only then is a bare CR or bare LF made a CRLF, so a repaired line end can
 * neither end the data nor lose a dot. All else is left as it is, NUL and 8-bit octets included.
 *
 * <p>Runs of mail data are slices of the input, as long as they can be. Not thread-safe.
 */
public final class MailDataDecoder implements MailDataRuns {

    /** The longest line of mail data: {@value} octets without its line end. */
    public static final int MAX_LINE_OCTETS = 1 << 20;

    private static final ByteBuffer LINE_END =
            ByteBuffer.allocateDirect(2).put(0, (byte) '\r').put(1, (byte) '\n').asReadOnlyBuffer();

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;
    private static final long CRS = ONES * '\r';
    private static final long LFS = ONES * '\n';

    private enum State {
        /** At the start, or behind CRLF. */
        LINE_START,
        TEXT,
        /** Behind a CR that ended the input; it is not given out yet. */
        CR,
        /** Behind a dropped dot. */
        DOT,
        /** Behind a dropped dot and a CR that is not given out yet. */
        DOT_CR,
        /** A repaired line end is to be given out. */
        LINE_END_OWED,
        ENDED
    }

    private State state = State.LINE_START;
    private int lineOctets;
    private boolean bareLineEnd;
    private boolean lineTooLong;

    @Override
    public void reset() {
        state = State.LINE_START;
        lineOctets = 0;
        bareLineEnd = false;
        lineTooLong = false;
    }

    @Override
    public boolean isEnded() {
        return state == State.ENDED;
    }

    @Override
    public boolean sawBareLineEnd() {
        return bareLineEnd;
    }

    @Override
    public boolean sawLineTooLong() {
        return lineTooLong;
    }

    @Override
    public @Nullable ByteBuffer next(ByteBuffer in) {
        while (true) {
            if (state == State.LINE_END_OWED) {
                return repairedLineEnd();
            }
            if (state == State.ENDED || !in.hasRemaining()) {
                return null;
            }
            byte octet = in.get(in.position());
            switch (state) {
                case LINE_START -> {
                    if (octet == '.') {
                        consume(in, State.DOT);
                        continue;
                    }
                    state = State.TEXT;
                }
                case DOT -> {
                    if (octet == '\r') {
                        consume(in, State.DOT_CR);
                        continue;
                    }
                    state = State.TEXT;
                }
                case DOT_CR -> {
                    if (octet == '\n') {
                        consume(in, State.ENDED);
                        return null;
                    }
                    return repairedLineEnd();
                }
                case CR -> {
                    if (octet == '\n') {
                        consume(in, State.LINE_START);
                        lineOctets = 0;
                        return lineEnd();
                    }
                    return repairedLineEnd();
                }
                default -> {
                    // text: falls to the run below
                }
            }
            ByteBuffer run = run(in);
            if (run.hasRemaining()) {
                return run;
            }
        }
    }

    private void consume(ByteBuffer in, State next) {
        in.position(in.position() + 1);
        state = next;
    }

    private ByteBuffer repairedLineEnd() {
        bareLineEnd = true;
        lineOctets = 0;
        state = State.TEXT;
        return lineEnd();
    }

    /** A CRLF to give out. */
    static ByteBuffer lineEnd() {
        return LINE_END.duplicate();
    }

    /** Reads on from within a line, as far as octets can be given out as they are. */
    private ByteBuffer run(ByteBuffer in) {
        int start = in.position();
        int limit = in.limit();
        int at = start;
        while (true) {
            int stop = findLineEnd(in, at, limit);
            lineOctets += stop - at;
            if (lineOctets > MAX_LINE_OCTETS) {
                lineTooLong = true;
                lineOctets = 0;
            }
            if (stop == limit) {
                return upTo(in, start, limit, 0, State.TEXT);
            }
            boolean cr = in.get(stop) == '\r';
            if (cr && stop + 1 == limit) {
                return upTo(in, start, stop, 1, State.CR);
            }
            if (!cr || in.get(stop + 1) != '\n') {
                return upTo(in, start, stop, 1, State.LINE_END_OWED);
            }
            lineOctets = 0;
            at = stop + 2;
            if (at == limit) {
                return upTo(in, start, limit, 0, State.LINE_START);
            }
            if (in.get(at) == '.') {
                return upTo(in, start, at, 1, State.DOT);
            }
        }
    }

    private ByteBuffer upTo(ByteBuffer in, int start, int end, int withheld, State next) {
        in.position(end + withheld);
        state = next;
        return in.slice(start, end - start);
    }

    /** Returns the index of the first CR or LF, or {@code limit}; looks at eight octets at once. */
    static int findLineEnd(ByteBuffer in, int from, int limit) {
        int at = from;
        for (; at <= limit - Long.BYTES; at += Long.BYTES) {
            long word = in.getLong(at);
            long cr = word ^ CRS;
            long lf = word ^ LFS;
            if ((((cr - ONES) & ~cr | (lf - ONES) & ~lf) & HIGHS) != 0) {
                break;
            }
        }
        for (; at < limit; at++) {
            byte octet = in.get(at);
            if (octet == '\r' || octet == '\n') {
                return at;
            }
        }
        return limit;
    }
}
