package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.mail.MailDomain;

/**
 * What is queued, at one moment, domain by domain. Immutable and thread-safe.
 *
 * @param at when it was taken
 * @param domains the domains with queued mail or with a primary that is watched, by name
 */
public record QueueSnapshot(Instant at, List<DomainQueue> domains) {

    /** Checks and copies the parts. */
    public QueueSnapshot {
        requireNonNull(at, "at");
        domains = List.copyOf(domains);
    }

    /**
     * Returns how many messages are queued; one with recipients in two domains counts in both.
     *
     * @return the sum over all domains
     */
    public long queued() {
        return domains.stream().mapToLong(DomainQueue::queued).sum();
    }

    /**
     * Returns how many attempts are in flight.
     *
     * @return the sum over all domains
     */
    public int inFlight() {
        return domains.stream().mapToInt(DomainQueue::inFlight).sum();
    }

    /**
     * What is queued for one domain. Immutable and thread-safe.
     *
     * @param domain the destination domain
     * @param queued how many messages wait, held and attempted ones included
     * @param held how many of them are held
     * @param expired how many of those are held because their time has passed ({@link QueueArea#EXPIRED}); of a message that was
     *     released past the engine that may be told for a while
     * @param deadLetters how many of those are held because they were refused for good ({@link QueueArea#DEAD_LETTER}), as
     *     {@code expired}
     * @param rescue how many of those that are not held are in rescue, as far as they were attempted since they came there, or
     *     since the start: all of them after an hour. At most 100,000 are counted
     * @param bytes the sum of their sizes in bytes
     * @param oldestAge how long the oldest has waited; zero if nothing is queued
     * @param nextDue when the first of them is due, perhaps in the past; a primary that is away may hold it up longer.
     *     Empty if all are held, or nothing is queued
     * @param inFlight how many attempts are in flight
     * @param opens when the hours of the domain begin, in which attempts may; empty if they may now
     * @param health the health of the domain's primary; {@link PrimaryHealth#UNKNOWN} for a foreign domain
     */
    public record DomainQueue(
            MailDomain domain,
            long queued,
            long held,
            long expired,
            long deadLetters,
            long rescue,
            long bytes,
            Duration oldestAge,
            Optional<Instant> nextDue,
            int inFlight,
            Optional<Instant> opens,
            PrimaryHealth health) {

        /** Checks the parts. */
        public DomainQueue {
            requireNonNull(domain, "domain");
            requireNonNull(oldestAge, "oldestAge");
            requireNonNull(nextDue, "nextDue");
            requireNonNull(opens, "opens");
            requireNonNull(health, "health");
        }
    }
}
