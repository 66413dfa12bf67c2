package org.backupmx.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.backupmx.health.PrimaryHealth.DEGRADED;
import static org.backupmx.health.PrimaryHealth.DOWN;
import static org.backupmx.health.PrimaryHealth.REJECTING;
import static org.backupmx.health.PrimaryHealth.UNKNOWN;
import static org.backupmx.health.PrimaryHealth.UP;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeResult;
import org.junit.jupiter.api.Test;

class UptimeHistoryTest {

    private static final String P = "mail.example.org:25";
    private static final Instant START = Instant.parse("2026-11-22T22:00:00Z");

    private static final List<PrimaryHealth> HEALTHS = List.of(UNKNOWN, UP, DEGRADED, REJECTING, DOWN);

    private HistoryStore store = HistoryStore.inMemory(1_000_000);
    private Instant now = START;
    private PrimaryHealth health = UNKNOWN;

    private UptimeHistory open() {
        health = UNKNOWN;
        return new UptimeHistory(store, Runnable::run, () -> now);
    }

    private void change(UptimeHistory history, int second, PrimaryHealth to, String cause) {
        now = START.plusSeconds(second);
        history.changed(P, new HealthChange(health, to, now, cause));
        health = to;
    }

    private void probe(UptimeHistory history, int second) {
        now = START.plusSeconds(second);
        history.probed(P, now, true, Duration.ofMillis(70), "");
    }

    private List<String> lines(String series) throws HistoryException {
        return store.read(series, Instant.MIN, Instant.MAX).stream()
                .map(HistoryEntry::text)
                .toList();
    }

    private static UptimeReport report(UptimeHistory history, int from, int to) throws HistoryException {
        return history.report(P, START.plusSeconds(from), START.plusSeconds(to));
    }

    private static Duration seconds(long count) {
        return Duration.ofSeconds(count);
    }

    @Test
    void linesAreAsDocumented() throws Exception {
        UptimeHistory history = open();
        change(history, 0, UP, "probe succeeded");
        history.probed(P, now, true, Duration.ofNanos(70_900_000), "not kept");
        history.probed(P, now, false, Duration.ofSeconds(30), "421 4.3.2\r\nbusy");
        change(history, 9, DOWN, "connection\u0000refused");
        history.close();
        assertThat(lines("primary " + P))
                .containsExactly(
                        "started",
                        "changed UNKNOWN UP probe succeeded",
                        "changed UP DOWN connection\uFFFDrefused",
                        "stopped");
        assertThat(lines("probes " + P)).containsExactly("good 70", "failed 30000 421 4.3.2\uFFFD\uFFFDbusy");
    }

    @Test
    void upAndDegradedAnswerAndTheRestDoesNot() throws Exception {
        UptimeHistory history = open();
        change(history, 0, UP, "a");
        change(history, 10, DEGRADED, "b");
        change(history, 30, DOWN, "c");
        change(history, 70, REJECTING, "d");
        change(history, 150, UNKNOWN, "e");
        change(history, 310, UP, "f");
        now = START.plusSeconds(630);
        UptimePeriod total = report(history, 0, 1_000).total();
        assertThat(total.known()).isEqualTo(seconds(470));
        assertThat(total.answering()).isEqualTo(seconds(350));
        assertThat(total.percent().orElseThrow()).isEqualTo(100.0 * 350 / 470);
        assertThat(total.worst()).isEqualTo(DOWN);
        assertThat(report(history, 0, 1_000).outages())
                .containsExactly(new Outage(START.plusSeconds(30), START.plusSeconds(150), false, DOWN, "c"));
    }

    @Test
    void anOutageGoesOnWhileTheEngineWatches() throws Exception {
        UptimeHistory history = open();
        change(history, 0, DOWN, "refused");
        now = START.plusSeconds(50);
        assertThat(report(history, 0, 1_000).outages())
                .containsExactly(new Outage(START, START.plusSeconds(50), true, DOWN, "refused"));
        assertThat(report(history, 10, 20).outages())
                .containsExactly(new Outage(START.plusSeconds(10), START.plusSeconds(20), true, DOWN, "refused"));
        history.close();
        now = START.plusSeconds(99);
        assertThat(report(open(), 0, 1_000).outages())
                .containsExactly(new Outage(START, START.plusSeconds(50), false, DOWN, "refused"));
    }

