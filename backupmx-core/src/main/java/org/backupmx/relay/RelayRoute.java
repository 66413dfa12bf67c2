package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.backupmx.mail.SmtpReply;

/** Which way a destination's mail goes now. Immutable and thread-safe. */
public sealed interface RelayRoute {

    /**
     * There are next hops.
     *
     * @param addresses at least one address, in the order to try them; those of one host stand together and have equal
     *     {@link NextHopAddress#nextHop() next hops}
     * @param notes what an operator should know of this route, mostly empty
     */
    record NextHops(List<NextHopAddress> addresses, List<String> notes) implements RelayRoute {
        /** Copies and checks the parts. */
        public NextHops {
            addresses = List.copyOf(addresses);
            notes = List.copyOf(notes);
            if (addresses.isEmpty()) {
                throw new IllegalArgumentException("addresses: [] (expected: at least one)");
            }
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
