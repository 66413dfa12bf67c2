package org.backupmx.retry;

import static java.util.Objects.requireNonNull;

import java.time.Instant;

/** What becomes of a message after an attempt that failed for now. Immutable and thread-safe. */
public sealed interface RetryDecision {

    /**
     * It is tried again.
     *
     * @param instant when it falls due, later than the attempt that failed
     */
    record RetryAt(Instant instant) implements RetryDecision {
        /** Checks the instant. */
        public RetryAt {
            requireNonNull(instant, "instant");
        }
    }

    /** Its give-up time has passed: it expires. */
    record GiveUp() implements RetryDecision {}
}
