package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolId;

/**
 * A message as operators see it. Immutable and thread-safe.
 *
 * @param message what the spool knows of it
 * @param area where it stands
 * @param until when it is deleted; empty unless the engine holds it
 * @param detail why the engine holds it, a line; empty if it does not
 */
public record QueuedMail(QueuedMessage message, QueueArea area, Optional<Instant> until, String detail) {

    /** Checks the parts. */
    public QueuedMail {
        requireNonNull(message, "message");
        requireNonNull(area, "area");
        requireNonNull(until, "until");
        requireNonNull(detail, "detail");
    }

    /**
     * Returns the message's identity.
     *
     * @return {@code message().id()}
     */
    public SpoolId id() {
        return message.id();
    }
}
