package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.backupmx.mail.SmtpReply;

/** How an attempt ended. Immutable and thread-safe. */
public sealed interface RelayResult {

    /**
     * The dialogue got as far as a mail transaction.
     *
     * @param outcomes one for each recipient of the request, in its order
     */
    record Attempted(List<RecipientOutcome> outcomes) implements RelayResult {
        /** Copies the outcomes. */
        public Attempted {
            outcomes = List.copyOf(outcomes);
        }
    }

    /**
     * No mail transaction was begun: no connection, no greeting, EHLO refused, TLS broken. Another address or another
     * host may be tried at once.
     *
     * @param reply the next hop's reply, or a 4yz of ours that says what happened; a 5yz rules out the whole host
     */
    record NoSession(SmtpReply reply) implements RelayResult {
        /** Checks the reply. */
        public NoSession {
            requireNonNull(reply, "reply");
            if (reply.isPositive()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz or 5yz)");
            }
        }
    }
}
