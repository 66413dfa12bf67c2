package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import org.backupmx.mail.SmtpReply;

/** How a new connection is answered: a session with its limits, or a refusal. */
public sealed interface Greeting {

    /**
     * The client may go on.
     *
     * @param hostname our name, for the banner and the answer to EHLO
     * @param session what to ask for each verb of this connection
     * @param maxMessageBytes the largest mail data taken, announced as SIZE (RFC 1870); at least 1
     * @param maxRecipients the most recipients of one transaction; more get 452 4.5.3; at least 1
     */
    record Welcome(String hostname, IntakeSession session, long maxMessageBytes, int maxRecipients)
            implements Greeting {
        /** Checks the parts. */
        public Welcome {
            requireNonNull(hostname, "hostname");
            requireNonNull(session, "session");
            if (maxMessageBytes < 1) {
                throw new IllegalArgumentException("maxMessageBytes: " + maxMessageBytes + " (expected: >= 1)");
            }
            if (maxRecipients < 1) {
                throw new IllegalArgumentException("maxRecipients: " + maxRecipients + " (expected: >= 1)");
            }
        }
    }

    /**
     * The client is sent away.
     *
     * @param reply in place of the banner: 421, and the connection is closed (RFC 5321 section 3.8), or 554, behind which
     *     the client may say QUIT and nothing else (section 3.1)
     */
    record Refusal(SmtpReply reply) implements Greeting {
        /** Checks the reply. */
        public Refusal {
            requireNonNull(reply, "reply");
            if (reply.isPositive()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz or 5yz)");
            }
        }
    }
}
