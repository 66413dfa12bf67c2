package org.backupmx.health;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.history.HistoryEntry;

/**
 * Makes spans of the lines of a primary. Not thread-safe.
 *
 * <p>Between an engine's end and the next one's start nothing is known; neither is the time before a change that does
 * not begin with what was known before, since then a line is missing. Where the clock was set back, the later line
 * counts.
 */
final class UptimeTimeline {

    private final List<UptimeSpan> spans = new ArrayList<>();
    private PrimaryHealth health = PrimaryHealth.UNKNOWN;
    private Instant since = Instant.MIN;
    private String cause = "";

    /**
     * Returns what is known.
     *
     * @param lines of the series of changes, all
     * @param end until when the last state is known to have lasted
     */
    static List<UptimeSpan> of(List<HistoryEntry> lines, Instant end) {
        UptimeTimeline timeline = new UptimeTimeline();
        lines.forEach(timeline::take);
        timeline.until(end);
        return timeline.spans;
    }

    /** Returns what lies between two instants. */
    static List<UptimeSpan> cut(List<UptimeSpan> spans, Instant from, Instant to) {
        List<UptimeSpan> within = new ArrayList<>();
        for (UptimeSpan span : spans) {
            Instant begin = span.from().isBefore(from) ? from : span.from();
            Instant end = span.to().isAfter(to) ? to : span.to();
            if (begin.isBefore(end)) {
                within.add(new UptimeSpan(begin, end, span.health(), span.cause()));
            }
        }
        return within;
    }

    private void take(HistoryEntry line) {
        Optional<HealthChange> change = UptimeLines.change(line);
        if (change.isPresent()) {
            boolean follows = change.get().from() == health;
            become(
                    change.get().to(),
                    line.at(),
                    follows ? line.at() : since,
                    change.get().cause());
        } else if (UptimeLines.isStarted(line)) {
            Instant known = UptimeLines.knownUntil(line).orElse(line.at());
            become(PrimaryHealth.UNKNOWN, line.at(), known.isBefore(line.at()) ? known : line.at(), "");
        } else if (UptimeLines.isStopped(line)) {
            become(PrimaryHealth.UNKNOWN, line.at(), line.at(), "");
        }
    }

    private void become(PrimaryHealth next, Instant at, Instant knownUntil, String why) {
        until(knownUntil);
        forget(at);
        health = next;
        since = at;
        cause = why;
    }

    /** Ends the state that lasts. */
    private void until(Instant end) {
        if (health != PrimaryHealth.UNKNOWN && since.isBefore(end)) {
            spans.add(new UptimeSpan(since, end, health, cause));
        }
    }

    /** Drops what was noted of the time from an instant on. */
    private void forget(Instant from) {
        while (!spans.isEmpty() && from.isBefore(spans.get(spans.size() - 1).to())) {
            UptimeSpan last = spans.remove(spans.size() - 1);
            if (last.from().isBefore(from)) {
                spans.add(new UptimeSpan(last.from(), from, last.health(), last.cause()));
            }
        }
    }
}
