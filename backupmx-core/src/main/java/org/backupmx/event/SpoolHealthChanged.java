package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.spool.SpoolHealth;

/**
 * The spool began, or ceased, to take messages. Immutable and thread-safe.
 *
 * @param at when it was noticed
 * @param health the health now
 */
public record SpoolHealthChanged(Instant at, SpoolHealth health) implements BackupMxEvent {
    /** Checks the parts. */
    public SpoolHealthChanged {
        requireNonNull(at, "at");
        requireNonNull(health, "health");
    }
}
