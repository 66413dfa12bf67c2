package org.backupmx.smtp.internal.codec;

/**
 * The argument of BDAT (RFC 3030 section 2): a number of octets, then perhaps LAST. Its octets are read here and not
 * kept, so that a chunk costs no object.
 */
public final class BdatCommand {

    private static final int MOST_DIGITS = 20;

    private BdatCommand() {}

    /** Returns the number of octets, {@link Long#MAX_VALUE} for all that is more; -1 if the argument is malformed. */
    public static long octets(byte[] line, int start, int end) {
        int digits = digitsEnd(line, start, end);
        if (digits == start || digits - start > MOST_DIGITS || !(digits == end || isLast(line, start, end))) {
            return -1;
        }
        long octets = 0;
        for (int i = start; i < digits; i++) {
            int digit = line[i] - '0';
            octets = octets > (Long.MAX_VALUE - digit) / 10 ? Long.MAX_VALUE : octets * 10 + digit;
        }
        return octets;
    }

    /** Tells whether the chunk is the last one of its message. */
    public static boolean isLast(byte[] line, int start, int end) {
        int at = digitsEnd(line, start, end);
        int word = at;
        while (word < end && (line[word] == ' ' || line[word] == '\t')) {
            word++;
        }
        return word > at
                && end - word == 4
                && (line[word] | 0x20) == 'l'
                && (line[word + 1] | 0x20) == 'a'
                && (line[word + 2] | 0x20) == 's'
                && (line[word + 3] | 0x20) == 't';
    }

    private static int digitsEnd(byte[] line, int start, int end) {
        int at = start;
        while (at < end && line[at] >= '0' && line[at] <= '9') {
            at++;
        }
        return at;
    }
}
