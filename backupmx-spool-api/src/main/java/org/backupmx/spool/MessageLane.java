package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.MailDomain;

/**
 * One lane of a queued message. Immutable and thread-safe.
 *
 * @param domain the destination domain
 * @param recipients the recipients of that domain that are not final, in envelope order, at least one
 * @param attempts how many attempts were settled
 * @param due when it is due
 */
public record MessageLane(MailDomain domain, List<QueuedRecipient> recipients, int attempts, Instant due) {

    /** Checks and copies the parts. */
    public MessageLane {
        requireNonNull(domain, "domain");
        recipients = List.copyOf(recipients);
        requireNonNull(due, "due");
        if (attempts < 0) {
            throw new IllegalArgumentException("attempts: " + attempts + " (expected: >= 0)");
        }
    }
}
