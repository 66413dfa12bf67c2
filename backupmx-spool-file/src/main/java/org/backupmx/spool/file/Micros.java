package org.backupmx.spool.file;

import java.time.Instant;

/** Instants as microseconds since 1970, rounded down; beyond ±292,000 years they mean {@link Instant#MAX} and MIN. */
final class Micros {

    private static final long MAX_SECONDS = Long.MAX_VALUE / 1_000_000 - 1;

    private Micros() {}

    static long of(Instant instant) {
        long seconds = instant.getEpochSecond();
        if (seconds >= MAX_SECONDS) {
            return Long.MAX_VALUE;
        }
        if (seconds <= -MAX_SECONDS) {
            return Long.MIN_VALUE;
        }
        return seconds * 1_000_000 + instant.getNano() / 1_000;
    }

    static Instant instant(long micros) {
        if (micros == Long.MAX_VALUE) {
            return Instant.MAX;
        }
        if (micros == Long.MIN_VALUE) {
            return Instant.MIN;
        }
        return Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1_000);
    }
}
