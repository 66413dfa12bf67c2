package org.backupmx.health;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.backupmx.history.HistoryEntry;

/**
 * The lines of an uptime history. Each primary has two series; a line that is none of these is passed over.
 *
 * <pre>
 *   primary NAME
 *     started                                       an engine begins to watch it
 *     started known-until=TIME                      the same, and the one before ended without a word, after TIME
 *     changed FROM TO CAUSE                         a change of its health
 *     stopped                                       the engine watches it no longer
 *   probes NAME
 *     good MILLIS                                   a probe and how long it took
 *     failed MILLIS REASON
 *     5min good=N failed=N total=MILLIS max=MILLIS  probes of 5 minutes that begin at the line's time;
 *     1h good=N failed=N total=MILLIS max=MILLIS    total and max are of the good ones
 * </pre>
 */
final class UptimeLines {

    static final String STATES = "primary ";
    static final String PROBES = "probes ";

    private static final String STARTED = "started";
    private static final String KNOWN_UNTIL = STARTED + " known-until=";
    private static final String STOPPED = "stopped";
    private static final Pattern CHANGED = Pattern.compile("changed (\\w+) (\\w+) ?(.*)");
    private static final Pattern GOOD = Pattern.compile("good (\\d{1,12})");
    private static final Pattern FAILED = Pattern.compile("failed \\d{1,12} .*");
    private static final Pattern ROLLED_UP =
            Pattern.compile("(5min|1h) good=(\\d{1,9}) failed=(\\d{1,9}) total=(\\d{1,18}) max=(\\d{1,18})");

    private UptimeLines() {}

    static HistoryEntry started(Instant at) {
        return new HistoryEntry(at, STARTED);
    }

    static HistoryEntry started(Instant at, Instant knownUntil) {
        return new HistoryEntry(at, KNOWN_UNTIL + knownUntil);
    }

    static HistoryEntry stopped(Instant at) {
        return new HistoryEntry(at, STOPPED);
    }

    static HistoryEntry changed(HealthChange change) {
        return HistoryEntry.fitted(change.at(), "changed " + change.from() + " " + change.to() + " " + change.cause());
    }

    static HistoryEntry probed(Instant at, boolean good, Duration took, String reason) {
        long millis = Math.max(0, took.toMillis());
        return HistoryEntry.fitted(at, good ? "good " + millis : "failed " + millis + " " + reason);
    }

    static HistoryEntry rolledUp(ProbeSummary sum) {
        return new HistoryEntry(
                sum.from(),
                (sum.span().equals(ProbeSummary.HOUR) ? "1h" : "5min") + " good=" + sum.good() + " failed="
                        + sum.failed() + " total=" + sum.total().toMillis() + " max="
                        + sum.largest().toMillis());
    }

    static boolean isStarted(HistoryEntry entry) {
        return entry.text().equals(STARTED) || entry.text().startsWith(KNOWN_UNTIL);
    }

    /** Returns until when the engine before is known to have watched, empty if it said when it ended. */
    static Optional<Instant> knownUntil(HistoryEntry started) {
        if (!started.text().startsWith(KNOWN_UNTIL)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Instant.parse(started.text().substring(KNOWN_UNTIL.length())));
        } catch (DateTimeException e) {
            return Optional.of(Instant.MIN); // not by us: then nothing is known
        }
    }

    static boolean isStopped(HistoryEntry entry) {
        return entry.text().equals(STOPPED);
    }

    static Optional<HealthChange> change(HistoryEntry entry) {
        Matcher parts = CHANGED.matcher(entry.text());
        if (!parts.matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new HealthChange(
                    PrimaryHealth.valueOf(parts.group(1)),
                    PrimaryHealth.valueOf(parts.group(2)),
                    entry.at(),
                    parts.group(3)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    static Optional<ProbeSummary> probes(HistoryEntry entry) {
        Matcher good = GOOD.matcher(entry.text());
        if (good.matches()) {
            Duration took = millis(good.group(1));
            return Optional.of(new ProbeSummary(entry.at(), Duration.ZERO, 1, 0, took, took));
        }
        if (FAILED.matcher(entry.text()).matches()) {
            return Optional.of(new ProbeSummary(entry.at(), Duration.ZERO, 0, 1, Duration.ZERO, Duration.ZERO));
        }
        Matcher many = ROLLED_UP.matcher(entry.text());
        if (!many.matches()) {
            return Optional.empty();
        }
        return Optional.of(new ProbeSummary(
                entry.at(),
                many.group(1).equals("1h") ? ProbeSummary.HOUR : ProbeSummary.FIVE_MINUTES,
                Integer.parseInt(many.group(2)),
                Integer.parseInt(many.group(3)),
                millis(many.group(4)),
                millis(many.group(5))));
    }

    private static Duration millis(String digits) {
        return Duration.ofMillis(Long.parseLong(digits));
    }
}
