package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.backupmx.mail.SmtpReply;

/** Which way a destination's mail goes now. Immutable and thread-safe. */
public sealed interface RelayRoute {

    /**
     * There are next hops.
     *
     * @param addresses at least one address, in the order to try them; those of one host stand together and have equal
     *     {@link NextHopAddress#nextHop() next hops}
     * @param preferences the preference of each next hop, lower is preferred; of those of {@code addresses}, and of those
     *     that are part of the primary as well and are not used this time: beyond the bounds of a route, or without an
     *     address now. At most {@value RelayRouter#MAX_HOSTS_EXAMINED}
     * @param notes what an operator should know of this route, mostly empty
     */
    record NextHops(List<NextHopAddress> addresses, Map<NextHop, Integer> preferences, List<String> notes)
            implements RelayRoute {
        /** Copies and checks the parts. */
        public NextHops {
            addresses = List.copyOf(addresses);
            preferences = Map.copyOf(preferences);
            notes = List.copyOf(notes);
            if (addresses.isEmpty()) {
                throw new IllegalArgumentException("addresses: [] (expected: at least one)");
            }
            for (NextHopAddress address : addresses) {
                if (!preferences.containsKey(address.nextHop())) {
                    throw new IllegalArgumentException("preferences: none of " + address.nextHop());
                }
            }
        }

        /**
         * Returns the primary that this route leads to, the same whichever of its hosts are used and in whatever order.
         *
         * @return its next hops, sorted by name
         */
        public List<NextHop> primary() {
            return preferences.keySet().stream()
                    .sorted(Comparator.comparing(NextHop::toString))
                    .toList();
        }

        /**
         * Returns the addresses of other hosts of the same preference: who is deferred by one of equals may try another.
         *
         * @param address one of this route
         * @return in the order to try them, empty if there is no equal
         */
        public List<NextHopAddress> equalsOf(NextHopAddress address) {
            return addresses.stream()
                    .filter(other -> !other.nextHop().equals(address.nextHop()))
                    .filter(other -> preference(other) == preference(address))
                    .toList();
        }

        /**
         * Returns the preference of an address of this route.
         *
         * @param address one of this route
         * @return the preference of its next hop, lower is preferred
         * @throws IllegalArgumentException if it is of no next hop of this route
         */
        public int preference(NextHopAddress address) {
            Integer preference = preferences.get(address.nextHop());
            if (preference == null) {
                throw new IllegalArgumentException("address: " + address + " (expected: one of this route)");
            }
            return preference;
        }
    }

    /**
     * A relay domain has no next hop, and that is a fault of its set-up: its mail is kept, its operator told.
     *
     * @param reason what is wrong, for operators
     */
    record Hold(String reason) implements RelayRoute {
        /** Checks the reason. */
        public Hold {
            requireNonNull(reason, "reason");
        }
    }

    /**
     * A foreign domain takes no mail.
     *
     * @param reply the 5yz that says so
     */
    record Undeliverable(SmtpReply reply) implements RelayRoute {
        /** Checks the reply. */
        public Undeliverable {
            requireNonNull(reply, "reply");
            if (!reply.isPermanent()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 5yz)");
            }
        }
    }

    /**
     * The DNS does not say now.
     *
     * @param reason what happened, for operators
     */
    record Retry(String reason) implements RelayRoute {
        /** Checks the reason. */
        public Retry {
            requireNonNull(reason, "reason");
        }
    }
}
