package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import org.backupmx.mail.SmtpReply;

/** What is decided on a verb. Immutable and thread-safe. */
public sealed interface Verdict {

    /**
     * Returns the reply that the client gets.
     *
     * @return the reply
     */
    SmtpReply reply();

    /**
     * Allowed.
     *
     * @param reply 2yz
     */
    record Accept(SmtpReply reply) implements Verdict {
        /** Checks the reply. */
        public Accept {
            requireNonNull(reply, "reply");
            if (!reply.isPositive()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 2yz)");
            }
        }
    }

    /**
     * Not now: the client keeps the message and tries again.
     *
     * @param reply 4yz
     */
    record Defer(SmtpReply reply) implements Verdict {
        /** Checks the reply. */
        public Defer {
            requireNonNull(reply, "reply");
            if (!reply.isTransient()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz)");
            }
        }
    }

    /**
     * Never.
     *
     * @param reply 5yz
     */
    record Reject(SmtpReply reply) implements Verdict {
        /** Checks the reply. */
        public Reject {
            requireNonNull(reply, "reply");
            if (!reply.isPermanent()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 5yz)");
            }
        }
    }

    /**
     * Not from this client: the reply, then the connection is closed.
     *
     * @param reply 421, or another 4yz or 5yz
     */
    record Disconnect(SmtpReply reply) implements Verdict {
        /** Checks the reply. */
        public Disconnect {
            requireNonNull(reply, "reply");
            if (reply.isPositive()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz or 5yz)");
            }
        }
    }
}
