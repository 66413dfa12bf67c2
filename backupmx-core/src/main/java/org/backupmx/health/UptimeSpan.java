package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;

/**
 * A time in which a primary's health is known and was one. Immutable and thread-safe.
 *
 * @param from its beginning
 * @param to its end, after {@code from}
 * @param health what it was, never {@link PrimaryHealth#UNKNOWN}
 * @param cause the answer that began it, for operators
 */
public record UptimeSpan(Instant from, Instant to, PrimaryHealth health, String cause) {

    /** Checks the parts. */
    public UptimeSpan {
        requireNonNull(health, "health");
        requireNonNull(cause, "cause");
        if (!from.isBefore(to)) {
            throw new IllegalArgumentException("to: " + to + " (expected: after " + from + ")");
        }
    }

    /**
     * Tells whether the primary took mail, if perhaps slowly.
     *
     * @return whether it was {@link PrimaryHealth#UP} or {@link PrimaryHealth#DEGRADED}
     */
    public boolean isAnswering() {
        return health == PrimaryHealth.UP || health == PrimaryHealth.DEGRADED;
    }

    /**
     * Returns how long it is.
     *
     * @return the length, more than zero
     */
    public Duration length() {
        return Duration.between(from, to);
    }
}
