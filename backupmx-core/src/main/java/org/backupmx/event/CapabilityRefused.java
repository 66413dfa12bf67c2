package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;

/**
 * A domain's primary refuses mail for good by its size, or since it needs SMTPUTF8, that was accepted for it: the primary takes
 * less than it took, or than it says. Such mail is tried on until an instant, then it is as the domain's rules have it. Told
 * once, for as long as the primary says the same of itself. Immutable and thread-safe.
 *
 * @param at when
 * @param domain the domain
 * @param reply the refusal, as it was said to the first of the recipients
 * @param until until when such refusals are not believed
 */
public record CapabilityRefused(Instant at, MailDomain domain, SmtpReply reply, Instant until)
        implements BackupMxEvent {
    /** Checks the parts. */
    public CapabilityRefused {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
        requireNonNull(reply, "reply");
        requireNonNull(until, "until");
    }
}
