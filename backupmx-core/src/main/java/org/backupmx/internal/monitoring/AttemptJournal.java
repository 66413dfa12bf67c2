package org.backupmx.internal.monitoring;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps attempts over a restart, in the series {@value #SERIES}: a line {@code key count first letIn} at the time of the
 * last attempt that counts, {@code first} in seconds since 1970, {@code letIn} 0 or 1; the last line of a key is the one. Nothing
 * depends on it: what cannot be written or read is forgotten, and somebody tries once more. Thread-safe.
 */
final class AttemptJournal {

    static final String SERIES = "attempts";

    /** How often it is written. */
    static final Duration BEAT = Duration.ofSeconds(10);

    /** The most that one writing writes: a flood of spam is no flood of the disk. The rest is forgotten. */
    static final int MOST_UNWRITTEN = 10_000;

    /** The most that is kept when the series is written anew. */
    static final int MOST_KEPT = 100_000;

    /** With so many lines it is written anew. */
    static final int MOST_LINES = 2 * MOST_KEPT;

    private static final Logger LOG = LoggerFactory.getLogger(AttemptJournal.class);

    private final HistoryStore store;
    private final Map<ArrivalKey, Attempts> unwritten = new ConcurrentHashMap<>();
    private int lines; // guarded by this
    private boolean isFailing; // guarded by this

    AttemptJournal(HistoryStore store) {
        this.store = store;
    }

    private interface Work {
        void run() throws HistoryException;
    }

    /** Takes what is to be written. Never blocks. */
    void changed(ArrivalKey key, Attempts attempts) {
        if (unwritten.size() < MOST_UNWRITTEN) {
            unwritten.put(key, attempts);
        } else {
            unwritten.replace(key, attempts);
        }
    }

    /** Reads what is not too old, and drops the rest. Blocks. */
    synchronized void read(Instant now, BiConsumer<ArrivalKey, Attempts> known) {
        contained(() -> {
            store.replace(SERIES, now.minus(Attempts.KEEP), List.of());
            List<HistoryEntry> found = store.read(SERIES, Instant.MIN, now.plusSeconds(1));
            lines = found.size();
            Map<ArrivalKey, Attempts> last = new ConcurrentHashMap<>();
            for (HistoryEntry entry : found) {
                parse(entry, last);
            }
            last.forEach(known);
        });
    }

    private static void parse(HistoryEntry entry, Map<ArrivalKey, Attempts> into) {
        String[] parts = entry.text().split(" ", -1);
        try {
            into.put(
                    ArrivalKey.parse(parts[0]),
                    new Attempts(
                            Integer.parseInt(parts[1]),
                            Long.parseLong(parts[2]),
                            entry.at().getEpochSecond(),
                            parts[3].equals("1")));
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            LOG.atDebug().setCause(e).addKeyValue("line", entry.text()).log("line of a history passed over");
        }
    }

    /** Writes what has changed; the whole series anew when it has become long. Blocks. */
    synchronized void write(Instant now, Stream<Map.Entry<ArrivalKey, Attempts>> all) {
        List<HistoryEntry> fresh = new ArrayList<>();
        for (ArrivalKey key : List.copyOf(unwritten.keySet())) {
            Attempts attempts = unwritten.remove(key);
            if (attempts != null) {
                fresh.add(entry(key, attempts));
            }
        }
        if (fresh.isEmpty()) {
            return;
        }
        contained(() -> {
            store.append(SERIES, fresh);
            lines += fresh.size();
            if (lines > MOST_LINES) {
                writeAnew(now, all);
            }
        });
    }

    private void writeAnew(Instant now, Stream<Map.Entry<ArrivalKey, Attempts>> all) throws HistoryException {
        Instant end = now.plusSeconds(1); // an entry of this very second among them
        List<HistoryEntry> kept = all.filter(known -> known.getValue().last() < end.getEpochSecond())
                .sorted(Comparator.comparingLong(known -> -known.getValue().last()))
                .limit(MOST_KEPT)
                .map(known -> entry(known.getKey(), known.getValue()))
                .toList();
        store.replace(SERIES, end, kept);
        lines = kept.size();
    }

    private static HistoryEntry entry(ArrivalKey key, Attempts attempts) {
        return new HistoryEntry(
                Instant.ofEpochSecond(attempts.last()),
                key + " " + attempts.count() + " " + attempts.first() + (attempts.isLetIn() ? " 1" : " 0"));
    }

    /** A store that fails is told of once. */
    private void contained(Work work) {
        try {
            work.run();
            isFailing = false;
        } catch (HistoryException | RuntimeException e) {
            if (!isFailing) {
                LOG.atWarn().setCause(e).addKeyValue("series", SERIES).log("history failed, attempts are forgotten");
            }
            isFailing = true;
        }
    }
}
