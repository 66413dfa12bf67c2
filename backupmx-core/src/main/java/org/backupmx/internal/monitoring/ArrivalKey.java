package org.backupmx.internal.monitoring;

import java.util.HexFormat;

/**
 * 128 bits of a digest: nobody can make two arrivals look alike, and a key has a bounded size, tells nobody who
 * wrote to whom and is the same after a restart.
 */
record ArrivalKey(long high, long low) {

    private static final HexFormat HEX = HexFormat.of();
    private static final int CHARS = 32;

    @Override
    public String toString() {
        return HEX.toHexDigits(high) + HEX.toHexDigits(low);
    }

    static ArrivalKey parse(String text) {
        if (text.length() != CHARS) {
            throw new IllegalArgumentException("key: " + text + " (expected: " + CHARS + " hexadecimal digits)");
        }
        return new ArrivalKey(
                HexFormat.fromHexDigitsToLong(text, 0, 16), HexFormat.fromHexDigitsToLong(text, 16, CHARS));
    }
}
