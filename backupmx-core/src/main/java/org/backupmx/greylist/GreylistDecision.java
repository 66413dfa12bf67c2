package org.backupmx.greylist;

import java.time.Duration;

/** What greylisting says of a recipient. Immutable and thread-safe. */
public sealed interface GreylistDecision {

    /** Greylisting has no objection. */
    record Pass() implements GreylistDecision {}

    /**
     * The recipient is deferred for now (450 4.7.1).
     *
     * @param left how long the client has to wait at least, positive
     */
    record Wait(Duration left) implements GreylistDecision {
        /** Checks the time. */
        public Wait {
            if (left.isNegative() || left.isZero()) {
                throw new IllegalArgumentException("left: " + left + " (expected: > 0)");
            }
        }
    }
}
