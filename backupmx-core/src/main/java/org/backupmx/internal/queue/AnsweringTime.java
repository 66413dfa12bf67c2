package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.backupmx.health.UptimeReport;
import org.backupmx.health.UptimeSpan;
import org.backupmx.history.HistoryException;
import org.backupmx.relay.NextHop;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How long the primary of a lane has answered, by its history, which is read once in {@link #FRESH}. Time that the history
 * does not know is not counted: mail lives longer by it. Blocks while the history is read; thread-safe.
 */
final class AnsweringTime {

    private static final Duration FRESH = Duration.ofMinutes(5);

    /** How far back it is read: as far as a history goes. */
    private static final Duration REACH = Duration.ofDays(400);

    private static final Logger LOG = LoggerFactory.getLogger(AnsweringTime.class);

    private final PrimaryHistory history;
    private final Supplier<Optional<List<NextHop>>> primary;
    private @Nullable UptimeReport known; // guarded by this

    /**
     * Makes what asks a history.
     *
     * @param history of all primaries
     * @param primary the next hops of the lane's primary, empty while they are not known
     */
    AnsweringTime(PrimaryHistory history, Supplier<Optional<List<NextHop>>> primary) {
        this.history = history;
        this.primary = primary;
    }

    /** Returns how long the primary answered between two instants. */
    synchronized Duration between(Instant from, Instant to) {
        refresh(to);
        UptimeReport report = known;
        if (report == null) {
            return Duration.ZERO;
        }
        Duration sum = Duration.ZERO;
        for (UptimeSpan span : report.spans()) {
            boolean goesOn = report.ongoing() && span.to().equals(report.to());
            Instant begin = span.from().isBefore(from) ? from : span.from();
            Instant end = goesOn || span.to().isAfter(to) ? to : span.to();
            if (span.isAnswering() && begin.isBefore(end)) {
                sum = sum.plus(Duration.between(begin, end));
            }
        }
        return sum;
    }

    private void refresh(Instant now) {
        UptimeReport last = known;
        if (last != null && now.isBefore(last.to().plus(FRESH)) && !now.isBefore(last.to())) {
            return;
        }
        try {
            Optional<List<NextHop>> hops = primary.get();
            if (hops.isPresent()) {
                known = history.report(hops.get(), now.minus(REACH), now);
            }
        } catch (HistoryException | IllegalStateException e) {
            LOG.atWarn().setCause(e).log("history of a primary not read, no lifetime counts meanwhile");
        }
    }
}