    @Test
    void timeWithoutAnEngineIsNotCounted() throws Exception {
        UptimeHistory history = open();
        change(history, 0, UP, "a");
        now = START.plusSeconds(100);
        history.close();
        history = open();
        change(history, 500, DOWN, "b");
        now = START.plusSeconds(600);
        UptimeReport report = report(history, 0, 600);
        assertThat(report.total().known()).isEqualTo(seconds(200));
        assertThat(report.total().answering()).isEqualTo(seconds(100));
    }

    @Test
    void afterAKillTheLastLineOfAnyKindBoundsWhatIsKnown() throws Exception {
        UptimeHistory killed = open();
        change(killed, 0, UP, "a");
        probe(killed, 100);
        probe(killed, 200);
        now = START.plusSeconds(1_000);
        UptimeHistory history = open();
        assertThat(report(history, 0, 2_000).total().known()).isEqualTo(seconds(200));
        change(history, 1_500, UP, "b");
        now = START.plusSeconds(1_600);
        assertThat(report(history, 0, 2_000).total().known()).isEqualTo(seconds(300));
        assertThat(lines("primary " + P)).contains("started known-until=2026-11-22T22:03:20Z");

        // and it stays so when the probes are rolled up
        now = START.plus(Duration.ofDays(100));
        history.rollUp();
        history.close();
        assertThat(lines("probes " + P)).containsExactly("1h good=2 failed=0 total=140 max=70");
        assertThat(report(open(), 0, 1_600).total().known()).isEqualTo(seconds(300));
    }

    @Test
    void aLostLineMakesTimeUnknownAndNotWrong() throws Exception {
        UptimeHistory history = open();
        change(history, 0, UP, "a");
        health = DOWN; // a line that is lost
        change(history, 100, UP, "c");
        now = START.plusSeconds(130);
        UptimePeriod total = report(history, 0, 1_000).total();
        assertThat(total.known()).isEqualTo(seconds(30));
        assertThat(total.answering()).isEqualTo(seconds(30));
    }

    @Test
    void whereTheClockWasSetBackTheLaterLineCounts() throws Exception {
        UptimeHistory history = open();
        change(history, 0, UP, "a");
        change(history, 100, DOWN, "b");
        change(history, 200, UP, "c");
        change(history, 150, DOWN, "d");
        now = START.plusSeconds(300);
        UptimeReport report = report(history, 0, 1_000);
        assertThat(report.total().known()).isEqualTo(seconds(300));
        assertThat(report.total().answering()).isEqualTo(seconds(100));
        change(history, 50, UP, "e");
        now = START.plusSeconds(60);
        assertThat(report(history, 0, 1_000).total().known()).isEqualTo(seconds(60));
    }

    @Test
    void aPrimaryThatIsWatchedNoLongerIsUnknown() throws Exception {
        UptimeHistory history = open();
        change(history, 0, UP, "a");
        now = START.plusSeconds(10);
        history.stopped(P);
        now = START.plusSeconds(100);
        assertThat(report(history, 0, 100).total().known()).isEqualTo(seconds(10));
        health = UNKNOWN;
        change(history, 120, UP, "a");
        now = START.plusSeconds(130);
        assertThat(report(history, 0, 200).total().known()).isEqualTo(seconds(20));
    }

    @Test
    void whatIsNotKnownHasNoPercent() throws Exception {
        UptimeReport report = report(open(), 0, 10);
        assertThat(report.total().percent()).isEmpty();
        assertThat(report.outages()).isEmpty();
        assertThat(open().primaries()).isEmpty();
    }

