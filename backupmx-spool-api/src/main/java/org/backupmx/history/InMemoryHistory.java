package org.backupmx.history;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Series in memory, each bounded; the monitor guards all. */
final class InMemoryHistory implements HistoryStore {

    private static final int MOST_ENTRIES = 10_000_000;

    private final int maxEntries;
    private final Map<String, Deque<HistoryEntry>> all = new HashMap<>();
    private boolean closed;

    InMemoryHistory(int maxEntries) {
        if (maxEntries < 1 || maxEntries > MOST_ENTRIES) {
            throw new IllegalArgumentException("maxEntries: " + maxEntries + " (expected: 1 to " + MOST_ENTRIES + ")");
        }
        this.maxEntries = maxEntries;
    }

    private void check(String series) throws HistoryException {
        HistoryStore.checkSeries(series);
        checkOpen();
    }

    private void checkOpen() throws HistoryException {
        if (closed) {
            throw new HistoryException("the history is closed");
        }
    }

    @Override
    public synchronized void append(String series, List<HistoryEntry> entries) throws HistoryException {
        check(series);
        put(series, all.getOrDefault(series, new ArrayDeque<>()), List.copyOf(entries));
    }

    private void put(String series, Deque<HistoryEntry> kept, List<HistoryEntry> more) {
        kept.addAll(more);
        while (kept.size() > maxEntries) {
            kept.removeFirst();
        }
        if (kept.isEmpty()) {
            all.remove(series);
        } else {
            all.put(series, kept);
        }
    }

    @Override
    public synchronized List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
        check(series);
        requireNonNull(from, "from");
        requireNonNull(to, "to");
        return all.getOrDefault(series, new ArrayDeque<>()).stream()
                .filter(entry -> !entry.at().isBefore(from) && entry.at().isBefore(to))
                .toList();
    }

    @Override
    public synchronized Optional<HistoryEntry> last(String series) throws HistoryException {
        check(series);
        return Optional.ofNullable(all.get(series)).map(Deque::getLast);
    }

    @Override
    public synchronized void replace(String series, Instant before, List<HistoryEntry> entries)
            throws HistoryException {
        check(series);
        Deque<HistoryEntry> kept = new ArrayDeque<>(HistoryStore.checkReplacement(before, entries));
        put(series, kept, read(series, before, Instant.MAX));
    }

    @Override
    public synchronized Set<String> series() throws HistoryException {
        checkOpen();
        return Set.copyOf(all.keySet());
    }

    @Override
    public synchronized void remove(String series) throws HistoryException {
        check(series);
        all.remove(series);
    }

    @Override
    public synchronized void close() {
        closed = true;
        all.clear();
    }
}
