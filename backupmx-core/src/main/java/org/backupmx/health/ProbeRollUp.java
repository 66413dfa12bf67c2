package org.backupmx.health;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.backupmx.history.HistoryEntry;

/**
 * What becomes of old lines: probes are kept one by one for 30 days, as 5 minutes for 90, as hours for 400; changes of
 * health for 400 days, and the last one before that, which tells the state at its end. Ends are on the hour.
 */
final class ProbeRollUp {

    private static final Duration ONE_BY_ONE = Duration.ofDays(30);
    private static final Duration AS_FIVE_MINUTES = Duration.ofDays(90);
    private static final Duration KEPT = Duration.ofDays(400);

    private final Instant rawFrom;
    private final Instant fiveMinutesFrom;
    private final Instant keptFrom;

    ProbeRollUp(Instant now) {
        Instant hour = now.truncatedTo(ChronoUnit.HOURS);
        rawFrom = hour.minus(ONE_BY_ONE);
        fiveMinutesFrom = hour.minus(AS_FIVE_MINUTES);
        keptFrom = hour.minus(KEPT);
    }

    /** Returns from when on probes stay as they are. */
    Instant rawFrom() {
        return rawFrom;
    }

    /** Returns from when on changes stay as they are. */
    Instant keptFrom() {
        return keptFrom;
    }

    /** Returns what is kept of probes before {@link #rawFrom}. */
    List<HistoryEntry> probes(List<HistoryEntry> old) {
        Map<Instant, ProbeSummary> hours = new TreeMap<>();
        Map<Instant, ProbeSummary> fiveMinutes = new TreeMap<>();
        for (HistoryEntry entry : old) {
            Optional<ProbeSummary> sum = UptimeLines.probes(entry);
            if (sum.isEmpty() || entry.at().isBefore(keptFrom)) {
                continue;
            }
            boolean hourly =
                    entry.at().isBefore(fiveMinutesFrom) || sum.get().span().equals(ProbeSummary.HOUR);
            if (hourly) {
                add(hours, sum.get(), ProbeSummary.HOUR);
            } else {
                add(fiveMinutes, sum.get(), ProbeSummary.FIVE_MINUTES);
            }
        }
        List<HistoryEntry> kept = new ArrayList<>();
        hours.values().forEach(sum -> kept.add(UptimeLines.rolledUp(sum)));
        fiveMinutes.values().forEach(sum -> kept.add(UptimeLines.rolledUp(sum)));
        return kept;
    }

    private static void add(Map<Instant, ProbeSummary> spans, ProbeSummary sum, Duration length) {
        long millis = length.toMillis();
        Instant begin = Instant.ofEpochMilli(Math.floorDiv(sum.from().toEpochMilli(), millis) * millis);
        ProbeSummary empty = new ProbeSummary(begin, length, 0, 0, Duration.ZERO, Duration.ZERO);
        spans.merge(begin, empty.plus(sum, length), (a, b) -> a.plus(b, length));
    }

    /** Returns what is kept of changes before {@link #keptFrom}. */
    static List<HistoryEntry> states(List<HistoryEntry> old) {
        if (old.isEmpty() || UptimeLines.isStopped(old.get(old.size() - 1))) {
            return List.of();
        }
        return old.subList(old.size() - 1, old.size());
    }
}
