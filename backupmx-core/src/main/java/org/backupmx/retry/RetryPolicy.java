package org.backupmx.retry;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
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
     * ({@code s}, {@code m}, {@code h} or {@code d}), perhaps {@code *} and how often it stands, or {@code ..} and a cap:
     * that interval, then twice as much, and so on up to the cap. The last one is repeated. Spaces are free. Examples:
     * {@code 10m, 10m, 10m, 1440m}; {@code 5m*3, 15m*4, 1h}; {@code 5m..4h}, which is {@link #exponential}.
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
     * Returns the policy that the advice of RFC 5321 section 4.5.4.1 comes to: two attempts in the first hour, then every
     * two hours, for 5 d. The intervals are 15, 15, 30 and 120 minutes, the last one again and again.
     *
     * @return the policy, without jitter
     */
    static RetryPolicy rfc5321() {
        return parse("15m*2, 30m, 120m").giveUpAfter(Duration.ofDays(5));
    }

    /**
     * Returns the policy of SmarterMail's defaults: four attempts after the first one, 10, 10, 10 and 1,440 minutes apart;
     * it gives up with the last of them, after 24.5 h.
     *
     * @return the policy, without jitter
     */
    static RetryPolicy smartermail() {
        return parse("10m*3, 1440m").giveUpAfter(Duration.ofMinutes(1470));
    }

    /**
     * Returns the policy of DNSExit's backup service: every 20 minutes, for 7 d.
     *
     * @return the policy, without jitter
     */
    static RetryPolicy dnsexit() {
        return parse("20m").giveUpAfter(Duration.ofDays(7));
    }

    /**
     * Returns the policy of DNS Made Easy's backup service: every 5 minutes, for 14 d.
     *
     * @return the policy, without jitter
     */
    static RetryPolicy dnsmadeeasy() {
        return parse("5m").giveUpAfter(Duration.ofDays(14));
    }

    /**
     * Returns how long after reception this policy gives up, if that is fixed: so that mail which is about to expire can be
     * told of, and kept for a while longer.
     *
     * @return the lifetime; empty if there is no end, or none that is known before, the default
     */
    default Optional<Duration> lifetime() {
        return Optional.empty();
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
