package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.MailDomain;

/**
 * The right to attempt one message in one lane until an instant. Immutable and thread-safe.
 *
 * @param message the message
 * @param domain the lane
 * @param recipients the recipients of that domain that are not final yet, in envelope order, at least one
 * @param attempts how many attempts were settled in this lane before, at least 0
 * @param due when this message was due
 * @param until when the lease ends, by the caller's clock
 * @param token tells this lease from every other one of this spool; made by the spool
 */
public record SpoolLease(
        SpooledMessage message,
        MailDomain domain,
        List<QueuedRecipient> recipients,
        int attempts,
        Instant due,
        Instant until,
        long token) {

    /** Checks and copies the parts. */
    public SpoolLease {
        requireNonNull(message, "message");
        requireNonNull(domain, "domain");
        recipients = List.copyOf(recipients);
        requireNonNull(due, "due");
        requireNonNull(until, "until");
        if (attempts < 0) {
            throw new IllegalArgumentException("attempts: " + attempts + " (expected: >= 0)");
        }
    }

    /**
     * Returns the message's identity.
     *
     * @return {@code message().id()}
     */
    public SpoolId id() {
        return message.id();
    }

    /**
     * Returns this lease with another end: what {@link Spool#renew} answers.
     *
     * @param newUntil when it ends
     * @param newToken its new token
     * @return the lease
     */
    public SpoolLease renewed(Instant newUntil, long newToken) {
        return new SpoolLease(message, domain, recipients, attempts, due, newUntil, newToken);
    }
}
