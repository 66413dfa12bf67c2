package org.backupmx.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.backupmx.health.PrimaryHealth.DEGRADED;
import static org.backupmx.health.PrimaryHealth.DOWN;
import static org.backupmx.health.PrimaryHealth.REJECTING;
import static org.backupmx.health.PrimaryHealth.UNKNOWN;
import static org.backupmx.health.PrimaryHealth.UP;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrimaryMonitorTest {

    private static final Instant START = Instant.parse("2026-11-22T12:00:00Z");
    private static final SmtpReply BUSY = SmtpReply.of(451, "4.3.2", "Try later");
    private static final SmtpReply NO = SmtpReply.of(554, "5.3.2", "No mail here");

    /** What a monitor is told; lower case by a probe, upper case by a delivery. */
    private static Optional<HealthChange> tell(PrimaryMonitor monitor, char input, Instant now) {
        return switch (input) {
            case 'g' -> monitor.probed(new ProbeResult.Healthy(PrimaryCapabilities.none()), now);
            case 'G' -> monitor.delivered(now);
            case 'b' -> monitor.probed(new ProbeResult.Refused(BUSY), now);
            case 'B' -> monitor.deliveryRefused(BUSY, now);
            case 'r' -> monitor.probed(new ProbeResult.Refused(NO), now);
            case 'R' -> monitor.deliveryRefused(NO, now);
            case 'x' -> monitor.probed(new ProbeResult.Unreachable("refused"), now);
            case 'X' -> monitor.deliveryUnreachable("refused", now);
            case 'd' -> monitor.unresolved("SERVFAIL", now);
            default -> throw new AssertionError(input);
        };
    }

    private static PrimaryMonitor monitor(int rise, int fall) {
        HealthProbe probe = HealthProbe.recipient()
                .thresholds(new HealthThresholds(rise, fall))
                .jitter(0);
        return new PrimaryMonitor(probe, new Random(1), START);
    }

    /** The inputs one by one, and the first letter of the health after each. */
    @ParameterizedTest(name = "rise {0}, fall {1}: {2} -> {3}")
    @CsvSource({
        "1, 2, ggxg,     U U D U", // D: degraded
        "1, 2, gxx,      U D !", // !: down
        "1, 2, gxxg,     U D ! U",
        "2, 2, xxgg,     ? ! D U",
        "2, 2, gg,       U U",
        "3, 2, gxg,      U D D",
        "3, 2, dggg,     ? D D U",
        "3, 2, bggg,     D D D U",
        "3, 2, xxggxggg, ? ! D D D D D U",
        "1, 3, gxxxx,    U D D ! !",
        "1, 1, gxg,      U ! U",
        "1, 2, xx,       ? !",
        "1, 2, gb,       U D",
        "1, 2, gbbbbb,   U D D D D D",
        "1, 2, gbxbx,    U D D D D",
        "1, 2, xxb,      ? ! D",
        "1, 2, grr,      U D R",
        "1, 2, gxr,      U D R",
        "1, 2, grx,      U D !",
        "1, 2, grrg,     U D R U",
        "1, 2, grrb,     U D R D",
        "1, 2, gd,       U ?",
        "1, 2, gxd,      U D ?",
        "1, 2, gxdx,     U D ? ?",
        "1, 2, ddddd,    ? ? ? ? ?",
        "2, 2, xxgdg,    ? ! D ? D",
        "2, 2, rrgrrgg,  ? R D D R D U",
        "1, 2, gXX,      U D !",
        "1, 2, gXx,      U D !",
        "1, 2, xxG,      ? ! U",
        "1, 2, gBG,      U D U",
        "1, 2, gRR,      U D R",
    })
    void table(int rise, int fall, String inputs, String expected) {
        PrimaryMonitor monitor = monitor(rise, fall);
        List<String> states = new ArrayList<>();
        for (char input : inputs.trim().toCharArray()) {
            tell(monitor, input, START);
            states.add(
                    switch (monitor.health()) {
                        case UNKNOWN -> "?";
                        case UP -> "U";
                        case DEGRADED -> "D";
                        case REJECTING -> "R";
                        case DOWN -> "!";
                    });
        }
        assertThat(String.join(" ", states)).isEqualTo(expected);
    }

    @Test
    void aChangeTellsFromToWhenAndWhy() {
        PrimaryMonitor monitor = monitor(1, 1);
        assertThat(monitor.health()).isEqualTo(UNKNOWN);
        assertThat(monitor.since()).isEqualTo(START);
        Instant later = START.plusSeconds(7);
        assertThat(tell(monitor, 'X', later)).contains(new HealthChange(UNKNOWN, DOWN, later, "refused"));
        assertThat(monitor.since()).isEqualTo(later);
        assertThat(tell(monitor, 'r', later))
                .contains(new HealthChange(DOWN, REJECTING, later, "554 5.3.2 No mail here"));
        assertThat(tell(monitor, 'r', later.plusSeconds(9))).isEmpty();
        assertThat(monitor.since()).isEqualTo(later);
        assertThat(monitor.cause()).isEqualTo("554 5.3.2 No mail here");
        assertThat(tell(monitor, 'b', later)).map(HealthChange::to).contains(DEGRADED);
        assertThat(tell(monitor, 'g', later)).map(HealthChange::to).contains(UP);
    }

    private static Duration untilProbe(PrimaryMonitor monitor, Instant now) {
        return Duration.between(now, monitor.nextProbe());
    }

    @Test
    void theNextProbeFollowsTheState() {
        PrimaryMonitor monitor = monitor(2, 2);
        assertThat(monitor.nextProbe()).as("at once").isEqualTo(START);
        tell(monitor, 'g', START);
        assertThat(untilProbe(monitor, START)).as("UP").isEqualTo(Duration.ofMinutes(8));
        tell(monitor, 'x', START);
        assertThat(untilProbe(monitor, START)).as("counting").isEqualTo(Duration.ofSeconds(30));
        tell(monitor, 'x', START);
        assertThat(untilProbe(monitor, START)).as("DOWN").isEqualTo(Duration.ofSeconds(60));
        tell(monitor, 'd', START);
        assertThat(untilProbe(monitor, START)).as("UNKNOWN").isEqualTo(Duration.ofSeconds(60));
    }

    @Test
    void deliveriesThatFailBringTheProbeForwardAndNeverPutItOff() {
        PrimaryMonitor monitor = monitor(1, 2);
        tell(monitor, 'g', START);
        Instant later = START.plusSeconds(100);
        tell(monitor, 'X', later);
        assertThat(monitor.nextProbe()).isEqualTo(later.plusSeconds(30));
        tell(monitor, 'X', later.plusSeconds(20));
        tell(monitor, 'B', later.plusSeconds(25));
        assertThat(monitor.nextProbe()).isEqualTo(later.plusSeconds(30));
    }

    @Test
    void deliveriesThatSucceedStandForAProbe() {
        PrimaryMonitor monitor = monitor(1, 2);
        tell(monitor, 'g', START);
        tell(monitor, 'G', START.plusSeconds(100));
        assertThat(monitor.nextProbe()).isEqualTo(START.plusSeconds(100).plus(Duration.ofMinutes(8)));
    }

    @Test
    void withoutProbesDeliveriesStillTell() {
        PrimaryMonitor monitor = new PrimaryMonitor(HealthProbe.off(), new Random(1), START);
        assertThat(monitor.nextProbe()).isEqualTo(Instant.MAX);
        for (char input : "XXBRGG".toCharArray()) {
            tell(monitor, input, START);
            assertThat(monitor.nextProbe()).isEqualTo(Instant.MAX);
        }
        assertThat(monitor.health()).isEqualTo(UP);
    }

    @ParameterizedTest(name = "away for {0}: the next probe after {1}")
    @CsvSource({
        "PT0S, PT60S",
        "PT59M, PT60S",
        "PT1H, PT2M",
        "PT5H59M, PT2M",
        "PT6H, PT5M",
        "PT23H59M, PT5M",
        "PT24H, PT8M",
        "P30D, PT8M",
    })
    void theLongerItIsAwayTheLessOftenItIsProbed(Duration away, Duration next) {
        PrimaryMonitor monitor = monitor(1, 1);
        tell(monitor, 'g', START.minusSeconds(1));
        tell(monitor, 'x', START);
        tell(monitor, 'r', START.plus(away).minusSeconds(away.isZero() ? 0 : 1));
        tell(monitor, 'x', START.plus(away));
        assertThat(untilProbe(monitor, START.plus(away))).isEqualTo(next);
    }

    @Test
    void aPrimaryThatIsAwayIsProbedAtLeastEvery20Minutes() {
        HealthProbe probe =
                HealthProbe.recipient().everyWhileDown(Duration.ofMinutes(20)).jitter(0.5);
        PrimaryMonitor monitor = new PrimaryMonitor(probe, new Random(1), START);
        for (int hour = 0; hour < 100; hour++) {
            Instant now = START.plus(Duration.ofHours(hour));
            tell(monitor, 'x', now);
            assertThat(untilProbe(monitor, now)).isLessThanOrEqualTo(Duration.ofMinutes(20));
        }
    }

    @Test
    void aPrimaryThatComesAndGoesIsNotUp() {
        PrimaryMonitor monitor = monitor(1, 1);
        Instant now = START;
        for (int turn = 1; turn <= 6; turn++) {
            now = now.plusSeconds(60);
            tell(monitor, turn % 2 == 1 ? 'g' : 'x', now);
            assertThat(monitor.health()).isEqualTo(turn % 2 == 1 ? UP : DOWN);
            assertThat(monitor.isFlapping()).isFalse();
        }
        now = now.plusSeconds(60);
        assertThat(tell(monitor, 'g', now))
                .contains(new HealthChange(DOWN, DEGRADED, now, "flapping; probe succeeded"));
        assertThat(monitor.isFlapping()).isTrue();
        assertThat(tell(monitor, 'x', now)).map(HealthChange::to).contains(DOWN); // that is believed
        Instant calm = now.plusSeconds(1);
        assertThat(tell(monitor, 'g', calm)).map(HealthChange::to).contains(DEGRADED);
        assertThat(tell(monitor, 'g', calm.plusSeconds(3599))).isEmpty();
        assertThat(tell(monitor, 'g', calm.plusSeconds(3600)))
                .map(HealthChange::to)
                .contains(UP);
        assertThat(monitor.isFlapping()).isFalse();
    }

    @Test
    void sixTurnsInMoreThanAnHourAreNoFlapping() {
        PrimaryMonitor monitor = monitor(1, 1);
        for (int turn = 0; turn < 100; turn++) {
            tell(monitor, turn % 2 == 0 ? 'g' : 'x', START.plusSeconds(601L * turn));
            assertThat(monitor.health()).isEqualTo(turn % 2 == 0 ? UP : DOWN);
        }
    }

    @Test
    void tellsHowOldItsAnswerIs() {
        PrimaryMonitor monitor = monitor(2, 2);
        assertThat(monitor.lastAnswer()).isEmpty();
        assertThat(monitor.capabilities()).isEmpty();
        assertThat(monitor.isAnswering()).isFalse();
        tell(monitor, 'g', START.plusSeconds(1));
        assertThat(monitor.isAnswering()).isTrue();
        assertThat(monitor.capabilities()).contains(PrimaryCapabilities.none());
        tell(monitor, 'X', START.plusSeconds(2)); // no answer of the primary
        assertThat(monitor.lastAnswer()).contains(START.plusSeconds(1));
        assertThat(monitor.isAnswering()).isFalse();
        tell(monitor, 'G', START.plusSeconds(3));
        assertThat(monitor.lastAnswer()).contains(START.plusSeconds(3));
    }

    @Test
    void aProbeThatConfirmsComesLaterRatherThanEarlier() {
        PrimaryMonitor monitor = new PrimaryMonitor(HealthProbe.recipient(), new Random(5), START);
        tell(monitor, 'g', START);
        for (int i = 0; i < 100; i++) {
            tell(monitor, 'd', START);
            tell(monitor, 'x', START);
            assertThat(untilProbe(monitor, START)).isBetween(Duration.ofSeconds(30), Duration.ofSeconds(33));
        }
    }

    @Test
    void probesAreJittered() {
        HealthProbe probe = HealthProbe.tcp().every(Duration.ofSeconds(1000)).thresholds(new HealthThresholds(1, 2));
        PrimaryMonitor monitor = new PrimaryMonitor(probe, new Random(5), START);
        List<Long> seconds = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            tell(monitor, 'g', START);
            seconds.add(untilProbe(monitor, START).toSeconds());
        }
        assertThat(seconds).allMatch(second -> second >= 900 && second <= 1100);
        assertThat(seconds.stream().distinct().count()).isGreaterThan(50);
    }

    @Test
    void aPositiveReplyIsNoRefusal() {
        PrimaryMonitor monitor = monitor(1, 2);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> monitor.deliveryRefused(SmtpReply.of(250, "2.0.0", "Ok"), START));
    }

    @Test
    void probesHaveTheDefaultsTheyTell() {
        HealthProbe probe = HealthProbe.recipient();
        assertThat(probe.depth()).contains(ProbeDepth.RCPT);
        assertThat(HealthProbe.smtpGreeting().depth()).contains(ProbeDepth.BANNER);
        assertThat(HealthProbe.ehlo().depth()).contains(ProbeDepth.EHLO);
        assertThat(HealthProbe.startTls().depth()).contains(ProbeDepth.STARTTLS);
        assertThat(HealthProbe.off().depth()).isEmpty();
        assertThat(probe.interval()).isEqualTo(Duration.ofMinutes(8));
        assertThat(probe.intervalWhileDown()).isEqualTo(Duration.ofSeconds(60));
        assertThat(probe.timeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(probe.thresholds()).isEqualTo(new HealthThresholds(2, 2));
        assertThat(probe.jitter()).isEqualTo(0.1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HealthThresholds(1, 0))
                .withMessage("fall: 0 (expected: 1 to 100)");
        assertThatIllegalArgumentException().isThrownBy(() -> probe.every(Duration.ZERO));
        assertThatIllegalArgumentException().isThrownBy(() -> probe.timeout(Duration.ofHours(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> probe.jitter(0.6));
    }

    /** The machine once more, slow and plain: the health after each input, one every ten seconds. */
    private static List<PrimaryHealth> model(String history, int rise, int fall) {
        List<PrimaryHealth> shown = new ArrayList<>();
        List<Integer> turns = new ArrayList<>();
        PrimaryHealth verdict = UNKNOWN;
        boolean flapping = false;
        for (int end = 1; end <= history.length(); end++) {
            String row = ("g".repeat(rise - 1) + history.substring(0, end)).toLowerCase(Locale.ROOT);
            row = row.substring(Math.max(0, row.length() - 4));
            char last = row.charAt(row.length() - 1);
            PrimaryHealth before = verdict;
            if (last == 'g') {
                verdict = row.matches(".*g{" + rise + "}") ? UP : DEGRADED;
            } else if (last == 'b') {
                verdict = DEGRADED;
            } else if (last == 'd') {
                verdict = UNKNOWN;
            } else if (row.matches(".*[xr]{" + fall + "}")) {
                verdict = last == 'x' ? DOWN : REJECTING;
            } else if (verdict == UP) {
                verdict = DEGRADED;
            }
            if ((before == UP) != (verdict == UP)) {
                turns.add(end);
            }
            int anHourAgo = end - 360;
            long recent = turns.stream().filter(turn -> turn > anHourAgo).count();
            flapping = recent > (flapping ? 0 : 6);
            shown.add(flapping && verdict == UP ? DEGRADED : verdict);
        }
        return shown;
    }

    @Provide
    Arbitrary<String> histories() {
        return Arbitraries.oneOf(
                Arbitraries.strings().withChars("ggGxxXrRbBd").ofMaxLength(40),
                Arbitraries.of("g", "gg", "xx", "x", "b", "d", "G".repeat(400))
                        .list()
                        .ofMaxSize(40)
                        .map(parts -> String.join("", parts)));
    }

    @Property(tries = 300)
    void equalsTheModel(
            @ForAll("histories") String history,
            @ForAll @IntRange(min = 1, max = 4) int rise,
            @ForAll @IntRange(min = 1, max = 4) int fall) {
        List<PrimaryHealth> expected = model(history, rise, fall);
        PrimaryMonitor monitor = monitor(rise, fall);
        Instant now = START;
        for (int i = 0; i < history.length(); i++) {
            PrimaryHealth before = monitor.health();
            now = now.plusSeconds(10);
            Optional<HealthChange> change = tell(monitor, history.charAt(i), now);
            assertThat(monitor.health()).isEqualTo(expected.get(i));
            assertThat(change.isPresent()).isEqualTo(before != monitor.health());
            change.ifPresent(c -> assertThat(c.from()).isEqualTo(before));
            assertThat(monitor.nextProbe()).isBeforeOrEqualTo(now.plus(Duration.ofMinutes(8)));
        }
    }

    @Property
    void neverUpAfterDownWithoutRiseGoodAnswersAndNeverDownByDns(
            @ForAll("histories") String history, @ForAll @IntRange(min = 1, max = 4) int rise) {
        PrimaryMonitor monitor = monitor(rise, 1);
        int goodSinceDown = 0;
        boolean wasDown = false;
        for (int i = 0; i < history.length(); i++) {
            char input = history.charAt(i);
            Optional<HealthChange> change = tell(monitor, input, START);
            goodSinceDown = Character.toLowerCase(input) == 'g' ? goodSinceDown + 1 : goodSinceDown;
            if (monitor.health() == DOWN) {
                wasDown = true;
                goodSinceDown = Character.toLowerCase(input) == 'g' ? goodSinceDown : 0;
            }
            if (change.isPresent() && monitor.health() == UP && wasDown) {
                assertThat(goodSinceDown).isGreaterThanOrEqualTo(rise);
            }
            if (input == 'd') {
                assertThat(monitor.health()).isEqualTo(UNKNOWN);
            }
        }
    }
}