    @Test
    void recordingLeavesTheWritingToAWorker() throws Exception {
        Queue<Runnable> tasks = new ArrayDeque<>();
        UptimeHistory history = new UptimeHistory(store, tasks::add, () -> now);
        for (int i = 0; i < 5_000; i++) {
            history.probed("p" + i % 3 + ":25", START.plusSeconds(i), true, Duration.ZERO, "");
        }
        assertThat(store.series()).isEmpty();
        assertThat(tasks).hasSize(1);
        tasks.remove().run();
        assertThat(history.primaries()).containsExactly("p0:25", "p1:25", "p2:25");
        assertThat(lines("probes p0:25")).hasSize(1_667);
        history.probed(P, now, true, Duration.ZERO, "");
        assertThat(tasks).hasSize(1);
        assertThat(history.probes(P, Instant.MIN, Instant.MAX)).hasSize(1);
        tasks.remove().run();
        history.close();
        history.probed(P, now, true, Duration.ZERO, "");
        assertThat(tasks).isEmpty();
    }

    @Test
    void aPoolThatRefusesCostsNothing() throws Exception {
        boolean[] full = {true};
        UptimeHistory history = new UptimeHistory(
                store,
                task -> {
                    if (full[0]) {
                        throw new RejectedExecutionException("on demand");
                    }
                    task.run();
                },
                () -> now);
        probe(history, 0);
        full[0] = false;
        probe(history, 1);
        assertThat(lines("probes " + P)).hasSize(2);
    }

    @Test
    void whileTheStoreFailsLinesWaitAndProbesAreLostFirst() throws Exception {
        FailingStore failing = new FailingStore(store);
        UptimeHistory history = new UptimeHistory(failing, Runnable::run, () -> now);
        change(history, 0, UP, "a");
        failing.fails = true;
        change(history, 1, DOWN, "b");
        for (int i = 0; i < UptimeHistory.MAX_QUEUED + 5; i++) {
            probe(history, 2 + i);
        }
        change(history, 20_000, UP, "c");
        assertThat(history.lost()).isEqualTo(7);
        assertThatExceptionOfType(HistoryException.class).isThrownBy(() -> report(history, 0, 1));
        assertThat(failing.calls).isLessThan(25_000);
        failing.fails = false;
        change(history, 20_001, DOWN, "d");
        assertThat(lines("primary " + P))
                .containsExactly(
                        "started",
                        "changed UNKNOWN UP a",
                        "changed UP DOWN b",
                        "changed DOWN UP c",
                        "changed UP DOWN d");
        assertThat(store.read("probes " + P, Instant.MIN, Instant.MAX).size()).isEqualTo(UptimeHistory.MAX_QUEUED - 3);
        history.close();
    }

    @Test
    void aStoreThatFailsHalfWayGetsNothingTwice() throws Exception {
        FailingStore failing = new FailingStore(store);
        Queue<Runnable> tasks = new ArrayDeque<>();
        UptimeHistory history = new UptimeHistory(failing, tasks::add, () -> now);
        for (int i = 0; i < 12; i++) {
            history.probed("p" + i % 4 + ":25", START.plusSeconds(i), true, Duration.ofMillis(i), "");
        }
        failing.failsAfter = 5;
        tasks.remove().run();
        failing.failsAfter = Integer.MAX_VALUE;
        assertThat(store.series()).hasSize(5);
        assertThat(history.primaries()).hasSize(4);
        for (int p = 0; p < 4; p++) {
            assertThat(lines("probes p" + p + ":25"))
                    .containsExactly("good " + p, "good " + (p + 4), "good " + (p + 8));
            assertThat(lines("primary p" + p + ":25")).containsExactly("started");
        }
    }

    @Test
    void namesAndSpansAreChecked() {
        UptimeHistory history = open();
        for (String name : List.of("", "x".repeat(193), "a\nb", "bücher")) {
            assertThatIllegalArgumentException().isThrownBy(() -> history.stopped(name));
        }
        history.stopped("x".repeat(192));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> report(history, 5, 5))
                .withMessageStartingWith("to: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> history.report(P, START, START.plus(Duration.ofDays(3_661))));
    }

