package org.backupmx.undelivered;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.backupmx.retry.RetryPolicy;

/** What becomes of a message whose lifetime has passed. Immutable and thread-safe. */
public sealed interface ExpiryAction {

    /**
     * Its reverse-path is told by a DSN if the sender was {@linkplain org.backupmx.intake.SenderVerification verified};
     * else it goes to the dead letters.
     */
    enum Bounce implements ExpiryAction {
        /** The one value. */
        INSTANCE
    }

    /** It is removed, which is logged and told to listeners; nobody else hears of it. */
    enum Drop implements ExpiryAction {
        /** The one value. */
        INSTANCE
    }

    /**
     * It is relayed to the {@linkplain UndeliveredPolicy#withRescueHosts rescue hosts}; if they do not take it, it goes to the
     * dead letters.
     */
    enum Rescue implements ExpiryAction {
        /** The one value. */
        INSTANCE
    }

    /**
     * It stays in the queue for a while, with a warning a day to the operator, and goes home if the primary comes back;
     * then it is as with {@link Bounce}.
     *
     * @param time how long, from 1 ms to {@link RetryPolicy#MAX_DURATION}
     */
    record Hold(Duration time) implements ExpiryAction {
        /** Checks the time. */
        public Hold {
            requireNonNull(time, "time");
            if (time.compareTo(Duration.ofMillis(1)) < 0 || time.compareTo(RetryPolicy.MAX_DURATION) > 0) {
                throw new IllegalArgumentException(
                        "time: " + time + " (expected: 1 ms to " + RetryPolicy.MAX_DURATION + ")");
            }
        }
    }

    /**
     * Returns the action that tells the sender, if that may be.
     *
     * @return {@link Bounce}
     */
    static ExpiryAction bounce() {
        return Bounce.INSTANCE;
    }

    /**
     * Returns the action that removes the message.
     *
     * @return {@link Drop}
     */
    static ExpiryAction drop() {
        return Drop.INSTANCE;
    }

    /**
     * Returns the action that relays the message to the rescue hosts.
     *
     * @return {@link Rescue}
     */
    static ExpiryAction rescue() {
        return Rescue.INSTANCE;
    }

    /**
     * Returns the action that keeps the message for a while longer, and then tells the sender, if that may be.
     *
     * @param time how long, from 1 ms to {@link RetryPolicy#MAX_DURATION}
     * @return the action
     * @throws IllegalArgumentException if {@code time} is out of range
     */
    static ExpiryAction hold(Duration time) {
        return new Hold(time);
    }
}
