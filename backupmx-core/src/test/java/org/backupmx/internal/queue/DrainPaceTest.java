package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.backupmx.internal.queue.DrainPace.Answer;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** The pace against simulated primaries (X3). */
class DrainPaceTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);

    private final DrainPace pace = new DrainPace(10);

    /** A primary that takes so many messages in a second, ours and its own, and answers 421 to more. */
    private static final class Limited {
        final int perSecond;
        private long second;
        private int taken;

        Limited(int perSecond) {
            this.perSecond = perSecond;
        }

        boolean takes(long now) {
            if (now / SECOND != second) {
                second = now / SECOND;
                taken = 0;
            }
            return taken++ < perSecond;
        }
    }

    private record Event(long at, long began, boolean isLive) {}

    /** What a drain came to. */
    private static final class Drained {
        long nanos;
        int attempts;
        int busy;
        int live;
        int liveBusy;
        int mostAtOnce;
        long capAt = -1;
    }

    private Drained drain(int messages, Limited primary, int livePerSecond, LongUnaryOperator answerNanos, long phase) {
        Drained result = new Drained();
        PriorityQueue<Event> events = new PriorityQueue<>(Comparator.comparingLong(Event::at));
        if (livePerSecond > 0) {
            events.add(new Event(phase, phase, true));
        }
        int left = messages;
        int underWay = 0;
        long now = phase;
        while (left > 0 || underWay > 0) {
            while (left > underWay && pace.allows(underWay, now)) {
                pace.began(now);
                underWay++;
                result.attempts++;
                events.add(new Event(now + answerNanos.applyAsLong(underWay), now, false));
            }
            result.mostAtOnce = Math.max(result.mostAtOnce, underWay);
            if (underWay == 10 && result.capAt < 0) {
                result.capAt = now - phase;
            }
            Event next = events.peek();
            boolean waits = left > underWay && underWay < pace.attempts() && pace.opensAt() > now;
            if (next == null || waits && pace.opensAt() < next.at()) {
                now = pace.opensAt();
                continue;
            }
            events.remove();
            now = next.at();
            boolean isTaken = primary.takes(now);
            if (next.isLive()) {
                result.live++;
                result.liveBusy += isTaken ? 0 : 1;
                events.add(new Event(now + SECOND / livePerSecond, now, true));
                continue;
            }
            underWay--;
            left -= isTaken ? 1 : 0;
            result.busy += isTaken ? 0 : 1;
            pace.answered(isTaken ? Answer.TAKEN : Answer.BUSY, next.began(), now);
        }
        result.nanos = now - phase;
        return result;
    }

    @RepeatedTest(20)
    void aPrimaryWithAnEndIsUsedWellAndSeldomAskedForMore(RepetitionInfo repetition) {
        RandomGenerator random =
                RandomGeneratorFactory.of("L64X128MixRandom").create(repetition.getCurrentRepetition());
        Drained drained =
                drain(10_000, new Limited(20), 5, at -> (10 + random.nextInt(80)) * MILLI, random.nextLong(SECOND));
        double ideal = 10_000 / 15.0;
        assertThat((double) drained.nanos / SECOND).isBetween(ideal, 1.25 * ideal);
        assertThat(drained.busy).isLessThanOrEqualTo(drained.attempts / 100);
        assertThat(drained.liveBusy).as("of the primary's own mail").isLessThanOrEqualTo(drained.live / 25);
    }

    /** What is refused while the primary's second lasts is not put down to the rate again and again. */
    @RepeatedTest(20)
    void aShortDrainIsNotSlowedDownByOneRefusal(RepetitionInfo repetition) {
        RandomGenerator random =
                RandomGeneratorFactory.of("L64X128MixRandom").create(repetition.getCurrentRepetition());
        Drained drained =
                drain(300, new Limited(20), 0, at -> (10 + random.nextInt(80)) * MILLI, random.nextLong(SECOND));
        assertThat((double) drained.nanos / SECOND).isLessThan(1.3 * 300 / 20.0);
        assertThat(drained.busy).isLessThanOrEqualTo(15);
    }

    @Test
    void aFastPrimaryGetsTheMostWithinSeconds() {
        Drained drained = drain(10_000, new Limited(1_000), 5, at -> 10 * MILLI, 0);
        assertThat(drained.capAt).isBetween(1L, 15 * SECOND);
        assertThat(drained.mostAtOnce).isEqualTo(10);
    }

    @Test
    void itBeginsWithOneAndAddsOneWithEachRound() {
        long now = 0;
        int taken = 0;
        for (int attempts = 1; attempts < 10; attempts++) {
            assertThat(pace.attempts()).isEqualTo(attempts);
            while (pace.attempts() == attempts) {
                pace.answered(Answer.TAKEN, now, now += MILLI);
                taken++;
            }
        }
        assertThat(taken).isBetween(45, 60);
        pace.restart();
        assertThat(pace.attempts()).isEqualTo(1);
    }

    @Test
    void aPrimaryThatSlowsDownGetsLess() {
        Drained drained = drain(5_000, new Limited(100_000), 0, at -> 60 * MILLI * Math.max(1, at - 3), 0);
        assertThat(drained.mostAtOnce)
                .as("answers are twice as slow with five at once")
                .isBetween(4, 7);
    }

    @Test
    void aPrimaryThatTakesNothingIsLeftAloneLongerAndLonger() {
        long now = 0;
        long[] expected = {30, 60, 120, 240, 300, 300};
        for (long seconds : expected) {
            assertThat(pace.allows(0, now)).isTrue();
            pace.began(now);
            pace.answered(Answer.BUSY, now, now + 1);
            assertThat(pace.opensAt() - now - 1).isEqualTo(seconds * SECOND);
            assertThat(pace.isOverrun(now + 1)).isFalse();
            now = pace.opensAt();
        }
        pace.answered(Answer.TAKEN, now, now + 1);
        now += 70 * SECOND; // nothing was taken within a minute
        pace.answered(Answer.BUSY, now, now + 1);
        assertThat(pace.opensAt() - now - 1).as("from the start").isEqualTo(30 * SECOND);
    }

    @Test
    void answersToWhatBeganBeforeTheLastStepDownCountOnce() {
        long now = SECOND;
        for (int i = 0; i < 100; i++) {
            pace.answered(Answer.TAKEN, now, now += MILLI);
        }
        assertThat(pace.attempts()).isEqualTo(10);
        for (int i = 0; i < 10; i++) {
            pace.answered(Answer.BUSY, now, now + MILLI + i);
        }
        assertThat(pace.attempts()).isEqualTo(5);
    }

    @Test
    void thePaceOfAPrimaryThatHasGrownIsForgotten() {
        drain(500, new Limited(20), 0, at -> 10 * MILLI, 0);
        pace.resume();
        Drained drained = drain(100_000, new Limited(1_000), 0, at -> 10 * MILLI, 2000 * SECOND);
        assertThat(drained.nanos).isLessThan(400 * SECOND);
    }
}
