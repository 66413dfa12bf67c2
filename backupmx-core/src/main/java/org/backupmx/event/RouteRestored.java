package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * The way to a domain's primary is known again, after {@link RouteHeld} or {@link LastGoodRouteUsed}. Immutable and
 * thread-safe.
 *
 * @param at when
 * @param domain the domain
 */
public record RouteRestored(Instant at, MailDomain domain) implements BackupMxEvent {
    /** Checks the parts. */
    public RouteRestored {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
    }
}
