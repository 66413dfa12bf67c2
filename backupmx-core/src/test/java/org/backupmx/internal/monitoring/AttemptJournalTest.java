package org.backupmx.internal.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.junit.jupiter.api.Test;

class AttemptJournalTest {

    private static final Instant NOW = Instant.parse("2026-11-22T10:00:00Z");

    private final HistoryStore store = HistoryStore.inMemory(10_000_000);
    private final AttemptJournal journal = new AttemptJournal(store);

    private static ArrivalKey key(int i) {
        return new ArrivalKey(i * 0x9E3779B97F4A7C15L, -i);
    }

    private static Attempts attempts(int count, Duration first, Duration last) {
        return new Attempts(
                count, NOW.minus(first).getEpochSecond(), NOW.minus(last).getEpochSecond(), count == 3);
    }

    private Map<ArrivalKey, Attempts> read() {
        Map<ArrivalKey, Attempts> found = new HashMap<>();
        new AttemptJournal(store).read(NOW, found::put);
        return found;
    }

    private List<HistoryEntry> lines() throws HistoryException {
        return store.read(AttemptJournal.SERIES, Instant.MIN, Instant.MAX);
    }

    @Test
    void readsWhatItWrote() throws HistoryException {
        Map<ArrivalKey, Attempts> written = Map.of(
                key(1), attempts(1, Duration.ofHours(1), Duration.ofHours(1)),
                key(-2), attempts(3, Duration.ofHours(3), Duration.ZERO));
        written.forEach(journal::changed);
        journal.write(NOW, Stream.empty());
        assertThat(lines()).hasSize(2);
        assertThat(read()).isEqualTo(written);
        journal.write(NOW, Stream.empty());
        assertThat(lines()).as("once").hasSize(2);
    }

    @Test
    void theLastLineOfAKeyCountsAndOneBatchHasOne() throws HistoryException {
        journal.changed(key(1), attempts(1, Duration.ofHours(2), Duration.ofHours(2)));
        journal.write(NOW, Stream.empty());
        journal.changed(key(1), attempts(2, Duration.ofHours(2), Duration.ofHours(1)));
        journal.changed(key(1), attempts(3, Duration.ofHours(2), Duration.ZERO));
        journal.write(NOW, Stream.empty());
        assertThat(lines()).hasSize(2);
        assertThat(read()).containsOnly(Map.entry(key(1), attempts(3, Duration.ofHours(2), Duration.ZERO)));
    }

    @Test
    void whatIsOldIsDroppedAndWhatIsNoLineIsPassedOver() throws HistoryException {
        Attempts old = attempts(2, Duration.ofHours(60), Duration.ofHours(49));
        journal.changed(key(1), old);
        journal.changed(key(2), attempts(1, Duration.ofHours(47), Duration.ofHours(47)));
        journal.write(NOW, Stream.empty());
        for (String text : List.of("", "1 2 3", key(3) + " 1", key(3) + " one 2 0", key(3) + " 1 2 0".repeat(20))) {
            store.append(AttemptJournal.SERIES, List.of(new HistoryEntry(NOW.minusSeconds(1), text)));
        }
        assertThat(read().keySet()).contains(key(2)).doesNotContain(key(1));
        assertThat(lines()).hasSize(6);
    }

    @Test
    void aFloodIsNoFloodOfTheDisk() throws HistoryException {
        for (int i = 0; i < 3 * AttemptJournal.MOST_UNWRITTEN; i++) {
            journal.changed(key(i), attempts(1, Duration.ZERO, Duration.ZERO));
        }
        journal.changed(key(5), attempts(2, Duration.ZERO, Duration.ZERO));
        journal.write(NOW, Stream.empty());
        assertThat(lines()).hasSize(AttemptJournal.MOST_UNWRITTEN);
        assertThat(read()).containsEntry(key(5), attempts(2, Duration.ZERO, Duration.ZERO));
    }

    @Test
    void isWrittenAnewWhenItIsLong() throws HistoryException {
        Map<ArrivalKey, Attempts> all = new HashMap<>();
        for (int i = 0; i < AttemptJournal.MOST_KEPT + 20_000; i++) {
            all.put(key(i), attempts(1, Duration.ofSeconds(i / 2), Duration.ofSeconds(i / 2)));
        }
        int written = 0;
        for (int i = 0; written <= AttemptJournal.MOST_LINES; i++) {
            for (int n = 0; n < AttemptJournal.MOST_UNWRITTEN; n++) {
                journal.changed(key(n), attempts(2, Duration.ofSeconds(i), Duration.ofSeconds(i)));
            }
            written += AttemptJournal.MOST_UNWRITTEN;
            journal.write(NOW, all.entrySet().stream());
        }
        assertThat(lines()).hasSize(AttemptJournal.MOST_KEPT);
        Set<ArrivalKey> kept = read().keySet();
        assertThat(kept)
                .contains(key(0), key(AttemptJournal.MOST_KEPT - 2))
                .doesNotContain(key(AttemptJournal.MOST_KEPT + 2));
    }
}
