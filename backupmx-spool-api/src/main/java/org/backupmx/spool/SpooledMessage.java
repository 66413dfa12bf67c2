package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.Envelope;

/**
 * A committed message: who sent what to whom and when. Immutable and thread-safe.
 *
 * @param id its identity
 * @param envelope its envelope, with every recipient, final ones included
 * @param receivedAt when it was received, to the millisecond at least
 * @param sizeBytes the size of its mail data in bytes, at least 0
 */
public record SpooledMessage(SpoolId id, Envelope envelope, Instant receivedAt, long sizeBytes) {

    /** Checks the parts. */
    public SpooledMessage {
        requireNonNull(id, "id");
        requireNonNull(envelope, "envelope");
        requireNonNull(receivedAt, "receivedAt");
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("sizeBytes: " + sizeBytes + " (expected: >= 0)");
        }
    }
}
