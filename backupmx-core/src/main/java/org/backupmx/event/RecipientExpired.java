package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.spool.SpoolId;

/**
 * The give-up time of a recipient passed. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param recipient the recipient
 * @param nextHop the last address that was tried in this attempt, or nothing if there was no attempt: mail can
 *     expire while its primary is away
 * @param reply the last transient failure, or ours where there was none
 * @param attempts how many attempts there were, from 0
 * @param notified whether a DSN to the reverse-path was queued
 */
public record RecipientExpired(
        Instant at,
        SpoolId id,
        ForwardPath recipient,
        Optional<NextHopAddress> nextHop,
        SmtpReply reply,
        int attempts,
        boolean notified)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RecipientExpired {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(recipient, "recipient");
        requireNonNull(nextHop, "nextHop");
        requireNonNull(reply, "reply");
    }
}
