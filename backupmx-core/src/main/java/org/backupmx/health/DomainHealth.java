package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.intake.DomainMode;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.PrimaryCapabilities;

/**
 * What is known of a domain's primary, and what was ordered about it, at one moment. Immutable and thread-safe.
 *
 * @param domain the domain
 * @param mode when its mail is accepted
 * @param health what acceptance and delivery go by: as found, unless an operator has ordered otherwise
 * @param found what probes and deliveries found
 * @param since since when that is found
 * @param cause what the last answer said, for operators
 * @param isFlapping whether the primary comes and goes too often to be taken for UP
 * @param lastAnswer when a probe ended or a message was delivered the last time
 * @param nextProbe when the next probe is due; empty if probing is off, or nobody knows where the primary is
 * @param primary the next hops that share this health; empty if they are not known
 * @param capabilities what the primary said of itself in the last good probe, however long ago
 * @param override what an operator has ordered
 * @param maintenance the maintenance windows under way and to come, by their begin
 * @param demandNotMet what the last attempt failed of, where that was the TLS or the credentials that this domain demands of a
 *     session: other domains may get on with the same primary, which is UP then. Empty if an attempt since, or a good probe by
 *     the same settings, got through, or none was made
 */
public record DomainHealth(
        MailDomain domain,
        DomainMode mode,
        PrimaryHealth health,
        PrimaryHealth found,
        Instant since,
        String cause,
        boolean isFlapping,
        Optional<Instant> lastAnswer,
        Optional<Instant> nextProbe,
        List<NextHop> primary,
        Optional<PrimaryCapabilities> capabilities,
        HealthOverride override,
        List<MaintenanceWindow> maintenance,
        Optional<SmtpReply> demandNotMet) {

    /** Checks and copies the parts. */
    public DomainHealth {
        requireNonNull(domain, "domain");
        requireNonNull(mode, "mode");
        requireNonNull(health, "health");
        requireNonNull(found, "found");
        requireNonNull(since, "since");
        requireNonNull(cause, "cause");
        requireNonNull(lastAnswer, "lastAnswer");
        requireNonNull(nextProbe, "nextProbe");
        primary = List.copyOf(primary);
        requireNonNull(capabilities, "capabilities");
        requireNonNull(override, "override");
        maintenance = List.copyOf(maintenance);
        requireNonNull(demandNotMet, "demandNotMet");
    }
}
