package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.time.Instant;

/**
 * What an order would do: the messages are counted and remembered, and {@link QueueControl#run} with its token changes
 * these and no others. Immutable and thread-safe.
 *
 * @param token names the plan; good once, until {@code until}
 * @param order what is to be done
 * @param selection with which messages
 * @param messages how many they are
 * @param bytes the sum of their sizes in bytes
 * @param until when the plan is forgotten
 */
public record QueuePlan(
        String token, QueueOrder order, QueueSelection selection, long messages, long bytes, Instant until) {

    /** Checks the parts. */
    public QueuePlan {
        requireNonNull(token, "token");
        requireNonNull(order, "order");
        requireNonNull(selection, "selection");
        requireNonNull(until, "until");
    }
}
