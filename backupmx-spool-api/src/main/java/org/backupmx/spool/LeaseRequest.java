package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * What to lease: one lane, messages due by an instant, at most so many, until when. Immutable and thread-safe.
 *
 * @param domain the lane
 * @param now the caller's time: leases that ended at or before it are free again
 * @param dueBy messages due at or before it are leased; {@link Instant#MAX} for all, whenever they are due
 * @param until when the leases end, after {@code now}
 * @param limit the most leases, at least 1
 */
public record LeaseRequest(MailDomain domain, Instant now, Instant dueBy, Instant until, int limit) {

    /** Checks the parts. */
    public LeaseRequest {
        requireNonNull(domain, "domain");
        requireNonNull(now, "now");
        requireNonNull(dueBy, "dueBy");
        requireNonNull(until, "until");
        if (!until.isAfter(now)) {
            throw new IllegalArgumentException("until: " + until + " (expected: after now, " + now + ")");
        }
        if (limit < 1) {
            throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
        }
    }
}
