package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Finds out that the clock was set, by what time has passed meanwhile. Mail is due, probes are and pauses end at
 * instants, which are suddenly further away than anybody meant, or past. Thread-safe.
 */
final class ClockSteps {

    /** Less is no matter: it is what an instant is late by. */
    static final Duration LEAST = Duration.ofMinutes(1);

    private @Nullable Instant last; // guarded by this, as the next one
    private long lastNanos;

    /**
     * Takes the time.
     *
     * @param now by the clock
     * @param nanos by a source that nobody sets
     * @return by how much the clock was set since the last call, negative if back; zero if by less than {@link #LEAST}
     */
    synchronized Duration step(Instant now, long nanos) {
        Instant before = last;
        Duration passed = Duration.ofNanos(nanos - lastNanos);
        last = now;
        lastNanos = nanos;
        if (before == null) {
            return Duration.ZERO;
        }
        Duration by = Duration.between(before.plus(passed), now);
        return by.abs().compareTo(LEAST) < 0 ? Duration.ZERO : by;
    }
}