    @Test
    void daysWeeksAndMonthsAreThoseOfUtc() throws Exception {
        UptimeHistory history = open(); // a Sunday, 22:00
        change(history, 0, UP, "a");
        change(history, 3_600, DOWN, "b");
        change(history, 3 * 3_600, UP, "c");
        now = START.plus(Duration.ofDays(20));
        UptimeReport report = history.report(P, START, now);
        assertThat(report.days()).hasSize(21);
        assertThat(report.days().get(0))
                .isEqualTo(new UptimePeriod(
                        START, Instant.parse("2026-11-23T00:00:00Z"), Duration.ofHours(2), Duration.ofHours(1), DOWN));
        assertThat(report.days().get(1).percent().orElseThrow()).isEqualTo(100.0 * 23 / 24);
        assertThat(report.days().get(2).worst()).isEqualTo(UP);
        assertThat(report.weeks())
                .extracting(week -> week.from().toString())
                .containsExactly(
                        "2026-11-22T22:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z");
        assertThat(report.months())
                .extracting(month -> month.to().toString())
                .containsExactly("2026-12-01T00:00:00Z", "2026-12-12T22:00:00Z");
        for (List<UptimePeriod> periods : List.of(report.days(), report.weeks(), report.months())) {
            assertThat(periods.stream().map(UptimePeriod::known).reduce(Duration.ZERO, Duration::plus))
                    .isEqualTo(report.total().known());
            assertThat(periods.stream().map(UptimePeriod::answering).reduce(Duration.ZERO, Duration::plus))
                    .isEqualTo(report.total().answering());
        }
    }

    @Test
    void oldProbesAreSummedUpAndTheOldestGo() throws Exception {
        UptimeHistory history = open();
        now = START.plus(Duration.ofDays(500));
        history.changed(P, new HealthChange(UNKNOWN, UP, START, "first"));
        history.changed(P, new HealthChange(UP, DOWN, now.minus(Duration.ofDays(401)), "old"));
        history.changed(P, new HealthChange(DOWN, UP, now.minus(Duration.ofDays(399)), "young"));
        for (int daysAgo : new int[] {401, 399, 91, 89, 31, 29}) {
            for (int minute = 0; minute < 62; minute += 4) {
                Instant at = now.minus(Duration.ofDays(daysAgo)).plus(Duration.ofMinutes(minute));
                history.probed(P, at, minute != 8, Duration.ofMillis(100 + minute), "timed out");
            }
        }
        history.rollUp();
        List<ProbeSummary> probes = history.probes(P, Instant.MIN, Instant.MAX);
        TreeMap<Long, List<ProbeSummary>> byAge = new TreeMap<>();
        for (ProbeSummary probe : probes) {
            byAge.computeIfAbsent(Duration.between(probe.from(), now).toDays(), age -> new ArrayList<>())
                    .add(probe);
        }
        assertThat(byAge.keySet()).containsExactly(28L, 29L, 30L, 31L, 88L, 89L, 90L, 91L, 398L, 399L);
        ProbeSummary firstHour = byAge.get(399L).get(0);
        assertThat(firstHour)
                .isEqualTo(new ProbeSummary(
                        now.minus(Duration.ofDays(399)),
                        Duration.ofHours(1),
                        14,
                        1,
                        Duration.ofMillis(100 * 14 + 4 * (14 * 15 / 2) - 8),
                        Duration.ofMillis(156)));
        assertThat(firstHour.mean()).isEqualTo(firstHour.total().dividedBy(14));
        assertThat(byAge.get(398L)).hasSize(1);
        assertThat(byAge.get(91L)).hasSize(1);
        // minutes 0 and 4 are in the first five, 8 failed in the second
        assertThat(byAge.get(89L).get(0).good()).isEqualTo(2);
        assertThat(byAge.get(89L)).hasSize(1);
        assertThat(byAge.get(29L)).hasSize(1);
        assertThat(byAge.get(28L)).hasSize(15).allMatch(probe -> probe.span().isZero());
        assertThat(lines("primary " + P)).containsExactly("changed UP DOWN old", "changed DOWN UP young");

        List<HistoryEntry> once = store.read("probes " + P, Instant.MIN, Instant.MAX);
        history.rollUp();
        assertThat(store.read("probes " + P, Instant.MIN, Instant.MAX)).isEqualTo(once);
        now = now.plus(Duration.ofDays(500));
        history.rollUp();
        assertThat(store.series()).containsExactly("primary " + P);
        history.close();
        now = now.plus(Duration.ofDays(401));
        open().rollUp();
        assertThat(store.series()).isEmpty();
    }

