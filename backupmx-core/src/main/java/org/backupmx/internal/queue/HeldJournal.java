package org.backupmx.internal.queue;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.spool.SpoolId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Keeps the entries of {@link HeldMail} over the end of the engine, in the series {@value #SERIES}; each line's time is
 * when the hold began, or ended. Lines of what is over go when there are more of them than entries. Thread-safe; blocks.
 *
 * <pre>
 *   held 3f-2a DEAD_LETTER 2026-12-30T08:15:00Z 550 5.1.1 No such user
 *   gone 3f-2a
 * </pre>
 */
final class HeldJournal {

    static final String SERIES = "held";

    /** How many lines of what is over may stand, beside as many as there are entries. */
    private static final int SPARE_LINES = 1_000;

    private static final Logger LOG = LoggerFactory.getLogger(HeldJournal.class);
    private static final Instant ALL = Instant.parse("9999-12-31T00:00:00Z");

    private final Optional<HistoryStore> store;
    private final Map<SpoolId, HeldMail.Entry> entries;
    private final EngineRuntime runtime;
    private final int most;
    private boolean restored; // guarded by this, as all the rest
    private boolean isUnread; // and told so
    private final Set<SpoolId> goneUnread = new HashSet<>(); // ended before what was kept could be read
    private long lines;

    HeldJournal(Optional<HistoryStore> store, Map<SpoolId, HeldMail.Entry> entries, EngineRuntime runtime, int most) {
        this.store = store;
        this.entries = entries;
        this.runtime = runtime;
        this.most = most;
        this.restored = store.isEmpty();
    }

    /** Takes up the entries, unless that is done; tells whether it did. What cannot be read is tried again with the next sweep. */
    synchronized boolean restore() {
        if (restored) {
            return false;
        }
        List<HistoryEntry> kept;
        try {
            kept = store.orElseThrow().read(SERIES, Instant.MIN, Instant.MAX);
        } catch (HistoryException e) {
            LOG.atLevel(isUnread ? Level.DEBUG : Level.ERROR)
                    .setCause(e)
                    .log("held mail not known, it stays held; tried again each minute");
            isUnread = true;
            return false;
        }
        if (isUnread) {
            LOG.atInfo().log("held mail known again");
        }
        Set<SpoolId> newer = new HashSet<>(entries.keySet());
        for (HistoryEntry line : kept) {
            try {
                restore(line, newer);
            } catch (IllegalArgumentException | DateTimeException | IndexOutOfBoundsException e) {
                LOG.atError().addKeyValue("line", line.text()).log("line about held mail not understood, left out");
            }
        }
        goneUnread.forEach(entries::remove);
        goneUnread.clear();
        lines = kept.size();
        restored = true;
        return true;
    }

    private void restore(HistoryEntry line, Set<SpoolId> newer) {
        String[] words = line.text().split(" ", 5);
        SpoolId id = new SpoolId(words[1]);
        if (newer.contains(id)) {
            return;
        }
        switch (words[0]) {
            case "held" -> {
                if (entries.size() < most || entries.containsKey(id)) {
                    entries.put(
                            id,
                            new HeldMail.Entry(
                                    id,
                                    HeldMail.Reason.valueOf(words[2]),
                                    line.at(),
                                    Instant.parse(words[3]),
                                    words[4]));
                }
            }
            case "gone" -> entries.remove(id);
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    synchronized void held(HeldMail.Entry entry) {
        goneUnread.remove(entry.id());
        append(line(entry));
    }

    synchronized void gone(SpoolId id) {
        if (!restored) {
            goneUnread.add(id);
        }
        append(new HistoryEntry(runtime.now(), "gone " + id));
    }

    private static HistoryEntry line(HeldMail.Entry entry) {
        return HistoryEntry.fitted(
                entry.since(),
                "held " + entry.id() + " " + entry.reason() + " " + entry.until() + " " + entry.detail());
    }

    private void append(HistoryEntry line) {
        if (store.isEmpty()) {
            return;
        }
        try {
            store.get().append(SERIES, List.of(line));
            lines++;
        } catch (HistoryException e) {
            LOG.atError().setCause(e).log("held mail not noted, it stays held after the next start");
        }
    }

    /** Writes the series anew if most of it is of what is over; never before all of it was read. */
    synchronized void shrink() {
        if (store.isEmpty() || !restored || lines <= 2L * entries.size() + SPARE_LINES) {
            return;
        }
        List<HistoryEntry> kept = new ArrayList<>();
        entries.values().forEach(entry -> kept.add(line(entry)));
        try {
            store.get().replace(SERIES, ALL, kept);
            lines = kept.size();
        } catch (HistoryException e) {
            LOG.atError().setCause(e).log("list of held mail not written anew");
        }
    }
}
