package org.backupmx.internal.queue;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes to a series of a store what is known by key, each key's lines again when they change and once a day, and the
 * whole series anew when it has become long. Without a store it does nothing but forget what is old. No mail depends on
 * it: what cannot be written or read is forgotten. Thread-safe.
 */
final class KeptLines {

    /** Whose lines they are. */
    interface Owner {
        /** Takes a line that was written before, in the order of writing. */
        void read(HistoryEntry line) throws IOException;

        /** Returns the keys of all that is known. */
        Set<String> keys();

        /** Returns the lines of a key, none if it is known no more. */
        List<HistoryEntry> lines(String key);

        /** Forgets what was known last before an instant. */
        void forget(Instant before);
    }

    /** How long lines count. */
    static final Duration KEEP = Duration.ofDays(30);

    /** How often what stays the same is written. */
    static final Duration AGAIN = Duration.ofDays(1);

    /** With so many lines beyond twice what there was at the last time the series is written anew. */
    static final int MOST_EXTRA_LINES = 10_000;

    /** How soon a change is written, with all that come meanwhile. */
    private static final Duration BEAT = Duration.ofSeconds(10);

    private static final Duration FORGETTING = Duration.ofHours(1);

    private static final Logger LOG = LoggerFactory.getLogger(KeptLines.class);

    private final String series;
    private final @Nullable HistoryStore store;
    private final EngineRuntime runtime;
    private final Owner owner;
    private final Map<String, Instant> written = new ConcurrentHashMap<>(); // when a key's lines were written last
    private final Set<String> unwritten = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean isScheduled = new AtomicBoolean();
    private int lines; // guarded by this
    private int linesBefore; // at the start, or when the series was written anew; guarded by this
    private boolean isFailing; // guarded by this

    KeptLines(String series, Optional<HistoryStore> store, EngineRuntime runtime, Owner owner) {
        this.series = series;
        this.store = store.orElse(null);
        this.runtime = runtime;
        this.owner = owner;
    }

    /** Reads what was written before. Blocks. */
    void start() {
        if (store != null) {
            restore(store);
        }
        runtime.repeat(FORGETTING, () -> owner.forget(runtime.now().minus(KEEP)));
    }

    private synchronized void restore(HistoryStore open) {
        try {
            Instant oldest = runtime.now().minus(KEEP);
            open.replace(series, oldest, List.of());
            List<HistoryEntry> found = open.read(series, oldest, Instant.MAX);
            lines = found.size();
            linesBefore = lines;
            for (HistoryEntry line : found) {
                try {
                    owner.read(line);
                } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
                    LOG.atDebug().setCause(e).addKeyValue("line", line.text()).log("line of a history passed over");
                }
            }
        } catch (HistoryException e) {
            LOG.atWarn().setCause(e).addKeyValue("series", series).log("history not read, what it knew is forgotten");
        }
    }

    /** Takes that something is known, as of now; {@code isNews} if it is not what was known before. Never blocks. */
    void known(String key, boolean isNews) {
        if (store == null) {
            return;
        }
        Instant last = written.getOrDefault(key, Instant.MIN);
        if (isNews || !last.plus(AGAIN).isAfter(runtime.now())) {
            unwritten.add(key);
            if (isScheduled.compareAndSet(false, true)) {
                runtime.schedule(BEAT, this::write);
            }
        }
    }

    /** Writes what has changed. Blocks. */
    synchronized void write() {
        isScheduled.set(false);
        HistoryStore open = store;
        if (open == null || unwritten.isEmpty()) {
            return;
        }
        Instant now = runtime.now();
        List<HistoryEntry> fresh = new ArrayList<>();
        for (String key : List.copyOf(unwritten)) {
            unwritten.remove(key);
            written.put(key, now);
            fresh.addAll(owner.lines(key));
        }
        try {
            open.append(series, fresh);
            lines += fresh.size();
            if (lines > 2 * linesBefore + MOST_EXTRA_LINES) {
                writeAnew(open);
            }
            isFailing = false;
        } catch (HistoryException e) {
            if (!isFailing) {
                LOG.atWarn().setCause(e).addKeyValue("series", series).log("history failed, nothing new is kept");
            }
            isFailing = true;
        }
    }

    private void writeAnew(HistoryStore open) throws HistoryException {
        Set<String> keys = owner.keys();
        written.keySet().retainAll(keys);
        List<HistoryEntry> all =
                keys.stream().flatMap(key -> owner.lines(key).stream()).toList();
        Instant end = all.stream().map(HistoryEntry::at).max(Instant::compareTo).orElse(runtime.now());
        open.replace(series, end.plusMillis(1), all);
        lines = all.size();
        linesBefore = lines;
    }
}
