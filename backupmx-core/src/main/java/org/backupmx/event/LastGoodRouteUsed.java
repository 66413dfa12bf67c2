package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * The DNS does not say where a domain's primary is, and mail waits: it goes to the addresses that the DNS gave last. Told
 * once for each reason. Immutable and thread-safe.
 *
 * @param at when
 * @param domain the domain
 * @param reason what is wrong with the DNS, for operators
 * @param lastGood when it said where the primary is the last time, at most 30 d ago
 */
public record LastGoodRouteUsed(Instant at, MailDomain domain, String reason, Instant lastGood)
        implements BackupMxEvent {
    /** Checks the parts. */
    public LastGoodRouteUsed {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
        requireNonNull(reason, "reason");
        requireNonNull(lastGood, "lastGood");
    }
}
