package org.backupmx.retry;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * The rule for when a deferred message is tried again and when it is given up (RFC 5321 section 4.5.4.1). A plain
 * function: implementations are thread-safe and do not block.
 *
 * <p>The policies made here never give up by themselves; {@link #giveUpAfter} sets the lifetime. Decorators may be
 * applied in any order: jitter never carries an attempt past the give-up time.
 */
@FunctionalInterface
public interface RetryPolicy {

    /** The longest interval or lifetime that the policies made here take: 3650 d. */
    Duration MAX_DURATION = Duration.ofDays(3650);

    /**
     * Decides after an attempt that failed for now.
     *
     * @param attempts how many attempts there have been, this one included; at least 1
     * @param receivedAt when the message was received
     * @param now when the attempt ended
     * @return when to try again, later than {@code now}, or that it expires
     */
    RetryDecision decide(int attempts, Instant receivedAt, Instant now);

    /**
     * Returns the policy that waits the given intervals in order, the last one again and again.
     *
     * @param intervals 1 to 10,000 intervals, each at least 1 ms and at most {@link #MAX_DURATION}
     * @return the policy
     * @throws IllegalArgumentException if there are too few or too many, or one is out of range
     */
    static RetryPolicy intervals(Duration... intervals) {
        return new Intervals(List.of(intervals));
    }

    /**
     * Returns the policy that waits {@code first}, then twice that, and so on up to {@code cap}.
     *
     * @param first the first interval, at least 1 ms
     * @param cap the longest interval, at least {@code first} and at most {@link #MAX_DURATION}
     * @return the policy
     * @throws IllegalArgumentException if an interval is out of range
     */
    static RetryPolicy exponential(Duration first, Duration cap) {
        return new Exponential(first, cap);
    }

    /**
     * Returns the policy that {@code text} writes: intervals divided by commas, each a whole number and a unit
     * ({@code s}, {@code m}, {@code h} or {@code d}), perhaps {@code *} and how often it stands. The last one is
     * repeated. Spaces are free. Example: {@code 5m*3, 15m*4, 1h}.
     *
     * @param text the intervals, at most 1000 characters
     * @return the policy, equal to that of {@link #intervals} for the same intervals
     * @throws IllegalArgumentException if {@code text} has another form; the message names the character at which it
     *     went wrong and what was expected there
     */
    static RetryPolicy parse(String text) {
        return new IntervalsParser(text).parse();
    }

    /**
     * Returns this policy with every interval changed by a random part of it, so that messages deferred together do
     * not all fall due together.
     *
     * @param fraction the largest change as a part of the interval, at least 0 and less than 1; 0.1 is ±10 %
     * @param random the source of randomness, thread-safe
     * @return the policy
     * @throws IllegalArgumentException if {@code fraction} is out of range
     */
    default RetryPolicy withJitter(double fraction, RandomGenerator random) {
        return new Jittered(this, fraction, random);
    }

    /**
     * Returns this policy with an end: at {@code lifetime} after reception there is a last attempt at the latest, and
     * after it the message expires.
     *
     * @param lifetime the longest time from reception to the last attempt, at least 1 ms and at most
     *     {@link #MAX_DURATION}
     * @return the policy
     * @throws IllegalArgumentException if {@code lifetime} is out of range
     */
    default RetryPolicy giveUpAfter(Duration lifetime) {
        return new Mortal(this, lifetime);
    }
}
