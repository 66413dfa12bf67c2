package org.backupmx.undelivered;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.List;
import org.backupmx.relay.Destination;
import org.backupmx.relay.NextHop;
import org.backupmx.retry.RetryPolicy;

/**
 * Next hops beside the primary that take the mail which it does not: a second mail store of the operator's. Mail that once
 * goes there never returns to the primary by itself. Immutable and thread-safe.
 *
 * <p>It is relayed as it came, with a null reverse-path and without DSN parameters, so that nothing which a rescue host
 * makes of it reaches a sender. TLS is demanded where it is of the primary, with whatever certificate; credentials are not shown.
 *
 * @param nextHops in the order to try them, 1 to {@value Destination#MAX_NEXT_HOPS}
 * @param lifetime how long a message is tried there before it goes to the dead letters, from 1 ms to
 *     {@link RetryPolicy#MAX_DURATION}
 */
public record RescueHosts(List<NextHop> nextHops, Duration lifetime) {

    /** The default of {@link #withLifetime}: 5 d. */
    public static final Duration DEFAULT_LIFETIME = Duration.ofDays(5);

    /** Checks and copies the parts. */
    public RescueHosts {
        nextHops = List.copyOf(nextHops);
        if (nextHops.isEmpty() || nextHops.size() > Destination.MAX_NEXT_HOPS) {
            throw new IllegalArgumentException(
                    "nextHops: " + nextHops + " (expected: 1 to " + Destination.MAX_NEXT_HOPS + ")");
        }
        requireNonNull(lifetime, "lifetime");
        if (lifetime.compareTo(Duration.ofMillis(1)) < 0 || lifetime.compareTo(RetryPolicy.MAX_DURATION) > 0) {
            throw new IllegalArgumentException(
                    "lifetime: " + lifetime + " (expected: 1 ms to " + RetryPolicy.MAX_DURATION + ")");
        }
    }

    /**
     * Returns hosts with the default lifetime.
     *
     * @param nextHops in the order to try them, 1 to {@value Destination#MAX_NEXT_HOPS}
     * @return the hosts
     * @throws IllegalArgumentException if there are none, or too many
     */
    public static RescueHosts of(NextHop... nextHops) {
        return new RescueHosts(List.of(nextHops), DEFAULT_LIFETIME);
    }

    /**
     * Returns these hosts with another time for which a message is tried there. Default: {@link #DEFAULT_LIFETIME}.
     *
     * @param value how long, from 1 ms to {@link RetryPolicy#MAX_DURATION}
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public RescueHosts withLifetime(Duration value) {
        return new RescueHosts(nextHops, value);
    }
}
