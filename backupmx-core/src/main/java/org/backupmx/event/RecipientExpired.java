package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.SpoolId;

/**
 * The give-up time of a recipient passed. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param recipient the recipient
 * @param reply the last transient failure, or ours where there was none
 * @param notified whether a DSN to the reverse-path was queued
 */
public record RecipientExpired(Instant at, SpoolId id, ForwardPath recipient, SmtpReply reply, boolean notified)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RecipientExpired {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(recipient, "recipient");
        requireNonNull(reply, "reply");
    }
}
