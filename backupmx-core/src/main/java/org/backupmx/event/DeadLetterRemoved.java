package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.spool.SpoolId;

/**
 * A dead letter was removed, since nobody has asked for it in all its time. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param since when it became one
 * @param reason why
 */
public record DeadLetterRemoved(Instant at, SpoolId id, Instant since, String reason) implements BackupMxEvent {
    /** Checks the parts. */
    public DeadLetterRemoved {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(since, "since");
        requireNonNull(reason, "reason");
    }
}
