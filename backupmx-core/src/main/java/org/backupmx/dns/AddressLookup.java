package org.backupmx.dns;

import static java.util.Objects.requireNonNull;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** What the DNS says of a host's addresses. Immutable and thread-safe. */
public sealed interface AddressLookup {

    /**
     * The most addresses that are kept of a host: {@value}. Fewer are attempted, but any of them may be ours
     * ({@link org.backupmx.relay.RelayRouter}).
     */
    int MAX_ADDRESSES = 200;

    /**
     * The host has addresses.
     *
     * @param addresses its addresses, at least one: IPv6 and IPv4 in turn, each family in the order it was given in,
     *     the first {@value AddressLookup#MAX_ADDRESSES} kept
     * @param isAlias whether the name is an alias (CNAME) of another, which a mail exchanger must not be (RFC 2181 section
     *     10.3) and often is
     */
    record Found(List<InetAddress> addresses, boolean isAlias) implements AddressLookup {
        /** Copies, checks and orders the addresses. */
        public Found {
            addresses = inTurn(addresses);
            if (addresses.isEmpty()) {
                throw new IllegalArgumentException("addresses: [] (expected: at least one)");
            }
        }

        /**
         * Makes the answer about a name that is no alias.
         *
         * @param addresses its addresses, at least one
         */
        public Found(List<InetAddress> addresses) {
            this(addresses, false);
        }

        private static List<InetAddress> inTurn(List<InetAddress> addresses) {
            Iterator<InetAddress> v6 =
                    addresses.stream().filter(Inet6Address.class::isInstance).iterator();
            Iterator<InetAddress> v4 =
                    addresses.stream().filter(Inet4Address.class::isInstance).iterator();
            List<InetAddress> ordered = new ArrayList<>();
            while ((v6.hasNext() || v4.hasNext()) && ordered.size() < MAX_ADDRESSES) {
                ordered.add(v6.hasNext() ? v6.next() : v4.next());
                if (v4.hasNext() && ordered.size() < MAX_ADDRESSES) {
                    ordered.add(v4.next());
                }
            }
            return List.copyOf(ordered);
        }
    }

    /** There is no such host, or it has no address. */
    record NoSuchHost() implements AddressLookup {}

    /**
     * The DNS gave no answer that counts, and no address at all.
     *
     * @param reason what happened, for operators
     */
    record TemporaryFailure(String reason) implements AddressLookup {
        /** Checks the reason. */
        public TemporaryFailure {
            requireNonNull(reason, "reason");
        }
    }
}
