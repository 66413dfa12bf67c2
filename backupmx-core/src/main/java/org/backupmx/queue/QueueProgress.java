package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;

/**
 * How far an order has come. Immutable and thread-safe.
 *
 * @param plan what was planned
 * @param begun when it began
 * @param changed how many messages were changed
 * @param unchanged how many were left alone: they are gone, are where the order means nothing, or (to be renewed) were
 *     being attempted
 * @param failed for how many the spool failed; they are as they were
 * @param ended when it ended; empty while it runs
 * @param end how it ended, {@link End#RUNNING} before
 * @param fault what the spool said last when it failed; empty if it did not
 */
public record QueueProgress(
        QueuePlan plan,
        Instant begun,
        long changed,
        long unchanged,
        long failed,
        Optional<Instant> ended,
        End end,
        String fault) {

    /** How an order ends. */
    public enum End {
        /** It has not. */
        RUNNING,
        /** Every planned message was looked at. */
        COMPLETE,
        /** An operator stopped it, or the engine did; the rest of the messages is as it was. */
        STOPPED,
        /** The spool failed again and again; the rest of the messages is as it was. */
        GIVEN_UP
    }

    /** Checks the parts. */
    public QueueProgress {
        requireNonNull(plan, "plan");
        requireNonNull(begun, "begun");
        requireNonNull(ended, "ended");
        requireNonNull(end, "end");
        requireNonNull(fault, "fault");
    }

    /**
     * Returns how many messages were looked at.
     *
     * @return the sum of changed, unchanged and failed
     */
    public long done() {
        return changed + unchanged + failed;
    }
}
