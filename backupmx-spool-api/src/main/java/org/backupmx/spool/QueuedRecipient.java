package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import org.backupmx.mail.Recipient;

/**
 * One recipient of a queued message and where its delivery stands. Immutable and thread-safe.
 *
 * @param index its position in the envelope's recipients, from 0
 * @param recipient the recipient
 * @param state where its delivery stands
 */
public record QueuedRecipient(int index, Recipient recipient, RecipientState state) {

    /** Checks the parts. */
    public QueuedRecipient {
        requireNonNull(recipient, "recipient");
        requireNonNull(state, "state");
        if (index < 0) {
            throw new IllegalArgumentException("index: " + index + " (expected: >= 0)");
        }
    }
}
