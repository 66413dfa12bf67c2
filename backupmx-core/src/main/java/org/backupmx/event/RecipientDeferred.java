package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.spool.SpoolId;

/**
 * An attempt failed for a while. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param recipient the recipient
 * @param nextHop the last address that was tried
 * @param reply its reply, or ours where there was none
 * @param attempt which attempt it was, from 1
 * @param nextAttempt when the recipient is due again
 */
public record RecipientDeferred(
        Instant at,
        SpoolId id,
        ForwardPath recipient,
        NextHopAddress nextHop,
        SmtpReply reply,
        int attempt,
        Instant nextAttempt)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RecipientDeferred {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(recipient, "recipient");
        requireNonNull(nextHop, "nextHop");
        requireNonNull(reply, "reply");
        requireNonNull(nextAttempt, "nextAttempt");
    }
}
