package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

/**
 * The forward-path of one recipient (RFC 5321 section 4.1.1.3), source route dropped. Immutable and thread-safe.
 *
 * @param mailbox the recipient's mailbox
 */
public record ForwardPath(Mailbox mailbox) {

    /** Checks the mailbox. */
    public ForwardPath {
        requireNonNull(mailbox, "mailbox");
    }

    /**
     * Returns the forward-path that {@code text} writes.
     *
     * @param text a mailbox without angle brackets
     * @return the path
     * @throws IllegalArgumentException if {@code text} is not a mailbox
     */
    public static ForwardPath parse(String text) {
        return new ForwardPath(Mailbox.parse(text));
    }

    /**
     * Returns the domain this recipient's mail goes to.
     *
     * @return the mailbox's domain
     */
    public MailDomain domain() {
        return mailbox.domain();
    }

    /** Returns the mailbox as text, without angle brackets. */
    @Override
    public String toString() {
        return mailbox.toString();
    }
}