    /** 400 days of one primary at the default beat, with outages, restarts, kills and a roll-up each night. */
    @Test
    void fourHundredDays() throws Exception {
        long seed = 20261122;
        Random random = new Random(seed);
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long began = threads.getCurrentThreadCpuTime();
        TreeMap<Instant, long[]> days = new TreeMap<>(); // known and answering milliseconds
        UptimeHistory history = open();
        PrimaryMonitor monitor = new PrimaryMonitor(HealthProbe.recipient(), random, now);
        Instant end = START.plus(Duration.ofDays(400));
        Instant outageEnds = START;
        Instant lastLine = START;
        int probes = 0;
        int good = 0;
        while (now.isBefore(end)) {
            Instant before = now;
            PrimaryHealth was = monitor.health();
            int fate = random.nextInt(2_000);
            if (fate < 2) {
                // the end of an engine, and another one's start an hour later
                if (fate == 0) {
                    history.close();
                } else {
                    now = now.plusSeconds(100); // killed: nothing is known of these
                }
                now = now.plusSeconds(3_600);
                history = open();
                monitor = new PrimaryMonitor(HealthProbe.recipient(), random, now);
                continue;
            }
            if (random.nextInt(1_000) == 0) {
                outageEnds = now.plusSeconds(random.nextInt(20_000));
            }
            now = now.isBefore(monitor.nextProbe()) ? monitor.nextProbe() : now;
            boolean up = !now.isBefore(outageEnds);
            ProbeResult result = up
                    ? new ProbeResult.Healthy(PrimaryCapabilities.none())
                    : new ProbeResult.Unreachable("connection refused");
            Optional<HealthChange> change = monitor.probed(result, now);
            UptimeHistory current = history;
            change.ifPresent(one -> current.changed(P, one));
            history.probed(P, now, up, Duration.ofMillis(random.nextInt(300)), "connection refused");
            probes++;
            good += up ? 1 : 0;
            count(days, before, now, was);
            lastLine = now;
            if (probes % 20_000 == 0) {
                history.rollUp();
            }
        }
        history.rollUp();
        UptimeReport report = history.report(P, START, end);
        assertThat(lastLine).isAfter(end.minus(Duration.ofDays(1)));
        int compared = 0;
        for (UptimePeriod day : report.days()) {
            long[] sums = days.getOrDefault(day.from(), new long[2]);
            if (day.to().equals(end)) {
                break; // the last probe is behind it
            }
            assertThat(day.known().toMillis())
                    .as("seed %d, %s", seed, day.from())
                    .isEqualTo(sums[0]);
            assertThat(day.answering().toMillis())
                    .as("seed %d, %s", seed, day.from())
                    .isEqualTo(sums[1]);
            compared++;
        }
        assertThat(compared).isEqualTo(400);
        assertThat(report.outages()).hasSizeGreaterThan(20);
        List<ProbeSummary> kept = history.probes(P, Instant.MIN, Instant.MAX);
        assertThat(kept.stream().mapToInt(ProbeSummary::good).sum()).isEqualTo(good);
        assertThat(kept.stream()
                        .mapToInt(probe -> probe.good() + probe.failed())
                        .sum())
                .isEqualTo(probes);
        assertThat(probes).isGreaterThan(70_000);
        System.out.printf(
                "400 days: %d probes, %d lines kept, %d ms of one core%n",
                probes, kept.size(), (threads.getCurrentThreadCpuTime() - began) / 1_000_000);
    }

    /** Adds a time with one health to the days that it lies in. */
    private static void count(Map<Instant, long[]> days, Instant from, Instant to, PrimaryHealth health) {
        for (Instant at = from; at.isBefore(to); ) {
            Instant midnight = at.truncatedTo(ChronoUnit.DAYS).plus(Duration.ofDays(1));
            Instant end = midnight.isBefore(to) ? midnight : to;
            long millis = Duration.between(at, end).toMillis();
            Instant day = at.truncatedTo(ChronoUnit.DAYS);
            long[] sums = days.computeIfAbsent(day.isBefore(START) ? START : day, first -> new long[2]);
            sums[0] += health == UNKNOWN ? 0 : millis;
            sums[1] += health == UP || health == DEGRADED ? millis : 0;
            at = end;
        }
    }

    /** What is done in a random history, {@code seconds} after the step before. */
    record Step(int seconds, int what) {}

