package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.SpoolId;

/**
 * A message was given up and nobody may be told: it is held for an operator, who may release or delete it. Immutable and
 * thread-safe.
 *
 * @param at when
 * @param id the message
 * @param domain whose lane it was in last
 * @param recipients the recipients in that lane that it did not reach
 * @param reply why: the primary's refusal, or ours that its time has passed
 * @param until when it is removed, unless an operator decides before
 */
public record MessageDeadLettered(
        Instant at, SpoolId id, MailDomain domain, List<ForwardPath> recipients, SmtpReply reply, Instant until)
        implements BackupMxEvent {
    /** Checks and copies the parts. */
    public MessageDeadLettered {
        requireNonNull(at, "at");
        requireNonNull(id, "id");
        requireNonNull(domain, "domain");
        recipients = List.copyOf(recipients);
        requireNonNull(reply, "reply");
        requireNonNull(until, "until");
    }
}
