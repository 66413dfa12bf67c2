package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * The reverse-path of a mail transaction (RFC 5321 section 4.1.1.2): a mailbox that takes delivery status
 * notifications, or the null reverse-path {@code <>} that takes none. Immutable and thread-safe.
 */
public sealed interface ReversePath permits ReversePath.Null, ReversePath.Of {

    /**
     * Returns the null reverse-path.
     *
     * @return {@code <>}
     */
    static ReversePath nullPath() {
        return Null.INSTANCE;
    }

    /**
     * Returns the reverse-path to a mailbox.
     *
     * @param mailbox where notifications go
     * @return the path
     */
    static ReversePath of(Mailbox mailbox) {
        return new Of(mailbox);
    }

    /**
     * Returns the reverse-path that {@code text} writes.
     *
     * @param text a mailbox, or the empty string for the null reverse-path; no angle brackets
     * @return the path
     * @throws IllegalArgumentException if {@code text} is neither
     */
    static ReversePath parse(String text) {
        return text.isEmpty() ? nullPath() : of(Mailbox.parse(text));
    }

    /**
     * Tells whether this is the null reverse-path, which is never answered with a DSN.
     *
     * @return true for {@code <>}
     */
    default boolean isNull() {
        return mailbox().isEmpty();
    }

    /**
     * Returns the mailbox.
     *
     * @return the mailbox, empty for the null reverse-path
     */
    Optional<Mailbox> mailbox();

    /** The null reverse-path {@code <>} (RFC 5321 section 4.5.5). */
    enum Null implements ReversePath {
        /** The one null reverse-path. */
        INSTANCE;

        @Override
        public Optional<Mailbox> mailbox() {
            return Optional.empty();
        }

        /** Returns the empty string. */
        @Override
        public String toString() {
            return "";
        }
    }

    /**
     * The reverse-path to a mailbox.
     *
     * @param to the mailbox
     */
    record Of(Mailbox to) implements ReversePath {

        /** Checks the mailbox. */
        public Of {
            requireNonNull(to, "to");
        }

        @Override
        public Optional<Mailbox> mailbox() {
            return Optional.of(to);
        }

        /** Returns the mailbox as text, without angle brackets. */
        @Override
        public String toString() {
            return to.toString();
        }
    }
}
