package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ClockGainsTest {

    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");

    private Instant now = START;
    private long nanos = Long.MAX_VALUE - Duration.ofHours(1).toNanos(); // it wraps on the way
    private final ClockGains gains = new ClockGains(() -> now, () -> nanos);

    private void pass(Duration time) {
        now = now.plus(time);
        nanos += time.toNanos();
    }

    private void set(Duration by) {
        now = now.plus(by);
    }

    @Test
    void timeThatPassesIsNone() {
        for (int i = 0; i < 100; i++) {
            pass(Duration.ofDays(1));
            assertThat(gains.total()).isZero();
        }
        assertThat(gains.since(START)).isZero();
    }

    @Test
    void whatIsLessThanAMinuteIsNone() {
        set(Duration.ofMillis(59_999));
        assertThat(gains.since(START)).isZero();
        set(Duration.ofMinutes(1));
        assertThat(gains.since(START)).isEqualTo(Duration.ofMinutes(1));
    }

    @Test
    void itCountsForWhatWasBefore() {
        pass(Duration.ofHours(1));
        Instant before = now;
        set(Duration.ofDays(1));
        assertThat(gains.since(START)).isEqualTo(Duration.ofDays(1));
        assertThat(gains.since(before)).isEqualTo(Duration.ofDays(1));
        assertThat(gains.since(before.plusMillis(1))).isZero();
        pass(Duration.ofHours(1));
        set(Duration.ofHours(2));
        assertThat(gains.since(START)).isEqualTo(Duration.ofHours(26));
        assertThat(gains.since(now.minus(Duration.ofHours(3)))).isEqualTo(Duration.ofHours(2));
        assertThat(gains.total()).isEqualTo(Duration.ofHours(26));
    }

    @Test
    void whatIsTakenBackCountsNoLonger() {
        set(Duration.ofHours(10));
        assertThat(gains.since(START)).isEqualTo(Duration.ofHours(10));
        pass(Duration.ofHours(1));
        set(Duration.ofHours(5));
        assertThat(gains.since(START)).isEqualTo(Duration.ofHours(15));
        set(Duration.ofHours(-7));
        assertThat(gains.since(START)).isEqualTo(Duration.ofHours(8));
        set(Duration.ofHours(-20));
        assertThat(gains.since(START)).isZero();
        assertThat(gains.total()).as("each ended the leases of its time").isEqualTo(Duration.ofHours(15));
        set(Duration.ofHours(3));
        assertThat(gains.since(now.minus(Duration.ofHours(3)))).isEqualTo(Duration.ofHours(3));
    }

    @Test
    void theFirstOfTooManyAreForgotten() {
        for (int i = 0; i < ClockGains.MOST + 50; i++) {
            set(Duration.ofHours(1));
            gains.total();
        }
        assertThat(gains.since(START)).isEqualTo(Duration.ofHours(ClockGains.MOST));
        assertThat(gains.since(START.plus(Duration.ofHours(60)))).isEqualTo(Duration.ofHours(ClockGains.MOST - 10L));
        assertThat(gains.total()).isEqualTo(Duration.ofHours(ClockGains.MOST + 50L));
    }
}
