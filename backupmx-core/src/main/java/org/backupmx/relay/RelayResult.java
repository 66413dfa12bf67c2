package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import org.backupmx.mail.SmtpReply;

/** How an attempt ended. Immutable and thread-safe. */
public sealed interface RelayResult {

    /**
     * The dialogue got as far as a mail transaction.
     *
     * @param outcomes one for each recipient of the request, in its order
     * @param said what the next hop said of itself, if this was the first attempt on its connection
     */
    record Attempted(List<RecipientOutcome> outcomes, Optional<PrimaryCapabilities> said) implements RelayResult {
        /** Copies the outcomes. */
        public Attempted {
            outcomes = List.copyOf(outcomes);
            requireNonNull(said, "said");
        }

        /**
         * Makes a result that tells nothing of the next hop.
         *
         * @param outcomes one for each recipient of the request, in its order
         */
        public Attempted(List<RecipientOutcome> outcomes) {
            this(outcomes, Optional.empty());
        }
    }

    /**
     * No mail transaction was begun: no connection, no greeting, EHLO refused, TLS or authentication failed.
     *
     * @param reply the next hop's reply, or a 4yz of ours that says what happened
     * @param about what else may be tried at once
     */
    record NoSession(SmtpReply reply, About about) implements RelayResult {
        /** Checks the parts. */
        public NoSession {
            requireNonNull(reply, "reply");
            requireNonNull(about, "about");
            if (reply.isPositive()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz or 5yz)");
            }
        }
    }

    /** What a failure to get a session says something about. */
    enum About {
        /** This address: no connection, silence, 4yz to the greeting, broken TLS. Another one of the host may do. */
        ADDRESS,
        /** The host at all its addresses: 5yz to the greeting, our credentials refused. Another host may do. */
        HOST,
        /** Ourselves: no socket, no such source address, stopping. Nothing is known of the next hop. */
        OURSELVES
    }
}
