package org.backupmx.retry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryPolicyTest {

    private static final Instant RECEIVED = Instant.parse("2026-11-22T12:00:00Z");

    /** Returns the minutes after reception at which a message is tried, when attempts take no time. */
    private static List<Long> minutes(RetryPolicy policy, int most) {
        List<Long> minutes = new ArrayList<>();
        Instant now = RECEIVED;
        for (int attempts = 1; attempts <= most; attempts++) {
            if (!(policy.decide(attempts, RECEIVED, now) instanceof RetryDecision.RetryAt retry)) {
                break;
            }
            now = retry.instant();
            minutes.add(Duration.between(RECEIVED, now).toMinutes());
        }
        return minutes;
    }

    @Test
    void intervalsFollowEachOtherAndTheLastRepeats() {
        RetryPolicy policy =
                RetryPolicy.intervals(Duration.ofMinutes(5), Duration.ofMinutes(15), Duration.ofMinutes(60));
        assertThat(minutes(policy, 5)).containsExactly(5L, 20L, 80L, 140L, 200L);
    }

    @Test
    void exponentialDoublesUpToTheCap() {
        RetryPolicy policy = RetryPolicy.exponential(Duration.ofMinutes(1), Duration.ofMinutes(10));
        assertThat(minutes(policy, 6)).containsExactly(1L, 3L, 7L, 15L, 25L, 35L);
        assertThat(policy.decide(Integer.MAX_VALUE, RECEIVED, RECEIVED))
                .isEqualTo(new RetryDecision.RetryAt(RECEIVED.plusSeconds(600)));
    }

    @Test
    void exponentialReachesTheLongestCapFromTheShortestStart() {
        RetryPolicy policy = RetryPolicy.exponential(Duration.ofMillis(1), RetryPolicy.MAX_DURATION);
        assertThat(policy.decide(1000, RECEIVED, RECEIVED))
                .isEqualTo(new RetryDecision.RetryAt(RECEIVED.plus(RetryPolicy.MAX_DURATION)));
    }

    @Test
    void theLastAttemptFallsAtTheGiveUpTime() {
        RetryPolicy policy = RetryPolicy.parse("40m").giveUpAfter(Duration.ofMinutes(100));
        assertThat(minutes(policy, 10)).containsExactly(40L, 80L, 100L);
        assertThat(policy.decide(3, RECEIVED, RECEIVED.plusSeconds(6000))).isEqualTo(new RetryDecision.GiveUp());
        assertThat(policy.decide(3, RECEIVED, RECEIVED.plus(Duration.ofDays(400))))
                .isEqualTo(new RetryDecision.GiveUp());
    }

    @Test
    void ofTwoLifetimesTheShorterCounts() {
        RetryPolicy policy =
                RetryPolicy.parse("40m").giveUpAfter(Duration.ofMinutes(50)).giveUpAfter(Duration.ofMinutes(100));
        assertThat(minutes(policy, 10)).containsExactly(40L, 50L);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            5m*3, 15m*4, 1h      | 5 10 15 30 45 60 75 135 195
            10m,10m,10m,1440m    | 10 20 30 1470 2910 4350 5790 7230 8670
            1d                   | 1440 2880 4320 5760 7200 8640 10080 11520 12960
            ' 120s * 2 ,1h '     | 2 4 64 124 184 244 304 364 424
            60s*1,2m             | 1 3 5 7 9 11 13 15 17
            5m..4h               | 5 15 35 75 155 315 555 795 1035
            1m*2, 4m .. 9m       | 1 2 6 14 23 32 41 50 59
            5m..5m               | 5 10 15 20 25 30 35 40 45
            1m..3m, 1h           | 1 3 6 66 126 186 246 306 366
            """)
    void parses(String text, String expected) {
        assertThat(minutes(RetryPolicy.parse(text), 9).stream()
                        .map(String::valueOf)
                        .collect(Collectors.joining(" ")))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''               | retry: the end at character 1 (expected: a number)
            5x               | retry: "x" at character 2 (expected: a unit: s, m, h or d)
            5                | retry: the end at character 2 (expected: a unit: s, m, h or d)
            5M               | retry: "M" at character 2 (expected: a unit: s, m, h or d)
            m                | retry: "m" at character 1 (expected: a number)
            -5m              | retry: "-5m" at character 1 (expected: a number)
            1.5h             | retry: ".5h" at character 2 (expected: a unit: s, m, h or d)
            5m,              | retry: the end at character 4 (expected: a number)
            5m,,1h           | retry: ",1h" at character 4 (expected: a number)
            5m 10m           | retry: "10m" at character 4 (expected: a comma, "*", ".." or the end)
            5m*              | retry: the end at character 4 (expected: how often the interval stands)
            5m*x             | retry: "x" at character 4 (expected: how often the interval stands)
            5m*2*2           | retry: "*2" at character 5 (expected: a comma, "*", ".." or the end)
            5m*0             | retry: "5m*0" at character 1 (expected: 1 to 10000 intervals in all)
            5m,5m*10000      | retry: "5m*10000" at character 4 (expected: 1 to 10000 intervals in all)
            5m..             | retry: the end at character 5 (expected: a number)
            5m..4m           | retry: "4m" at character 5 (expected: a cap that is no shorter than the interval before)
            5m..1h*2         | retry: "*2" at character 7 (expected: a comma, "*", ".." or the end)
            5m.1h            | retry: ".1h" at character 3 (expected: a comma, "*", ".." or the end)
            0s               | retry: "0s" at character 1 (expected: an interval of 1s to 3650d)
            3651d            | retry: "3651d" at character 1 (expected: an interval of 1s to 3650d)
            9999999999s      | retry: "9999999999s" at character 1 (expected: a number of at most 9 digits)
            """)
    void tellsWhereItWentWrongAndWhatWasExpected(String text, String message) {
        assertThatThrownBy(() -> RetryPolicy.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void aCapIsTheSameAsExponential() {
        RetryPolicy written = RetryPolicy.parse("7s..1h");
        RetryPolicy made = RetryPolicy.exponential(Duration.ofSeconds(7), Duration.ofHours(1));
        for (int attempts = 1; attempts < 30; attempts++) {
            assertThat(written.decide(attempts, RECEIVED, RECEIVED))
                    .isEqualTo(made.decide(attempts, RECEIVED, RECEIVED));
        }
    }

    @Test
    void knowsItsLifetime() {
        RetryPolicy policy = RetryPolicy.parse("5m");
        assertThat(policy.lifetime()).isEmpty();
        assertThat(policy.giveUpAfter(Duration.ofDays(3))
                        .withJitter(0.1, new Random(1))
                        .lifetime())
                .contains(Duration.ofDays(3));
        assertThat(policy.giveUpAfter(Duration.ofDays(3))
                        .giveUpAfter(Duration.ofDays(5))
                        .lifetime())
                .contains(Duration.ofDays(3));
        assertThat(policy.giveUpAfter(Duration.ofDays(3))
                        .giveUpAfter(Duration.ofDays(2))
                        .lifetime())
                .contains(Duration.ofDays(2));
    }

    @Test
    void refusesWhatIsOutOfRange() {
        Duration zero = Duration.ZERO;
        Duration hour = Duration.ofHours(1);
        assertThatIllegalArgumentException().isThrownBy(RetryPolicy::intervals).withMessageContaining("1 to 10000");
        assertThatIllegalArgumentException().isThrownBy(() -> RetryPolicy.intervals(zero));
        assertThatIllegalArgumentException().isThrownBy(() -> RetryPolicy.exponential(hour, Duration.ofMinutes(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> RetryPolicy.parse("5m,".repeat(400) + "5m"));
        RetryPolicy policy = RetryPolicy.intervals(hour);
        assertThatIllegalArgumentException().isThrownBy(() -> policy.giveUpAfter(zero));
        assertThatIllegalArgumentException().isThrownBy(() -> policy.withJitter(1, new Random(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> policy.withJitter(Double.NaN, new Random(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> policy.decide(0, RECEIVED, RECEIVED));
    }

    @Provide
    Arbitrary<RetryPolicy> policies() {
        Arbitrary<Duration> intervals =
                Arbitraries.longs().between(1, 100_000_000).map(Duration::ofMillis);
        return Arbitraries.oneOf(
                intervals
                        .list()
                        .ofMinSize(1)
                        .ofMaxSize(6)
                        .map(list -> RetryPolicy.intervals(list.toArray(Duration[]::new))),
                Combinators.combine(intervals, intervals)
                        .as((a, b) ->
                                a.compareTo(b) < 0 ? RetryPolicy.exponential(a, b) : RetryPolicy.exponential(b, a)));
    }

    @Property
    void instantsGrowStayInBoundsAndStop(
            @ForAll("policies") RetryPolicy policy,
            @ForAll @DoubleRange(min = 0, max = 0.99) double jitter,
            @ForAll @LongRange(min = 1, max = 1_000_000_000) long lifetimeMillis,
            @ForAll boolean jitterFirst,
            @ForAll long seed) {
        Duration lifetime = Duration.ofMillis(lifetimeMillis);
        Random random = new Random(seed);
        RetryPolicy whole = jitterFirst
                ? policy.withJitter(jitter, random).giveUpAfter(lifetime)
                : policy.giveUpAfter(lifetime).withJitter(jitter, random);
        Instant end = RECEIVED.plus(lifetime);
        Instant now = RECEIVED;
        for (int attempts = 1; attempts < 500; attempts++) {
            RetryDecision decision = whole.decide(attempts, RECEIVED, now);
            if (!(decision instanceof RetryDecision.RetryAt retry)) {
                assertThat(now).as("given up at the end, not before").isEqualTo(end);
                return;
            }
            assertThat(retry.instant()).isAfter(now).isBeforeOrEqualTo(end);
            if (retry.instant().isBefore(end)) {
                long plain = Duration.between(
                                now, ((RetryDecision.RetryAt) policy.decide(attempts, RECEIVED, now)).instant())
                        .toMillis();
                assertThat((double) Duration.between(now, retry.instant()).toMillis())
                        .isBetween(Math.floor(plain * (1 - jitter)), Math.max(1, Math.ceil(plain * (1 + jitter))));
            }
            now = retry.instant();
        }
    }

    @Property
    void whatIsWrittenIsRead(@ForAll("written") List<Interval> intervals) {
        String text = intervals.stream().map(Interval::toString).collect(Collectors.joining(", "));
        Duration[] expected = intervals.stream()
                .flatMap(interval -> Collections.nCopies(interval.count(), interval.duration()).stream())
                .toArray(Duration[]::new);
        assertThat(RetryPolicy.parse(text)).isEqualTo(RetryPolicy.intervals(expected));
    }

    record Interval(int number, char unit, int count) {
        Duration duration() {
            return Duration.ofSeconds(number * (unit == 's' ? 1L : unit == 'm' ? 60 : unit == 'h' ? 3600 : 86400));
        }

        @Override
        public String toString() {
            return number + "" + unit + (count == 1 ? "" : "*" + count);
        }
    }

    @Provide
    Arbitrary<List<Interval>> written() {
        return Combinators.combine(
                        Arbitraries.integers().between(1, 3650),
                        Arbitraries.of('s', 'm', 'h', 'd'),
                        Arbitraries.integers().between(1, 20))
                .as(Interval::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(10);
    }

    @Property
    void anyTextIsReadOrRefusedInOneLine(@ForAll("texts") String text) {
        try {
            RetryPolicy.parse(text);
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage())
                    .startsWith("retry: ")
                    .contains("(expected: ")
                    .doesNotContain("\n");
        }
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.oneOf(
                Arbitraries.strings().withChars("0159smhd*,. x").ofMaxLength(20),
                Arbitraries.strings().ofMaxLength(30));
    }
}
