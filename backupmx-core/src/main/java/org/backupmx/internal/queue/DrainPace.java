package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * How much a primary is given at a time: attempts side by side, and messages a second once it has said that it had
 * enough. It begins with one attempt and adds one with each full round of messages that were taken, up to the most. A
 * primary that answers slower than at first gets no more, one that answers much slower gets half.
 *
 * <p>When the primary is busy, it is left alone for a second, attempts side by side are halved and the rate becomes a little
 * less than what it has just taken. From there the rate goes up to just below where it was refused, a minute later past that, and on without bound.
 * A primary that stays busy is left alone for longer and longer.
 *
 * <p>Times are nanoseconds of one source. Not thread-safe.
 */
final class DrainPace {

    /** How the primary answered a message. */
    enum Answer {
        /** It took it. */
        TAKEN,
        /** It has no time for it, whoever it is for. */
        BUSY,
        /** It did not let us in; whether it is there at all is for its health to say. */
        UNREACHABLE,
        /** Anything else: it says nothing of how much it can take. */
        OTHER
    }

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /** The longest that a primary is left alone. */
    static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(30);
    private static final Duration FIRST_SHORT_PAUSE = Duration.ofSeconds(5);
    /** Busy answers in a row that are put down to the rate; more, and the primary is busy with something else. */
    private static final int BUSY_BY_RATE = 3;

    /** Who counts by the second has had enough until the next; what is refused before says nothing new of the rate. */
    private static final long ENOUGH_FOR_NOW = SECOND;

    /** Of what was taken. The primary's own mail has to have room. */
    private static final double BACK_OFF = 0.85;
    /** As near to the rate that was refused as it gets before it is tried whether more is taken now. */
    private static final double NEAR = 0.94;

    /** So long: whoever else sends to the primary is refused as well when we ask for too much. */
    private static final long NEAR_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static final double GROWTH = 0.03;
    /** This far past the rate that was refused, things must have changed. */
    private static final double PAST = 1.1;

    private static final double GROWTH_PAST = 0.05;
    /** A rate that is no bound to anybody. */
    private static final double UNBOUNDED = 100_000;

    /** The messages whose answers tell how fast the primary is when nobody hurries it. */
    private static final int FIRST_ANSWERS = 20;
    /** Answers faster than this are fast, whatever the first ones were. */
    private static final long FAST = TimeUnit.MILLISECONDS.toNanos(50);

    private static final double SLOW = 2;
    private static final double MUCH_SLOWER = 4;

    private final int most;
    private final TakenRate taken = new TakenRate();

    private double window = 1;
    private double rate = Double.POSITIVE_INFINITY;
    private double refusedRate; // where the last busy answer came
    private long rateAsOf;
    private long nextBegin = Long.MIN_VALUE;
    private long lastDecrease = Long.MIN_VALUE;
    private int busyInRow;

    private final long[] first = new long[FIRST_ANSWERS];
    private int firstCount;
    private long usual; // the median of the first answers
    private double recent; // of late, smoothed

    /**
     * Makes the pace of a primary of which nothing is known.
     *
     * @param most the most attempts side by side
     */
    DrainPace(int most) {
        this.most = most;
    }

    /** Begins from the start: the primary was away, and what it can take now is not known. */
    void restart() {
        window = 1;
        rate = Double.POSITIVE_INFINITY;
        nextBegin = Long.MIN_VALUE;
        busyInRow = 0;
        firstCount = 0;
        usual = 0;
        recent = 0;
        taken.clear();
    }

    /** Forgets a pause. */
    void resume() {
        nextBegin = Long.MIN_VALUE;
        busyInRow = 0;
    }

    /** Tells whether one more attempt may begin beside those under way. */
    boolean allows(int underWay, long now) {
        return underWay < attempts() && opensAt() <= now;
    }

    /** Returns how many attempts side by side make sense. */
    int attempts() {
        return (int) window;
    }

    /** Returns when the next attempt may begin, as far as the rate goes; in the past if at once. */
    long opensAt() {
        return nextBegin;
    }

    /** Takes an attempt that begins. */
    void began(long now) {
        if (rate < UNBOUNDED) {
            grow(now);
            long gap = (long) (SECOND / rate);
            // timers are late by milliseconds: that much may be made up for
            nextBegin = Math.max(nextBegin, now - TimeUnit.MILLISECONDS.toNanos(10)) + gap;
        }
    }

    /** Takes the answer to an attempt that began then. */
    void answered(Answer answer, long began, long now) {
        switch (answer) {
            case TAKEN -> taken(began, now);
            case BUSY -> busy(began, now);
            case UNREACHABLE -> halve(began, now);
            case OTHER -> {}
        }
    }

    /** Tells whether busy answers are about the rate, which has been lowered, and not about the primary's health. */
    boolean isOverrun(long now) {
        return busyInRow < BUSY_BY_RATE && taken.perSecond(now) > 0;
    }

    private void taken(long began, long now) {
        busyInRow = 0;
        taken.add(now);
        double slowness = slowness(now - began);
        if (slowness > MUCH_SLOWER) {
            halve(began, now);
        } else if (slowness <= SLOW) {
            window = Math.min(most, window + 1 / window);
        }
    }

    private double slowness(long nanos) {
        if (firstCount < FIRST_ANSWERS) {
            first[firstCount++] = nanos;
            if (firstCount == FIRST_ANSWERS) {
                long[] sorted = first.clone();
                Arrays.sort(sorted);
                usual = Math.max(FAST, sorted[FIRST_ANSWERS / 2]);
                recent = usual;
            }
            return 1;
        }
        recent += (nanos - recent) / 8;
        return recent / usual;
    }

    private void halve(long began, long now) {
        if (began > lastDecrease) { // others that began before are of the same round
            lastDecrease = now;
            window = Math.max(1, window / 2);
        }
    }

    private void busy(long began, long now) {
        if (began <= lastDecrease) {
            return; // one of those that were under way when the primary had enough
        }
        busyInRow++;
        double seen = taken.perSecond(now);
        halve(began, now);
        if (seen == 0) {
            pause(now, FIRST_PAUSE, busyInRow - 1);
            return;
        }
        refusedRate = Math.min(rate, seen);
        rate = BACK_OFF * refusedRate;
        rateAsOf = now;
        nextBegin = now + Math.max(ENOUGH_FOR_NOW, (long) (SECOND / rate));
        if (busyInRow >= BUSY_BY_RATE) {
            pause(now, FIRST_SHORT_PAUSE, busyInRow - BUSY_BY_RATE);
        }
    }

    private void pause(long now, Duration shortest, int doubled) {
        long nanos = shortest.toNanos() << Math.min(doubled, 6);
        nextBegin = now + Math.min(nanos, LONGEST_PAUSE.toNanos());
    }

    private void grow(long now) {
        double seconds = Math.min(10, (double) (now - rateAsOf) / SECOND);
        rateAsOf = now;
        if (rate > PAST * refusedRate) {
            rate *= 1 + GROWTH_PAST * seconds;
            return;
        }
        double grown = rate + refusedRate * seconds * GROWTH;
        rate = now - lastDecrease < NEAR_NANOS ? Math.max(rate, Math.min(grown, NEAR * refusedRate)) : grown;
    }
}
