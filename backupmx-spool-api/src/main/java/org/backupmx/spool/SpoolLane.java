package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * What waits in one lane. Immutable and thread-safe.
 *
 * @param domain the destination domain
 * @param queued messages in the lane, held and leased ones included, at least 1
 * @param held how many of them are held
 * @param bytes the sum of their sizes in bytes
 * @param oldest when the longest waiting of them was received
 */
public record SpoolLane(MailDomain domain, long queued, long held, long bytes, Instant oldest) {

    /** Checks the parts. */
    public SpoolLane {
        requireNonNull(domain, "domain");
        requireNonNull(oldest, "oldest");
        if (queued < 1 || held < 0 || held > queued || bytes < 0) {
            throw new IllegalArgumentException("queued: " + queued + ", held: " + held + ", bytes: " + bytes
                    + " (expected: queued >= 1, held from 0 to queued, bytes >= 0)");
        }
    }

    /**
     * Returns the lane that holds what this one and another hold.
     *
     * @param other the same lane with other messages
     * @return both together
     * @throws IllegalArgumentException if {@code other} is another lane
     */
    public SpoolLane plus(SpoolLane other) {
        if (!domain.equals(other.domain)) {
            throw new IllegalArgumentException("other: " + other.domain + " (expected: " + domain + ")");
        }
        Instant first = oldest.isBefore(other.oldest) ? oldest : other.oldest;
        return new SpoolLane(domain, queued + other.queued, held + other.held, bytes + other.bytes, first);
    }
}
