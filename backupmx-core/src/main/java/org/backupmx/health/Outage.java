package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;

/**
 * A time in which a primary was {@link PrimaryHealth#DOWN} or {@link PrimaryHealth#REJECTING} without a break. Immutable
 * and thread-safe.
 *
 * @param from its beginning
 * @param to its end, or the report's
 * @param ongoing whether it has not ended
 * @param health what it began as
 * @param cause the answer that began it, for operators
 */
public record Outage(Instant from, Instant to, boolean ongoing, PrimaryHealth health, String cause) {

    /** Checks the parts. */
    public Outage {
        requireNonNull(health, "health");
        requireNonNull(cause, "cause");
        if (!from.isBefore(to)) {
            throw new IllegalArgumentException("to: " + to + " (expected: after " + from + ")");
        }
    }

    /**
     * Returns how long it lasted, so far if it has not ended.
     *
     * @return the length, more than zero
     */
    public Duration length() {
        return Duration.between(from, to);
    }
}
