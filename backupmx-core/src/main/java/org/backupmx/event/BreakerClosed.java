package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * A domain's primary that was not believed is given its mail again. Immutable and thread-safe.
 *
 * @param at when
 * @param domain the domain
 * @param byOrder whether an operator wants its refusals believed, and it has not taken a message
 */
public record BreakerClosed(Instant at, MailDomain domain, boolean byOrder) implements BackupMxEvent {
    /** Checks the parts. */
    public BreakerClosed {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
    }
}
