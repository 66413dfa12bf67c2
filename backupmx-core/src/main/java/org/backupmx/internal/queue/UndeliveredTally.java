package org.backupmx.internal.queue;

import java.util.concurrent.atomic.LongAdder;
import org.backupmx.undelivered.UndeliveredCounts;

/** Counts what becomes of undeliverable mail. Thread-safe. */
final class UndeliveredTally {

    private final LongAdder dsnSent = new LongAdder();
    private final LongAdder dsnSentUnverified = new LongAdder();
    private final LongAdder dsnRateLimited = new LongAdder();
    private final LongAdder deadLettered = new LongAdder();
    private final LongAdder deadLettersRemoved = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final LongAdder outcomesUnknown = new LongAdder();
    private final LongAdder rescueBegun = new LongAdder();
    private final LongAdder rescued = new LongAdder();

    /** A DSN was stored; the second argument is the verdict that was read, so that a fault of ours would show. */
    void dsnSent(boolean isVerified) {
        dsnSent.increment();
        if (!isVerified) {
            dsnSentUnverified.increment();
        }
    }

    void rateLimited(int recipients) {
        dsnRateLimited.add(recipients);
    }

    void deadLettered() {
        deadLettered.increment();
    }

    void deadLetterRemoved() {
        deadLettersRemoved.increment();
    }

    void dropped() {
        dropped.increment();
    }

    void outcomeUnknown() {
        outcomesUnknown.increment();
    }

    void rescueBegun(int recipients) {
        rescueBegun.add(recipients);
    }

    void rescued() {
        rescued.increment();
    }

    UndeliveredCounts counts() {
        return new UndeliveredCounts(
                dsnSent.sum(),
                dsnSentUnverified.sum(),
                dsnRateLimited.sum(),
                deadLettered.sum(),
                deadLettersRemoved.sum(),
                dropped.sum(),
                outcomesUnknown.sum(),
                rescueBegun.sum(),
                rescued.sum());
    }
}
