package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import org.backupmx.mail.SmtpReply;

/** The outcome of one attempt for one recipient. Immutable and thread-safe. */
public sealed interface RecipientOutcome {

    /**
     * Returns the reply that decided it.
     *
     * @return the next hop's reply, or ours where there was none
     */
    SmtpReply reply();

    /**
     * The next hop answered 2yz to the end of mail data: it is responsible now.
     *
     * @param reply that reply
     */
    record Relayed(SmtpReply reply) implements RecipientOutcome {
        /** Checks the reply. */
        public Relayed {
            requireNonNull(reply, "reply");
            if (!reply.isPositive()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 2yz)");
            }
        }
    }

    /**
     * Not this time.
     *
     * @param reply 4yz. One of ours has no status about the mail system (x.3.z, RFC 3463): where all recipients get such a reply, the
     *     next hop is taken for busy
     */
    record TransientFailure(SmtpReply reply) implements RecipientOutcome {
        /** Checks the reply. */
        public TransientFailure {
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
    record PermanentFailure(SmtpReply reply) implements RecipientOutcome {
        /** Checks the reply. */
        public PermanentFailure {
            requireNonNull(reply, "reply");
            if (!reply.isPermanent()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 5yz)");
            }
        }
    }

    /**
     * Nobody knows: all mail data and its end were sent, and the reply never came. The next hop may be responsible, so to
     * send the message again may be to send it twice; not to do so may be to lose it.
     *
     * @param reply 4yz of ours that says what happened
     */
    record Unknown(SmtpReply reply) implements RecipientOutcome {
        /** Checks the reply. */
        public Unknown {
            requireNonNull(reply, "reply");
            if (!reply.isTransient()) {
                throw new IllegalArgumentException("reply: " + reply + " (expected: 4yz)");
            }
        }
    }
}
