package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;

/**
 * A domain's primary answers, and refuses so much mail for good that it is not believed: it may have come back without
 * its recipients. Nothing fails for that; a few messages are tried every ten minutes, and the rest when one is taken.
 * Immutable and thread-safe.
 *
 * @param at when
 * @param domain the domain
 * @param reply the refusal, as it was said to one of the recipients
 */
public record BreakerOpened(Instant at, MailDomain domain, SmtpReply reply) implements BackupMxEvent {
    /** Checks the parts. */
    public BreakerOpened {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
        requireNonNull(reply, "reply");
    }
}
