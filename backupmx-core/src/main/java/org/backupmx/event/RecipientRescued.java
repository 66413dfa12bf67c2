package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.spool.SpoolId;

/**
 * A rescue host took responsibility for a recipient. Immutable and thread-safe.
 *
 * @param at when
 * @param id the message
 * @param recipient the recipient
 * @param nextHop who took it
 * @param reply its reply
 * @param attempt which attempt it was, from 1, those at the primary included
 */
public record RecipientRescued(
        Instant at, SpoolId id, ForwardPath recipient, NextHopAddress nextHop, SmtpReply reply, int attempt)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RecipientRescued {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(recipient, "recipient");
        requireNonNull(nextHop, "nextHop");
        requireNonNull(reply, "reply");
    }
}
