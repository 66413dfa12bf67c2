package org.backupmx.spool.jdbc;

import java.time.Instant;
import java.util.random.RandomGenerator;
import org.backupmx.spool.SpoolId;

/** Makes identities and tokens. Thread-safe, whatever the generator is. */
final class Ids {

    /** Digits before letters, so that text order is number order; no i, l, o, u. */
    private static final char[] DIGITS = "0123456789abcdefghjkmnpqrstvwxyz".toCharArray();

    private static final int TIME_DIGITS = 10;
    private static final int RANDOM_DIGITS = 16;

    private final RandomGenerator random;

    Ids(RandomGenerator random) {
        this.random = random;
    }

    /** 26 characters: 50 bits of milliseconds, so that ids sort by arrival, then 80 random bits. */
    SpoolId next(Instant receivedAt) {
        long high;
        long low;
        synchronized (random) {
            high = random.nextLong();
            low = random.nextLong();
        }
        long millis = Math.max(0, Math.min(Micros.floor(receivedAt) / 1_000, (1L << 5 * TIME_DIGITS) - 1));
        char[] id = new char[TIME_DIGITS + RANDOM_DIGITS];
        for (int i = 0; i < TIME_DIGITS; i++) {
            id[i] = DIGITS[(int) (millis >>> 5 * (TIME_DIGITS - 1 - i)) & 31];
        }
        for (int i = 0; i < RANDOM_DIGITS; i++) {
            long bits = i < RANDOM_DIGITS / 2 ? high : low;
            id[TIME_DIGITS + i] = DIGITS[(int) (bits >>> 5 * (i % (RANDOM_DIGITS / 2))) & 31];
        }
        return new SpoolId(new String(id));
    }

    /** A number that is not 0, which stands for no lease. */
    long token() {
        synchronized (random) {
            long token;
            do {
                token = random.nextLong();
            } while (token == 0);
            return token;
        }
    }
}
