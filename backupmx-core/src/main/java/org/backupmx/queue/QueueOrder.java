package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

/**
 * What an operator wants done with messages, and who wants it. Immutable and thread-safe.
 *
 * @param kind what to do
 * @param reason why, a line of at most {@value #MAX_CHARS} characters; empty if nobody said
 * @param by who says so, a line of at most {@value #MAX_CHARS} characters
 */
public record QueueOrder(Kind kind, String reason, String by) {

    /** The longest reason and name: {@value} characters. */
    public static final int MAX_CHARS = 200;

    /** The verbs. */
    public enum Kind {
        /** Make the message due now. */
        FLUSH,
        /** Set its attempts to 0 and make it due now; its age stays. */
        RESET_RETRIES,
        /**
         * Queue it anew: a copy with a new identity, received now, for the recipients that it still waits for; the
         * message itself goes when the copy is durable.
         */
        RENEW,
        /** Hold it until it is released. It does not expire meanwhile. */
        HOLD,
        /** Give it back to delivery, whoever held it. */
        RELEASE,
        /** Put it into the recycle area. */
        DELETE,
        /** Delete it for good. */
        DELETE_FOR_GOOD,
        /** Take it out of the recycle area. */
        RESTORE
    }

    /** Checks the parts. */
    public QueueOrder {
        requireNonNull(kind, "kind");
        line("reason", reason);
        line("by", by);
    }

    /**
     * Returns an order of the program's that runs the engine, without a reason.
     *
     * @param kind what to do
     * @return the order
     */
    public static QueueOrder of(Kind kind) {
        return new QueueOrder(kind, "", "API");
    }

    /**
     * Returns this order with a reason.
     *
     * @param value why, a line
     * @return another order
     * @throws IllegalArgumentException if it is too long or no line
     */
    public QueueOrder because(String value) {
        return new QueueOrder(kind, value, by);
    }

    /**
     * Returns this order as somebody's.
     *
     * @param value who, a line
     * @return another order
     * @throws IllegalArgumentException if it is too long or no line
     */
    public QueueOrder by(String value) {
        return new QueueOrder(kind, reason, value);
    }

    private static void line(String name, String value) {
        requireNonNull(value, name);
        if (value.length() > MAX_CHARS || value.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    name + ": " + value.length() + " characters (expected: a line of at most " + MAX_CHARS + ")");
        }
    }
}
