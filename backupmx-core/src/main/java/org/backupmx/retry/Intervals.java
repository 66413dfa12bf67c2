package org.backupmx.retry;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Fixed intervals, the last one repeated. */
record Intervals(List<Duration> intervals) implements RetryPolicy {

    static final int MAX_INTERVALS = 10_000;

    Intervals {
        intervals = List.copyOf(intervals);
        if (intervals.isEmpty() || intervals.size() > MAX_INTERVALS) {
            throw new IllegalArgumentException(
                    "intervals: " + intervals.size() + " (expected: 1 to " + MAX_INTERVALS + ")");
        }
        intervals.forEach(interval -> check("interval", interval));
    }

    @Override
    public RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        int index = Math.min(checkAttempts(attempts), intervals.size()) - 1;
        return new RetryDecision.RetryAt(now.plus(intervals.get(index)));
    }

    static int checkAttempts(int attempts) {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts: " + attempts + " (expected: >= 1)");
        }
        return attempts;
    }

    static Duration check(String name, Duration value) {
        requireNonNull(value, name);
        if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(MAX_DURATION) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 ms to " + MAX_DURATION + ")");
        }
        return value;
    }
}
