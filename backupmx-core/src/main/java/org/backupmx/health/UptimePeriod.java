package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalDouble;

/**
 * How much of a span of time a primary answered. Immutable and thread-safe.
 *
 * @param from the beginning
 * @param to the end, after {@code from}
 * @param known the time in which its health is known
 * @param answering the time of that in which it was {@link PrimaryHealth#UP} or {@link PrimaryHealth#DEGRADED}
 * @param worst the worst it was: DOWN, REJECTING, DEGRADED, UP; {@link PrimaryHealth#UNKNOWN} if nothing is known
 */
public record UptimePeriod(Instant from, Instant to, Duration known, Duration answering, PrimaryHealth worst) {

    /** Checks the parts. */
    public UptimePeriod {
        requireNonNull(worst, "worst");
        if (!from.isBefore(to)) {
            throw new IllegalArgumentException("to: " + to + " (expected: after " + from + ")");
        }
        if (answering.isNegative() || answering.compareTo(known) > 0) {
            throw new IllegalArgumentException("answering: " + answering + " (expected: 0 to " + known + ")");
        }
    }

    /**
     * Returns the time in which it answered, of the time that is known.
     *
     * @return 0 to 100; empty if nothing is known
     */
    public OptionalDouble percent() {
        return known.isZero()
                ? OptionalDouble.empty()
                : OptionalDouble.of(100.0 * answering.toNanos() / known.toNanos());
    }
}
