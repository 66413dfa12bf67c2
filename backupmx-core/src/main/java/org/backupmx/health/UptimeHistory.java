package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.UnaryOperator;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The history of primaries' health in a {@link HistoryStore}: each change and each probe, and reports of them. Probes are
 * kept one by one for 30 days, then as sums of 5 minutes up to 90 days and of hours up to 400; changes for 400 days. What
 * the lines look like is told in {@code docs/health.md}.
 *
 * <p>A store belongs to one engine: several that record the same primary into one would contradict each other.
 *
 * <p>Recording never blocks: it puts a line into a queue of {@link #MAX_QUEUED}, which a worker writes in batches of up to 1,000. While
 * the store fails, lines wait for the next one to be recorded; what does not fit any more is lost, probes first, and
 * counted. A failing store is logged once, and once when it works again. Asking and {@link #rollUp} block, and write what
 * is queued first. Thread-safe.
 */
public final class UptimeHistory implements AutoCloseable {

    /** The most lines that wait to be written: {@value}. */
    public static final int MAX_QUEUED = 10_000;

    /** The longest name of a primary: 192 characters. */
    public static final int MAX_NAME_CHARS = HistoryStore.MAX_SERIES_CHARS - UptimeLines.STATES.length();

    private static final int BATCH = 1_000;
    private static final Logger LOG = LoggerFactory.getLogger(UptimeHistory.class);

    private record Line(String primary, boolean probe, HistoryEntry entry) {
        String series() {
            return (probe ? UptimeLines.PROBES : UptimeLines.STATES) + primary;
        }
    }

    private final HistoryStore store;
    private final Executor workers;
    private final InstantSource clock;

    /** Guarded by itself, as are the three behind it. */
    private final Deque<Line> queue = new ArrayDeque<>();

    private boolean scheduled;
    private boolean closed;
    private long lost;

    /** Held by who writes; it may be held for long. */
    private final Object writing = new Object();

    /** The primaries that this engine watches; guarded by {@link #writing}. */
    private final Set<String> watched = new LinkedHashSet<>();

    /** Guarded by {@link #writing}. */
    private boolean failing;

    /**
     * Makes a history over a store. Nothing is written before something is recorded.
     *
     * @param store where to keep it; stays open when the history is closed
     * @param workers what runs the writing, which blocks
     * @param clock what tells the time
     */
    public UptimeHistory(HistoryStore store, Executor workers, InstantSource clock) {
        this.store = requireNonNull(store, "store");
        this.workers = requireNonNull(workers, "workers");
        this.clock = requireNonNull(clock, "clock");
    }

    /**
     * Records a change of health. Never blocks.
     *
     * @param primary its name, such as {@code mail.example.org:25}: 1 to {@link #MAX_NAME_CHARS} printable ASCII
     *     characters
     * @param change the change
     * @throws IllegalArgumentException if the name has another form
     */
    public void changed(String primary, HealthChange change) {
        add(new Line(check(primary), false, UptimeLines.changed(requireNonNull(change, "change"))));
    }

    /**
     * Records the result of a probe. Never blocks.
     *
     * @param primary its name, as in {@link #changed}
     * @param at when the probe ended
     * @param good whether it succeeded
     * @param took how long it took
     * @param reason why it failed, for operators; not kept if it succeeded
     * @throws IllegalArgumentException if the name has another form
     */
    public void probed(String primary, Instant at, boolean good, Duration took, String reason) {
        add(new Line(check(primary), true, UptimeLines.probed(at, good, took, requireNonNull(reason, "reason"))));
    }

    /**
     * Records that a primary is watched no longer, so that its last health is not taken to go on. Never blocks. Closing
     * does the same for all.
     *
     * @param primary its name, as in {@link #changed}
     * @throws IllegalArgumentException if the name has another form
     */
    public void stopped(String primary) {
        add(new Line(check(primary), false, UptimeLines.stopped(clock.instant())));
    }

    private static String check(String primary) {
        if (primary.isEmpty() || primary.length() > MAX_NAME_CHARS) {
            throw new IllegalArgumentException(
                    "primary: " + primary.length() + " characters (expected: 1 to " + MAX_NAME_CHARS + ")");
        }
        HistoryStore.checkSeries(UptimeLines.STATES + primary);
        return primary;
    }

    private void add(Line line) {
        synchronized (queue) {
            if (closed) {
                return;
            }
            if (queue.size() >= MAX_QUEUED) {
                lost++;
                if (line.probe) {
                    return;
                }
                dropOne();
            }
            queue.addLast(line);
            if (scheduled) {
                return;
            }
            scheduled = true;
        }
        try {
            workers.execute(this::work);
        } catch (RejectedExecutionException e) {
            synchronized (queue) {
                scheduled = false; // the next one tries again, or the close
            }
        }
    }

    private void dropOne() {
        for (Iterator<Line> oldest = queue.iterator(); oldest.hasNext(); ) {
            if (oldest.next().probe) {
                oldest.remove();
                return;
            }
        }
        queue.removeFirst();
    }

    private void work() {
        synchronized (queue) {
            scheduled = false;
        }
        try {
            write();
        } catch (HistoryException e) {
            // told; the lines wait
        }
    }

    /** Writes what is queued. */
    private void write() throws HistoryException {
        synchronized (writing) {
            for (Map<String, List<Line>> batch = take(); !batch.isEmpty(); batch = take()) {
                try {
                    write(batch);
                    tell(null);
                } catch (HistoryException | RuntimeException e) {
                    putBack(batch);
                    tell(e);
                    throw e;
                }
            }
        }
    }

    /** Takes lines out of the queue, series by series. */
    private Map<String, List<Line>> take() {
        Map<String, List<Line>> batch = new LinkedHashMap<>();
        synchronized (queue) {
            for (int i = 0; i < BATCH && !queue.isEmpty(); i++) {
                Line line = queue.removeFirst();
                batch.computeIfAbsent(line.series(), series -> new ArrayList<>())
                        .add(line);
            }
        }
        return batch;
    }

    private void putBack(Map<String, List<Line>> batch) {
        List<Line> lines = batch.values().stream().flatMap(List::stream).toList();
        synchronized (queue) {
            for (int i = lines.size() - 1; i >= 0; i--) {
                queue.addFirst(lines.get(i));
            }
        }
    }

    /** Writes a batch, and takes out of it what is written. */
    private void write(Map<String, List<Line>> batch) throws HistoryException {
        Iterator<Map.Entry<String, List<Line>>> left = batch.entrySet().iterator();
        while (left.hasNext()) {
            Map.Entry<String, List<Line>> one = left.next();
            List<Line> lines = one.getValue();
            watch(lines.get(0));
            store.append(one.getKey(), lines.stream().map(Line::entry).toList());
            left.remove();
            Line last = lines.get(lines.size() - 1);
            if (!last.probe && UptimeLines.isStopped(last.entry)) {
                watched.remove(last.primary);
            }
        }
    }

    private void tell(@Nullable Exception failure) {
        if (failure != null && !failing) {
            LOG.atWarn().setCause(failure).log("uptime history cannot be written");
        } else if (failure == null && failing) {
            LOG.atInfo().addKeyValue("lost", lost()).log("uptime history is written again");
        }
        failing = failure != null;
    }

    /** Notes that this engine watches a primary, and until when the one before did if it did not say so itself. */
    private void watch(Line first) throws HistoryException {
        if (watched.contains(first.primary)) {
            return;
        }
        Optional<HistoryEntry> before = store.last(UptimeLines.STATES + first.primary);
        boolean ended = before.map(UptimeLines::isStopped).orElse(true);
        Instant at = first.entry.at();
        HistoryEntry started =
                ended ? UptimeLines.started(at) : UptimeLines.started(at, lastKnown(first.primary, before.get()));
        store.append(UptimeLines.STATES + first.primary, List.of(started));
        watched.add(first.primary);
    }

    private Instant lastKnown(String primary, HistoryEntry change) throws HistoryException {
        Optional<HistoryEntry> probe = store.last(UptimeLines.PROBES + primary);
        return probe.map(HistoryEntry::at).filter(change.at()::isBefore).orElse(change.at());
    }

    /**
     * Returns how a primary was. May block.
     *
     * @param primary its name, as in {@link #changed}
     * @param from the beginning
     * @param to the end, after {@code from} and at most {@link UptimeReport#MAX_LENGTH} later; may be in the future
     * @return the report; without spans if nothing is known
     * @throws IllegalArgumentException if the name has another form or the span of time is empty or too long
     * @throws HistoryException if the store cannot be written or read
     */
    public UptimeReport report(String primary, Instant from, Instant to) throws HistoryException {
        String series = UptimeLines.STATES + check(primary);
        UptimeReport.checkSpan(from, to);
        boolean live;
        List<HistoryEntry> lines;
        synchronized (writing) {
            write();
            live = watched.contains(primary);
            lines = store.read(series, Instant.MIN, Instant.MAX);
        }
        if (lines.isEmpty()) {
            return new UptimeReport(primary, from, to, List.of(), false);
        }
        Instant end = live ? clock.instant() : lastKnown(primary, lines.get(lines.size() - 1));
        List<UptimeSpan> all = UptimeTimeline.of(lines, end);
        List<UptimeSpan> within = UptimeTimeline.cut(all, from, to);
        boolean ongoing = false;
        if (!within.isEmpty()) {
            UptimeSpan last = all.get(all.size() - 1);
            boolean isLast = last.to().equals(within.get(within.size() - 1).to());
            ongoing = isLast ? live && last.to().equals(end) : all.stream().anyMatch(span -> goesOver(span, to));
        }
        return new UptimeReport(primary, from, to, within, ongoing);
    }

    private static boolean goesOver(UptimeSpan span, Instant end) {
        return span.from().isBefore(end) && end.isBefore(span.to());
    }

    /**
     * Returns the probes of a primary. May block.
     *
     * @param primary its name, as in {@link #changed}
     * @param from the earliest
     * @param to the end, itself not in it
     * @return one for each probe, or for each span where they were summed up; by time
     * @throws IllegalArgumentException if the name has another form
     * @throws HistoryException if the store cannot be written or read
     */
    public List<ProbeSummary> probes(String primary, Instant from, Instant to) throws HistoryException {
        String series = UptimeLines.PROBES + check(primary);
        write();
        return store.read(series, from, to).stream()
                .flatMap(line -> UptimeLines.probes(line).stream())
                .sorted(Comparator.comparing(ProbeSummary::from))
                .toList();
    }

    /**
     * Returns the primaries of which something is known. May block.
     *
     * @return their names, sorted
     * @throws HistoryException if the store cannot be written or read
     */
    public Set<String> primaries() throws HistoryException {
        write();
        Set<String> names = new TreeSet<>();
        for (String series : store.series()) {
            if (series.startsWith(UptimeLines.STATES)) {
                names.add(series.substring(UptimeLines.STATES.length()));
            }
        }
        return names;
    }

    /**
     * Sums old probes up and drops what is too old. To be called about once a day; a series in which something changes
     * is written anew. Blocks, for longer the more primaries there are.
     *
     * @throws HistoryException if the store cannot be read or written; what is done is done
     */
    public void rollUp() throws HistoryException {
        ProbeRollUp rollUp = new ProbeRollUp(clock.instant());
        for (String series : new TreeSet<>(store.series())) {
            if (series.startsWith(UptimeLines.PROBES)) {
                replaceOld(series, rollUp.rawFrom(), rollUp::probes);
            } else if (series.startsWith(UptimeLines.STATES)) {
                replaceOld(series, rollUp.keptFrom(), ProbeRollUp::states);
            }
        }
    }

    private void replaceOld(String series, Instant before, UnaryOperator<List<HistoryEntry>> change)
            throws HistoryException {
        synchronized (writing) {
            List<HistoryEntry> old = store.read(series, Instant.MIN, before);
            List<HistoryEntry> kept = change.apply(old);
            if (!kept.equals(old)) {
                store.replace(series, before, kept);
            }
        }
    }

    /**
     * Returns how many lines were lost, since the queue was full.
     *
     * @return a number of lines
     */
    public long lost() {
        synchronized (queue) {
            return lost;
        }
    }

    /**
     * Writes what is queued, and that the engine watches no longer. What is recorded later is dropped. A second call
     * does nothing.
     *
     * @throws HistoryException if the store cannot be written
     */
    @Override
    public void close() throws HistoryException {
        synchronized (queue) {
            if (closed) {
                return;
            }
            closed = true;
        }
        synchronized (writing) {
            write();
            for (String primary : watched) {
                store.append(UptimeLines.STATES + primary, List.of(UptimeLines.stopped(clock.instant())));
            }
            watched.clear();
        }
    }
}
