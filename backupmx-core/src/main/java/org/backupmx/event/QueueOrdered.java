package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;

/**
 * An operator ordered something about queued mail, and it was done: the audit record. Immutable and thread-safe.
 *
 * @param at when it was done
 * @param by who ordered it, a line
 * @param order what, such as {@code HOLD}; {@code READ} for a look into mail data
 * @param subject what about: a message, a filter, a domain
 * @param planned how many messages were meant
 * @param changed how many were changed
 * @param end {@code COMPLETE}; {@code STOPPED} or {@code GIVEN_UP} if the rest was left as it was
 * @param reason why, a line; empty if nobody said
 */
public record QueueOrdered(
        Instant at, String by, String order, String subject, long planned, long changed, String end, String reason)
        implements BackupMxEvent {

    /** Checks the parts. */
    public QueueOrdered {
        requireNonNull(at, "at");
        requireNonNull(by, "by");
        requireNonNull(order, "order");
        requireNonNull(subject, "subject");
        requireNonNull(end, "end");
        requireNonNull(reason, "reason");
    }
}
