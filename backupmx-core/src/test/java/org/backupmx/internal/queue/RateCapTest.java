package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.backupmx.relay.DeliveryRate;
import org.junit.jupiter.api.Test;

class RateCapTest {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long MINUTE = 60 * SECOND;

    private record Begun(long at, long bytes) {}

    /** Begins attempts as early as the cap allows, each so many milliseconds late: for so long a pause nobody had mail. */
    private static List<Begun> begin(RateCap cap, List<Integer> lateMillis, List<Integer> sizes) {
        List<Begun> begun = new ArrayList<>();
        long now = -5 * MINUTE; // of a clock that may begin anywhere
        for (int i = 0; i < lateMillis.size(); i++) {
            now = Math.max(now, cap.opensAt()) + TimeUnit.MILLISECONDS.toNanos(lateMillis.get(i));
            long bytes = sizes.get(i % sizes.size());
            cap.began(now, bytes);
            begun.add(new Begun(now, bytes));
        }
        return begun;
    }

    @Property(tries = 300)
    void noMinuteHasMoreMessagesThanTheCapAndATenthOfASecondOfIt(
            @ForAll @IntRange(min = 1, max = 3_000) int perMinute,
            @ForAll @Size(min = 1, max = 2_000) List<@IntRange(max = 500) Integer> lateMillis,
            @ForAll boolean punctual) {
        RateCap cap = new RateCap(RateCap.Paid.NOTHING);
        cap.follows("lane", DeliveryRate.unlimited().withMessagesPerMinute(perMinute));
        List<Integer> late = punctual ? lateMillis.stream().map(one -> 0).toList() : lateMillis;
        List<Begun> begun = begin(cap, late, List.of(1));
        int most = perMinute + (int) Math.ceil(perMinute / 600.0);
        int from = 0;
        for (int to = 0; to < begun.size(); to++) {
            while (begun.get(to).at() - begun.get(from).at() >= MINUTE) {
                from++;
            }
            assertThat(to - from + 1)
                    .as("in the minute before " + begun.get(to))
                    .isLessThanOrEqualTo(most);
        }
    }

    @Property(tries = 300)
    void noMinuteHasMoreBytesThanTheCapAndATenthOfASecondOfItButForTheLastMessage(
            @ForAll @LongRange(min = DeliveryRate.MIN_BYTES_PER_MINUTE, max = 5_000_000) long perMinute,
            @ForAll @Size(min = 1, max = 300) List<@IntRange(max = 5_000) Integer> lateMillis,
            @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 1, max = 10_000_000) Integer> sizes) {
        RateCap cap = new RateCap(RateCap.Paid.NOTHING);
        cap.follows("lane", DeliveryRate.unlimited().withBytesPerMinute(perMinute));
        List<Begun> begun = begin(cap, lateMillis, sizes);
        for (int from = 0; from < begun.size(); from++) {
            long bytes = 0;
            for (int to = from;
                    to < begun.size() && begun.get(to).at() - begun.get(from).at() < MINUTE;
                    to++) {
                assertThat(bytes).isLessThanOrEqualTo(perMinute + perMinute / 600 + 1);
                bytes += begun.get(to).bytes();
            }
        }
    }

    @Test
    void nothingIsLostToTimersThatAreALittleLate() {
        RateCap cap = new RateCap(RateCap.Paid.NOTHING);
        cap.follows("lane", DeliveryRate.unlimited().withMessagesPerMinute(6_000));
        long now = 0;
        int begun = 0;
        while (now < MINUTE) {
            while (cap.opensAt() <= now) {
                cap.began(now, 1);
                begun++;
            }
            now += 20 * SECOND / 1_000; // whoever looks every 20 ms finds two due
        }
        assertThat(begun).isBetween(6_000, 6_010);
    }

    @Test
    void theLowestOfAllDomainsHolds() {
        RateCap cap = new RateCap(RateCap.Paid.NOTHING);
        assertThat(cap.isNone()).isTrue();
        cap.follows("a", DeliveryRate.unlimited().withMessagesPerMinute(60));
        cap.follows("b", DeliveryRate.unlimited().withMessagesPerMinute(6));
        cap.follows("c", DeliveryRate.unlimited());
        cap.began(0, 1);
        assertThat(cap.opensAt()).isEqualTo(10 * SECOND - SECOND / 10);
        cap.left("b");
        cap.began(10 * SECOND, 1);
        assertThat(cap.opensAt()).isEqualTo(11 * SECOND - SECOND / 10);
        cap.follows("a", DeliveryRate.unlimited().withMessagesPerMinute(600));
        cap.began(11 * SECOND, 1);
        assertThat(cap.opensAt()).isEqualTo(11 * SECOND);
        cap.left("a");
        cap.left("c");
        assertThat(cap.isNone()).isTrue();
        assertThat(cap.opensAt()).isEqualTo(Long.MIN_VALUE);
    }

    @Test
    void whatWasGivenCountsOnWhereNobodyWatchedMeanwhile() {
        RateCap before = new RateCap(RateCap.Paid.NOTHING);
        before.follows("lane", DeliveryRate.unlimited().withMessagesPerMinute(1));
        before.began(0, 1);
        RateCap after = new RateCap(before.paid());
        after.follows("lane", DeliveryRate.unlimited().withMessagesPerMinute(1));
        assertThat(after.opensAt()).isEqualTo(MINUTE - SECOND / 10);
        assertThat(before.paid().isOver(MINUTE - 1)).isFalse();
        assertThat(before.paid().isOver(MINUTE)).isTrue();
    }
}
