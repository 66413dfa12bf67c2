package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.backupmx.health.HealthChange;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;

/**
 * The health of a primary changed. Immutable and thread-safe.
 *
 * @param nextHops the primary: the next hops that share one health
 * @param domains the domains that are known to go there
 * @param change what changed, when and why
 */
public record PrimaryChanged(List<NextHop> nextHops, Set<MailDomain> domains, HealthChange change)
        implements BackupMxEvent {
    /** Checks and copies the parts. */
    public PrimaryChanged {
        nextHops = List.copyOf(nextHops);
        domains = Set.copyOf(domains);
        requireNonNull(change, "change");
    }

    @Override
    public Instant at() {
        return change.at();
    }
}
