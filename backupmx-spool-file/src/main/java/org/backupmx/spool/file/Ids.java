package org.backupmx.spool.file;

import java.nio.charset.StandardCharsets;
import org.backupmx.spool.SpoolId;

/**
 * Identities of messages: a number of 60 bits, the session (one opening of the spool) above a counter of
 * {@value #COUNTER_BITS} bits, written as 12 digits of base 32 that sort like the number. A session is never used again,
 * so neither is an identity.
 */
final class Ids {

    static final int COUNTER_BITS = 36;
    /** The most sessions of a spool. */
    static final long MAX_SESSION = (1L << 24) - 1;

    private static final int DIGITS = 12;
    private static final byte[] ALPHABET = "0123456789abcdefghijklmnopqrstuv".getBytes(StandardCharsets.US_ASCII);

    private Ids() {}

    static SpoolId text(long id) {
        byte[] digits = new byte[DIGITS];
        long rest = id;
        for (int i = DIGITS - 1; i >= 0; i--) {
            digits[i] = ALPHABET[(int) rest & 31];
            rest >>>= 5;
        }
        return new SpoolId(new String(digits, StandardCharsets.ISO_8859_1));
    }

    /** Returns the number of an identity, -1 if no file spool made it. */
    static long number(SpoolId id) {
        String text = id.value();
        if (text.length() != DIGITS) {
            return -1;
        }
        long number = 0;
        for (int i = 0; i < DIGITS; i++) {
            char c = text.charAt(i);
            int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
            if (digit < 0) {
                return -1;
            }
            number = number << 5 | digit;
        }
        return number;
    }

    static long session(long id) {
        return id >>> COUNTER_BITS;
    }
}
