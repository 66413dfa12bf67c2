package org.backupmx.retry;

import java.time.Duration;
import java.time.Instant;

/** Intervals that double up to a cap. */
record Exponential(Duration first, Duration cap) implements RetryPolicy {

    Exponential {
        Intervals.check("first", first);
        Intervals.check("cap", cap);
        if (cap.compareTo(first) < 0) {
            throw new IllegalArgumentException("cap: " + cap + " (expected: >= first, which is " + first + ")");
        }
    }

    @Override
    public RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        // 1 ms doubled 39 times is beyond the longest cap, and far from an overflow.
        int doublings = Math.min(Intervals.checkAttempts(attempts) - 1, 39);
        Duration interval = first.multipliedBy(1L << doublings);
        return new RetryDecision.RetryAt(now.plus(interval.compareTo(cap) > 0 ? cap : interval));
    }
}
