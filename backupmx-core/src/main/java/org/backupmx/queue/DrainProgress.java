package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.mail.MailDomain;

/**
 * How fast queued mail goes out, at one moment, domain by domain. Immutable and thread-safe.
 *
 * @param at when it was taken
 * @param domains the domains with queued mail, or from whose queue something went in the last hour, by name
 */
public record DrainProgress(Instant at, List<DomainDrain> domains) {

    /** The span that rates look back over: 1 min. */
    public static final Duration WINDOW = Duration.ofMinutes(1);

    /** Checks and copies the parts. */
    public DrainProgress {
        requireNonNull(at, "at");
        domains = List.copyOf(domains);
    }

    /**
     * How fast the mail of one domain goes out. A message with recipients in two domains counts in both. Immutable and
     * thread-safe.
     *
     * @param domain the destination domain
     * @param left how many messages wait to be attempted or are; held ones do not count
     * @param held how many are held, recycled ones not included
     * @param inFlight how many attempts are in flight
     * @param sent how many messages have left the queue since the engine began, relayed to a recipient or more
     * @param failed how many have left it relayed to none
     * @param deferred how many attempts ended with recipients left
     * @param perSecond how many left the queue a second, within the {@link #WINDOW} or since its first that did
     * @param eta how long the rest takes at this rate, or at the caps of the domain if they are lower, in its hours; empty if
     *     nothing goes out, or nothing is left. Outside the hours it is by the caps alone
     * @param opens when the hours of the domain begin, in which attempts may; empty if they may now
     * @param health the health of the domain's primary
     */
    public record DomainDrain(
            MailDomain domain,
            long left,
            long held,
            int inFlight,
            long sent,
            long failed,
            long deferred,
            double perSecond,
            Optional<Duration> eta,
            Optional<Instant> opens,
            PrimaryHealth health) {

        /** Checks the parts. */
        public DomainDrain {
            requireNonNull(domain, "domain");
            requireNonNull(eta, "eta");
            requireNonNull(opens, "opens");
            requireNonNull(health, "health");
        }
    }
}
