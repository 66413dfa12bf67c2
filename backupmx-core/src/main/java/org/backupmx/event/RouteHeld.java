package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * There is no way to a domain's primary now: its mail is held, never returned for that. Told once for each reason.
 * Immutable and thread-safe.
 *
 * @param at when
 * @param domain the domain
 * @param reason what is wrong, for operators
 */
public record RouteHeld(Instant at, MailDomain domain, String reason) implements BackupMxEvent {
    /** Checks the parts. */
    public RouteHeld {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
        requireNonNull(reason, "reason");
    }
}
