package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;

/**
 * Probes of a primary, one or those of a span of time. Immutable and thread-safe.
 *
 * @param from when the probe ended, or where the span begins
 * @param span how long it is: zero for one probe, else 5 minutes or an hour
 * @param good how many succeeded, at least 0
 * @param failed how many failed, at least 0
 * @param total how long the good ones took together
 * @param largest how long the longest of the good ones took
 */
public record ProbeSummary(Instant from, Duration span, int good, int failed, Duration total, Duration largest) {

    static final Duration FIVE_MINUTES = Duration.ofMinutes(5);
    static final Duration HOUR = Duration.ofHours(1);

    /** Checks the parts. */
    public ProbeSummary {
        requireNonNull(from, "from");
        requireNonNull(span, "span");
        requireNonNull(total, "total");
        requireNonNull(largest, "largest");
        if (good < 0 || failed < 0) {
            throw new IllegalArgumentException("good: " + good + ", failed: " + failed + " (expected: >= 0)");
        }
    }

    /**
     * Returns how long a good probe took in the mean.
     *
     * @return the mean; zero if none was good
     */
    public Duration mean() {
        return good == 0 ? Duration.ZERO : total.dividedBy(good);
    }

    /** Returns both together, as a span of this one's beginning and a length. */
    ProbeSummary plus(ProbeSummary other, Duration length) {
        return new ProbeSummary(
                from,
                length,
                good + other.good,
                failed + other.failed,
                total.plus(other.total),
                largest.compareTo(other.largest) < 0 ? other.largest : largest);
    }
}
