package org.backupmx.smtp.internal.codec;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Cuts octets into command lines (RFC 5321 section 2.3.8: CRLF and nothing else ends one).
 *
 * <p>A bare LF ends a line too, but only to be refused: nothing that it ends or begins is taken for a command. Octets are
 * copied out of the input, which is never held. Not thread-safe.
 */
public final class SmtpCommandDecoder {

    /** How much of an overlong line is swallowed: {@value} octets. */
    public static final int MAX_SWALLOWED_OCTETS = 1 << 20;

    /** What {@link #decode} found. */
    public enum Line {
        /** Not a whole line yet. */
        INCOMPLETE,
        /** A command line; {@link #verb()} and the argument are set. */
        COMMAND,
        /** A line with a bare LF, a bare CR or another control character. */
        MALFORMED,
        /** A line of more octets than allowed, swallowed to its end. */
        TOO_LONG,
        /** More than {@value #MAX_SWALLOWED_OCTETS} octets without a line end. */
        ENDLESS
    }

    private static final int FIRST_CAPACITY = 128;

    private final int maxOctets;
    private byte[] line = new byte[FIRST_CAPACITY];
    private int length;
    private int controls;
    private int swallowed;
    private byte lastSwallowed;
    private boolean whole = true;
    private boolean afterBareLf;
    private SmtpVerb verb = SmtpVerb.UNKNOWN;
    private int argumentStart;
    private int argumentEnd;

    /** Takes lines of at most {@code maxOctets} with their CRLF. */
    public SmtpCommandDecoder(int maxOctets) {
        this.maxOctets = maxOctets;
    }

    /** Reads up to the end of one line, or all of {@code in}. */
    public Line decode(ByteBuffer in) {
        if (whole) {
            reset();
        }
        while (in.hasRemaining()) {
            byte octet = in.get();
            if (octet == '\n') {
                whole = true;
                return lineEnded();
            }
            if (length == maxOctets - 1) {
                lastSwallowed = octet;
                if (++swallowed > MAX_SWALLOWED_OCTETS) {
                    return Line.ENDLESS;
                }
            } else {
                append(octet);
            }
        }
        return Line.INCOMPLETE;
    }

    /** Forgets the line that has begun. */
    public void reset() {
        length = 0;
        controls = 0;
        swallowed = 0;
        whole = false;
    }

    private void append(byte octet) {
        if (length == line.length) {
            line = Arrays.copyOf(line, Math.min(maxOctets, line.length * 2));
        }
        if (octet >= 0 && octet < ' ' && octet != '\t' || octet == 0x7f) {
            controls++;
        }
        line[length++] = octet;
    }

    private Line lineEnded() {
        boolean begunByBareLf = afterBareLf;
        afterBareLf = swallowed > 0 ? lastSwallowed != '\r' : length == 0 || line[length - 1] != '\r';
        if (swallowed > 0) {
            return Line.TOO_LONG;
        }
        // the CR of the line end is the only control character there may be
        if (begunByBareLf || controls != 1 || line[length - 1] != '\r') {
            return Line.MALFORMED;
        }
        int end = length - 1;
        while (end > 0 && isBlank(line[end - 1])) {
            end--;
        }
        int space = 0;
        while (space < end && !isBlank(line[space])) {
            space++;
        }
        verb = SmtpVerb.of(line, space);
        while (space < end && isBlank(line[space])) {
            space++;
        }
        argumentStart = space;
        argumentEnd = end;
        return Line.COMMAND;
    }

    private static boolean isBlank(byte octet) {
        return octet == ' ' || octet == '\t';
    }

    /** Tells whether a line has begun and not ended. */
    public boolean isWithinLine() {
        return !whole && length > 0;
    }

    /** Returns the verb of the command line. */
    public SmtpVerb verb() {
        return verb;
    }

    /** Returns the octets that hold the argument; they change with the next {@link #decode}. */
    public byte[] line() {
        return line;
    }

    /** Returns where the argument begins in {@link #line()}. */
    public int argumentStart() {
        return argumentStart;
    }

    /** Returns where the argument ends in {@link #line()}, exclusive; white space before the CRLF is cut. */
    public int argumentEnd() {
        return argumentEnd;
    }

    /** Tells whether the command has an argument. */
    public boolean hasArgument() {
        return argumentEnd > argumentStart;
    }
}
