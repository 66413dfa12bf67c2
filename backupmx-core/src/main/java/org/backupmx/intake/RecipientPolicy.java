package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.util.Collection;
import org.backupmx.mail.Mailbox;

/**
 * Tells which recipients exist in a relay domain. Implementations are thread-safe.
 *
 * <p>It is asked on a worker, bounded by the policy timeout; when it throws or is late the recipient gets 451 4.3.0.
 * {@code postmaster} and {@code abuse} are accepted without asking (RFC 5321 section 4.5.1, RFC 2142).
 */
@FunctionalInterface
public interface RecipientPolicy {

    /**
     * Tells what is known of a recipient.
     *
     * @param recipient a mailbox in a relay domain
     * @return its status
     * @throws Exception if it cannot be told; the recipient is deferred
     */
    RecipientStatus status(Mailbox recipient) throws Exception;

    /**
     * Tells whether {@link #status} may wait for something; if so it is never called on an event loop.
     *
     * @return true unless overridden; false for {@link #acceptAll()} and {@link #only}
     */
    default boolean mayBlock() {
        return true;
    }

    /**
     * Returns the policy that takes every recipient of a relay domain. It makes backscatter likely: prefer
     * {@link #only} where the recipients are known.
     *
     * @return the policy
     */
    static RecipientPolicy acceptAll() {
        return AcceptAll.INSTANCE;
    }

    /**
     * Returns the policy that knows exactly the given mailboxes, compared without case.
     *
     * @param recipients the mailboxes that exist; copied
     * @return the policy, answered in memory
     */
    static RecipientPolicy only(Collection<Mailbox> recipients) {
        return new KnownRecipients(requireNonNull(recipients, "recipients"));
    }
}
