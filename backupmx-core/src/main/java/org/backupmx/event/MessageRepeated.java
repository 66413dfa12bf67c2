package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.intake.ClientInfo;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.SpoolId;

/**
 * A client sent a message again that is on stable storage, or was relayed meanwhile, and got the 250 of that one (RFC
 * 1047). Only with {@link org.backupmx.BackupMxBuilder#repeatWindow}. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message that was accepted before
 * @param envelope the envelope of the repeat
 * @param client who sent it
 */
public record MessageRepeated(Instant at, SpoolId id, Envelope envelope, ClientInfo client) implements BackupMxEvent {
    /** Checks the parts. */
    public MessageRepeated {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(envelope, "envelope");
        requireNonNull(client, "client");
    }
}
