package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.backupmx.mail.MailDomain;

/**
 * A domain to find the way to, and what its operator says of the way. Immutable and thread-safe.
 *
 * @param domain the domain
 * @param isRelayDomain true for a relay domain, whose mail is never given up for what the DNS says; false for a foreign
 *     one, such as that of a DSN
 * @param nextHops fixed next hops in the order to try them, at most {@value Destination#MAX_NEXT_HOPS}; empty to go by
 *     MX
 * @param allowsPrivate whether addresses that come from the DNS may be private, loopback and the like; those written
 *     in {@code nextHops} always may
 */
public record Destination(MailDomain domain, boolean isRelayDomain, List<NextHop> nextHops, boolean allowsPrivate) {

    /** The most fixed next hops of a destination: {@value}. */
    public static final int MAX_NEXT_HOPS = 10;

    /** Checks and copies the parts. */
    public Destination {
        requireNonNull(domain, "domain");
        nextHops = List.copyOf(nextHops);
        if (nextHops.size() > MAX_NEXT_HOPS) {
            throw new IllegalArgumentException(
                    "nextHops: " + nextHops.size() + " (expected: at most " + MAX_NEXT_HOPS + ")");
        }
    }

    /**
     * Returns a relay domain that is found by MX.
     *
     * @param domain the domain
     * @return the destination
     */
    public static Destination relayDomain(MailDomain domain) {
        return new Destination(domain, true, List.of(), false);
    }

    /**
     * Returns a foreign domain that is found by MX.
     *
     * @param domain the domain
     * @return the destination
     */
    public static Destination foreignDomain(MailDomain domain) {
        return new Destination(domain, false, List.of(), false);
    }

    /**
     * Returns this destination with fixed next hops.
     *
     * @param value the next hops in the order to try them
     * @return a copy
     * @throws IllegalArgumentException if there are too many
     */
    public Destination withNextHops(List<NextHop> value) {
        return new Destination(domain, isRelayDomain, value, allowsPrivate);
    }

    /**
     * Returns this destination with addresses from the DNS allowed to be private, loopback and the like.
     *
     * @param value whether they are
     * @return a copy
     */
    public Destination withPrivate(boolean value) {
        return new Destination(domain, isRelayDomain, nextHops, value);
    }
}
