package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.SpoolId;

/**
 * A message goes to the rescue hosts and not to the primary any more, for some or all of its recipients. Immutable and
 * thread-safe.
 *
 * @param at when
 * @param id the message
 * @param domain whose lane it is in
 * @param recipients those recipients, at least one
 * @param reply why: the primary's refusal, or the last answer before its time had passed
 * @param nextHops the rescue hosts
 */
public record RescueBegun(
        Instant at,
        SpoolId id,
        MailDomain domain,
        List<ForwardPath> recipients,
        SmtpReply reply,
        List<NextHop> nextHops)
        implements BackupMxEvent {
    /** Checks the parts. */
    public RescueBegun {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(domain, "domain");
        recipients = List.copyOf(recipients);
        requireNonNull(reply, "reply");
        nextHops = List.copyOf(nextHops);
    }
}
