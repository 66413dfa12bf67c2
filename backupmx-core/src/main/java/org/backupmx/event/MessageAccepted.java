package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.intake.ClientInfo;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.SpoolId;

/**
 * A message is on stable storage and its client gets 250. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param envelope its envelope
 * @param sizeBytes the size of its mail data in bytes, our Received field included
 * @param client who sent it
 */
public record MessageAccepted(Instant at, SpoolId id, Envelope envelope, long sizeBytes, ClientInfo client)
        implements BackupMxEvent {
    /** Checks the parts. */
    public MessageAccepted {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(envelope, "envelope");
        requireNonNull(client, "client");
    }
}
