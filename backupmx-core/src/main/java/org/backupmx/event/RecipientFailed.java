package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.spool.SpoolId;

/**
 * A recipient was refused for good. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param recipient the recipient
 * @param nextHop who refused it, or nothing if we did without an attempt
 * @param reply the next hop's reply, or ours where there was none
 * @param attempts how many attempts there were, from 0
 * @param notified whether a DSN to the reverse-path was queued
 */
public record RecipientFailed(
        Instant at,
        SpoolId id,
        ForwardPath recipient,
        Optional<NextHopAddress> nextHop,
        SmtpReply reply,
        int attempts,
        boolean notified)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RecipientFailed {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(recipient, "recipient");
        requireNonNull(nextHop, "nextHop");
        requireNonNull(reply, "reply");
    }
}