    @Provide
    Arbitrary<List<Step>> histories() {
        return Combinators.combine(
                        Arbitraries.integers().between(0, 400),
                        Arbitraries.integers().between(0, 11))
                .as(Step::new)
                .list()
                .ofMaxSize(60);
    }

    /** Against an array with the health of each second. */
    @Property(tries = 300)
    void aReportIsTheSumOfItsSeconds(
            @ForAll("histories") List<Step> steps,
            @ForAll @IntRange(max = 24_000) int from,
            @ForAll @IntRange(min = 1, max = 24_000) int length)
            throws Exception {
        PrimaryHealth[] seconds = new PrimaryHealth[50_000];
        Arrays.fill(seconds, UNKNOWN);
        store = HistoryStore.inMemory(1_000_000);
        now = START;
        UptimeHistory history = open();
        PrimaryHealth noted = UNKNOWN;
        int since = 0;
        int last = 0;
        boolean watched = false;
        int second = 0;
        for (Step step : steps) {
            if (watched) {
                Arrays.fill(seconds, second, second + step.seconds, noted);
            }
            second += step.seconds;
            now = START.plusSeconds(second);
            if (step.what < 7) {
                PrimaryHealth to = HEALTHS.get(step.what % 5);
                if (to == health) {
                    continue;
                }
                if (step.what >= 5) {
                    health = to; // and the line is lost
                    continue;
                }
                if (watched && noted != health) {
                    Arrays.fill(seconds, since, second, UNKNOWN);
                }
                change(history, second, to, "cause");
                noted = to;
                since = second;
                last = second;
                watched = true;
            } else if (step.what < 9) {
                probe(history, second);
                last = second;
                if (!watched) {
                    noted = UNKNOWN;
                    since = second;
                }
                watched = true;
            } else if (step.what == 9) {
                history.close();
                history = open();
                watched = false;
                noted = UNKNOWN;
            } else {
                if (watched) {
                    Arrays.fill(seconds, last, second, UNKNOWN);
                }
                history = open(); // the one before was killed
                watched = false;
                noted = UNKNOWN;
            }
        }
        UptimeReport report = report(history, from, from + length);
        int known = 0;
        int answering = 0;
        for (int i = from; i < from + length && i < second; i++) {
            known += seconds[i] == UNKNOWN ? 0 : 1;
            answering += seconds[i] == UP || seconds[i] == DEGRADED ? 1 : 0;
        }
        assertThat(report.total().known()).isEqualTo(seconds(known));
        assertThat(report.total().answering()).isEqualTo(seconds(answering));
        for (List<UptimePeriod> periods : List.of(report.days(), report.weeks(), report.months())) {
            assertThat(periods.stream()
                            .mapToLong(period -> period.known().toSeconds())
                            .sum())
                    .isEqualTo(known);
        }
        Duration out = report.outages().stream().map(Outage::length).reduce(Duration.ZERO, Duration::plus);
        assertThat(out).isEqualTo(seconds(known - answering));
    }

    /** A store that fails on demand. */
    private static final class FailingStore implements HistoryStore {
        private final HistoryStore store;
        boolean fails;
        int failsAfter = Integer.MAX_VALUE;
        int calls;

        FailingStore(HistoryStore store) {
            this.store = store;
        }

        private HistoryStore store() throws HistoryException {
            calls++;
            if (fails) {
                throw new HistoryException("on demand");
            }
            return store;
        }

        @Override
        public void append(String series, List<HistoryEntry> entries) throws HistoryException {
            if (failsAfter-- <= 0) {
                throw new HistoryException("on demand");
            }
            store().append(series, entries);
        }

        @Override
        public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
            return store().read(series, from, to);
        }

        @Override
        public Optional<HistoryEntry> last(String series) throws HistoryException {
            return store().last(series);
        }

        @Override
        public void replace(String series, Instant before, List<HistoryEntry> entries) throws HistoryException {
            store().replace(series, before, entries);
        }

        @Override
        public Set<String> series() throws HistoryException {
            return store().series();
        }

        @Override
        public void remove(String series) throws HistoryException {
            store().remove(series);
        }

        @Override
        public void close() {
            // the test's
        }
    }
}
