package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.SpoolId;

/**
 * A recipient was refused for good. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param recipient the recipient
 * @param reply the next hop's reply, or ours where there was none
 * @param notified whether a DSN to the reverse-path was queued
 */
public record RecipientFailed(Instant at, SpoolId id, ForwardPath recipient, SmtpReply reply, boolean notified)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RecipientFailed {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(recipient, "recipient");
        requireNonNull(reply, "reply");
    }
}
