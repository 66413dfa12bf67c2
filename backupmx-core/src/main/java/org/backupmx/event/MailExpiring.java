package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * Mail of a domain has waited for so long that its operator should know. At most one event a domain, stage and day, and
 * only for the latest stage that the oldest message has reached. Immutable and thread-safe.
 *
 * @param at when
 * @param domain the domain
 * @param stage how far it has come
 * @param oldest when the message that has waited longest was received
 * @param end when it is given up, if nothing changes
 * @param queued how many messages wait for the domain
 */
public record MailExpiring(Instant at, MailDomain domain, Stage stage, Instant oldest, Instant end, long queued)
        implements BackupMxEvent {

    /** How far a message has come on its way to its end. */
    public enum Stage {
        /** Half of its lifetime is over. */
        HALF,
        /** Four fifths are. */
        FOUR_FIFTHS,
        /** Less than a day is left. */
        LAST_DAY,
        /** Its lifetime has passed, and it is kept for a while longer. */
        KEPT
    }

    /** Checks the parts. */
    public MailExpiring {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
        requireNonNull(stage, "stage");
        requireNonNull(oldest, "oldest");
        requireNonNull(end, "end");
    }
}
