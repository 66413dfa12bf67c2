package org.backupmx.spool.jdbc;

import java.time.Instant;

/**
 * Instants as the database holds them: microseconds since 1970. What lies more than about 292,000 years away becomes
 * the least or greatest value, which stands for {@link Instant#MIN} and {@link Instant#MAX}.
 */
final class Micros {

    private static final long LAST_SECOND = Long.MAX_VALUE / 1_000_000 - 1;

    private Micros() {}

    static long floor(Instant instant) {
        return of(instant, 0);
    }

    /** Rounds up, so that a lease never ends early. */
    static long ceil(Instant instant) {
        return of(instant, 999);
    }

    private static long of(Instant instant, int roundNanos) {
        long second = instant.getEpochSecond();
        if (second > LAST_SECOND) {
            return Long.MAX_VALUE;
        }
        if (second < -LAST_SECOND) {
            return Long.MIN_VALUE;
        }
        return second * 1_000_000 + (instant.getNano() + roundNanos) / 1_000;
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
