package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.SmtpReply;

/** Where the delivery to one recipient stands. Immutable and thread-safe. */
public sealed interface RecipientState {

    /**
     * Tells whether nothing more will be attempted.
     *
     * @return true for relayed, failed and expired
     */
    boolean isFinal();

    /** No attempt has had an outcome yet. */
    enum Pending implements RecipientState {
        /** The one pending state. */
        INSTANCE;

        @Override
        public boolean isFinal() {
            return false;
        }
    }

    /**
     * The last attempt failed for a while; there will be another. With a permanent reply, the recipient is given up and kept
     * for an operator.
     *
     * @param reply the next hop's reply, or ours where there was none; transient or permanent
     * @param at when
     */
    record Deferred(SmtpReply reply, Instant at) implements RecipientState {
        /** Checks the parts. */
        public Deferred {
            requireNonNull(reply, "reply");
            requireNonNull(at, "at");
        }

        @Override
        public boolean isFinal() {
            return false;
        }
    }

    /**
     * The next hop took responsibility.
     *
     * @param reply its reply
     * @param at when
     */
    record Relayed(SmtpReply reply, Instant at) implements RecipientState {
        /** Checks the parts. */
        public Relayed {
            requireNonNull(reply, "reply");
            requireNonNull(at, "at");
        }

        @Override
        public boolean isFinal() {
            return true;
        }
    }

    /**
     * The next hop refused for good.
     *
     * @param reply its reply, or ours where there was none
     * @param at when
     */
    record Failed(SmtpReply reply, Instant at) implements RecipientState {
        /** Checks the parts. */
        public Failed {
            requireNonNull(reply, "reply");
            requireNonNull(at, "at");
        }

        @Override
        public boolean isFinal() {
            return true;
        }
    }

    /**
     * The give-up time passed.
     *
     * @param reply the last transient failure, or ours where there was none
     * @param at when
     */
    record Expired(SmtpReply reply, Instant at) implements RecipientState {
        /** Checks the parts. */
        public Expired {
            requireNonNull(reply, "reply");
            requireNonNull(at, "at");
        }

        @Override
        public boolean isFinal() {
            return true;
        }
    }
}
