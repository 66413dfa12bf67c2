package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds out that the clock was set back, by what time has passed meanwhile. Mail is due, probes are and pauses end at
 * instants, which are suddenly further away than anybody meant. Thread-safe.
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
     * @return by how much the clock was set back since the last call, empty if by less than {@link #LEAST}
     */
    synchronized Optional<Duration> back(Instant now, long nanos) {
        Instant before = last;
        Duration passed = Duration.ofNanos(nanos - lastNanos);
        last = now;
        lastNanos = nanos;
        if (before == null) {
            return Optional.empty();
        }
        Duration by = Duration.between(now, before.plus(passed));
        return by.compareTo(LEAST) < 0 ? Optional.empty() : Optional.of(by);
    }
}
