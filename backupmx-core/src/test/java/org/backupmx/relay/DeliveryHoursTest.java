package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeliveryHoursTest {

    @ParameterizedTest
    @CsvSource({
        // window, instant, when mail may be begun
        "22:00-06:00 Europe/Berlin, 2026-11-30T20:59:59Z, 2026-11-30T21:00:00Z",
        "22:00-06:00 Europe/Berlin, 2026-11-30T21:00:00Z, 2026-11-30T21:00:00Z",
        "22:00-06:00 Europe/Berlin, 2026-12-01T04:59:59Z, 2026-12-01T04:59:59Z",
        "22:00-06:00 Europe/Berlin, 2026-12-01T05:00:00Z, 2026-12-01T21:00:00Z",
        "22:00-06:00 Europe/Berlin, 2026-07-01T19:59:00Z, 2026-07-01T20:00:00Z", // summer
        "18:30-24:00 UTC,           2026-11-30T23:59:59Z, 2026-11-30T23:59:59Z",
        "18:30-24:00 UTC,           2026-12-01T00:00:00Z, 2026-12-01T18:30:00Z",
        "00:00-24:00 UTC,           2026-12-01T00:00:00Z, 2026-12-01T00:00:00Z",
        "Sat 22:00-06:00 UTC,       2026-12-06T05:00:00Z, 2026-12-06T05:00:00Z", // a Sunday morning is Saturday's
        "Sat 22:00-06:00 UTC,       2026-12-05T05:00:00Z, 2026-12-05T22:00:00Z",
        "Sat 22:00-06:00 UTC,       2026-12-06T06:00:00Z, 2026-12-12T22:00:00Z",
        "Fri-Mon 08:00-09:00 UTC,   2026-12-01T08:30:00Z, 2026-12-04T08:00:00Z",
        // the clock jumps from 2 to 3 at 01:00Z of 2026-03-29, and back at 01:00Z of 2026-10-25
        "02:15-02:45 Europe/Berlin, 2026-03-29T00:30:00Z, 2026-03-29T01:00:00Z",
        "02:15-02:45 Europe/Berlin, 2026-03-29T01:44:00Z, 2026-03-29T01:44:00Z",
        "02:15-02:45 Europe/Berlin, 2026-03-29T01:45:00Z, 2026-03-30T00:15:00Z",
        "01:00-02:30 Europe/Berlin, 2026-03-29T01:29:00Z, 2026-03-29T01:29:00Z",
        "01:00-02:30 Europe/Berlin, 2026-03-29T01:30:00Z, 2026-03-29T23:00:00Z",
        "02:15-02:45 Europe/Berlin, 2026-10-25T00:15:00Z, 2026-10-25T00:15:00Z",
        "02:15-02:45 Europe/Berlin, 2026-10-25T01:20:00Z, 2026-10-26T01:15:00Z", // not twice
        // a Friday that Samoa never had
        "Fri 10:00-11:00 Pacific/Apia, 2011-12-30T09:00:00Z, 2011-12-30T10:00:00Z",
    })
    void beginsAndEndsByTheClockOfItsZone(String window, Instant from, Instant next) {
        DeliveryHours hours = DeliveryHours.parse(window);
        assertThat(hours.next(from)).isEqualTo(next);
        assertThat(hours.contains(from)).isEqualTo(from.equals(next));
        assertThat(hours.contains(next)).isTrue();
    }

    @Test
    void isOpenInEachOfSeveralWindows() {
        DeliveryHours hours = DeliveryHours.parse("Mon-Fri 22:00-06:00 UTC", "Sat,Sun 00:00-24:00 UTC");
        assertThat(hours.next(Instant.parse("2026-12-04T12:00:00Z"))).isEqualTo("2026-12-04T22:00:00Z");
        assertThat(hours.next(Instant.parse("2026-12-06T12:00:00Z"))).isEqualTo("2026-12-06T12:00:00Z");
        assertThat(hours.toString()).isEqualTo("Mon,Tue,Wed,Thu,Fri 22:00-06:00 UTC; Sat,Sun 00:00-24:00 UTC");
        assertThat(DeliveryHours.parse(hours.toString().split("; "))).isEqualTo(hours);
        // from Friday 22:00 to Monday 00:00 there is no gap
        assertThat(hours.after(Instant.parse("2026-12-04T12:00:00Z"), Duration.ofHours(50)))
                .contains(Instant.parse("2026-12-07T00:00:00Z"));
    }

    @Test
    void workGoesOnInTheWindowsOnly() {
        Instant noon = Instant.parse("2026-11-30T12:00:00Z");
        assertThat(DeliveryHours.always().after(noon, Duration.ofDays(9))).contains(noon.plus(Duration.ofDays(9)));
        DeliveryHours hour = DeliveryHours.parse("12:30-13:30 UTC");
        assertThat(hour.after(noon, Duration.ofHours(1))).contains(Instant.parse("2026-11-30T13:30:00Z"));
        assertThat(hour.after(noon, Duration.ofMinutes(61))).contains(Instant.parse("2026-12-01T12:31:00Z"));
        assertThat(hour.after(noon, Duration.ofDays(3650))).isEmpty();
    }

    @Property
    void agreesWithTheClockOfADay(
            @ForAll @IntRange(max = 1439) int begin,
            @ForAll @IntRange(max = 1439) int end,
            @ForAll @IntRange(min = -18, max = 18) int offsetHours,
            @ForAll @LongRange(min = 0, max = 4_000_000_000L) long second) {
        LocalTime from = LocalTime.ofSecondOfDay(begin * 60L);
        LocalTime to = LocalTime.ofSecondOfDay((begin == end ? (end + 1) % 1440 : end) * 60L);
        ZoneOffset zone = ZoneOffset.ofHours(offsetHours);
        DeliveryHours hours = DeliveryHours.parse(from + "-" + to + " " + zone);
        Instant now = Instant.ofEpochSecond(second);
        LocalTime clock = now.atZone(zone).toLocalTime();
        boolean isAfterBegin = !clock.isBefore(from);
        boolean isBeforeEnd = clock.isBefore(to);
        assertThat(hours.contains(now))
                .isEqualTo(from.isBefore(to) ? isAfterBegin && isBeforeEnd : isAfterBegin || isBeforeEnd);
        Instant next = hours.next(now);
        assertThat(next).isBetween(now, now.plus(Duration.ofDays(1)));
        assertThat(hours.contains(next)).isTrue();
        assertThat(next.equals(now) || !hours.contains(next.minusNanos(1))).isTrue();
    }

    @Property(tries = 200)
    void opensEveryDayWhateverTheClockDoes(
            @ForAll @IntRange(max = 1439) int begin,
            @ForAll @IntRange(min = 1, max = 1439) int minutes,
            @ForAll @LongRange(min = 1_000_000_000L, max = 2_000_000_000L) long second) {
        LocalTime from = LocalTime.ofSecondOfDay(begin * 60L);
        DeliveryHours hours = DeliveryHours.parse(from + "-" + from.plusMinutes(minutes) + " America/St_Johns");
        Instant now = Instant.ofEpochSecond(second);
        Instant next = hours.next(now);
        assertThat(next).isBefore(now.plus(Duration.ofHours(26)));
        assertThat(hours.contains(next)).isTrue();
        Instant done = hours.after(now, Duration.ofMinutes(minutes)).orElseThrow();
        assertThat(done).isAfterOrEqualTo(now.plus(Duration.ofMinutes(minutes)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "22:00-06:00",
                "22:00 Europe/Berlin",
                "22-06 UTC",
                "08:00-08:00 UTC",
                "24:00-08:00 UTC",
                "08:00-25:00 UTC",
                "08:60-09:00 UTC",
                "08:00-09:00 Mars/Olympus",
                "Tag 08:00-09:00 UTC",
                "Mon-Tue-Wed 08:00-09:00 UTC",
                "Mon, 08:00-09:00 UTC",
            })
    void whatIsNoWindowIsRefused(String text) {
        assertThatThrownBy(() -> DeliveryHours.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "hours: " + text + " (expected: such as 22:00-06:00 Europe/Berlin or Mon-Fri 18:30-24:00 UTC)");
    }

    @Test
    void noneOrTooManyAreRefused() {
        assertThatThrownBy(() -> DeliveryHours.parse(List.of())).hasMessage("hours: 0 windows (expected: 1 to 50)");
        assertThatThrownBy(() -> DeliveryHours.parse(Collections.nCopies(51, "08:00-09:00 UTC")))
                .hasMessage("hours: 51 windows (expected: 1 to 50)");
    }

    @Test
    void aRateKnowsItsRange() {
        DeliveryRate rate = DeliveryRate.unlimited();
        assertThatThrownBy(() -> rate.withMessagesPerMinute(0))
                .hasMessage("messagesPerMinute: 0 (expected: 1 to 6000000)");
        assertThatThrownBy(() -> rate.withMessagesPerMinute(6_000_001)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> rate.withBytesPerMinute(65_535))
                .hasMessage("bytesPerMinute: 65535 (expected: >= 65536)");
        assertThat(rate.withMessagesPerMinute(7).withHours(DeliveryHours.parse("08:00-09:00 UTC")))
                .isEqualTo(
                        rate.withHours(DeliveryHours.parse("08:00-09:00 UTC")).withMessagesPerMinute(7))
                .hasToString("messages 7/min, bytes unlimited, hours 08:00-09:00 UTC");
    }
}
