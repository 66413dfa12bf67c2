package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.junit.jupiter.api.Test;

/** H1 to H6: what holds for every {@link HistoryStore}. */
public interface HistoryStoreContract extends HistoryFixture {

    /** The time of the first entry of most tests. */
    Instant DAWN = Instant.parse("2026-11-22T12:00:00Z");

    /**
     * Makes an entry.
     *
     * @param second its time, in seconds from {@link #DAWN}
     * @param text its text
     * @return the entry
     */
    static HistoryEntry entry(int second, String text) {
        return new HistoryEntry(DAWN.plusSeconds(second), text);
    }

    /**
     * Makes entries, a second apart, whose texts are their numbers.
     *
     * @param first the first number, and second from {@link #DAWN}
     * @param end the number after the last one
     * @return the entries
     */
    static List<HistoryEntry> entries(int first, int end) {
        return IntStream.range(first, end)
                .mapToObj(i -> entry(i, Integer.toString(i)))
                .toList();
    }

    /**
     * Reads a whole series.
     *
     * @param store an open store
     * @param series its name
     * @return its entries
     * @throws HistoryException if that fails
     */
    static List<HistoryEntry> all(HistoryStore store, String series) throws HistoryException {
        return store.read(series, Instant.MIN, Instant.MAX);
    }

    @Test
    default void h1_1_entriesAreReadAsTheyWereAppended() throws Exception {
        List<HistoryEntry> entries = List.of(
                new HistoryEntry(Instant.parse("0000-01-01T00:00:00Z"), "first"),
                new HistoryEntry(Instant.parse("1969-12-31T23:59:59.999Z"), "before the epoch"),
                new HistoryEntry(DAWN.plusMillis(7), ""),
                new HistoryEntry(DAWN.plusMillis(7), " two  spaces, \"quotes\", back\\slash, comma, 'and' ; % "),
                new HistoryEntry(DAWN.plusMillis(8), "häßlich 郵便 \uD83D\uDCEB \u00A0 \uFFFD"),
                new HistoryEntry(DAWN.plusMillis(9), "x".repeat(HistoryEntry.MAX_TEXT_CHARS)),
                new HistoryEntry(DAWN.plusMillis(10), "郵".repeat(HistoryEntry.MAX_TEXT_CHARS)),
                new HistoryEntry(Instant.parse("9999-12-31T23:59:59.999Z"), "last"));
        try (HistoryStore store = newHistory()) {
            store.append("a", entries);
            assertThat(all(store, "a")).isEqualTo(entries);
        }
    }

    @Test
    default void h1_2_orderIsThatOfAppending() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 5));
            store.append("a", entries(5, 6));
            store.append("a", entries(6, 2_000));
            assertThat(all(store, "a")).isEqualTo(entries(0, 2_000));
        }
    }

    @Test
    default void h1_3_aSpanHasItsBeginningAndNotItsEnd() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 10));
            assertThat(store.read("a", DAWN.plusSeconds(3), DAWN.plusSeconds(6)))
                    .isEqualTo(entries(3, 6));
            assertThat(store.read("a", DAWN.plusMillis(3_001), DAWN.plusMillis(6_001)))
                    .isEqualTo(entries(4, 7));
            assertThat(store.read("a", DAWN.plusSeconds(8), Instant.MAX)).isEqualTo(entries(8, 10));
            assertThat(store.read("a", Instant.MIN, DAWN.plusSeconds(2))).isEqualTo(entries(0, 2));
            assertThat(store.read("a", DAWN.plusSeconds(4), DAWN.plusSeconds(4)))
                    .isEmpty();
            assertThat(store.read("a", DAWN.plusSeconds(6), DAWN.plusSeconds(4)))
                    .isEmpty();
        }
    }

    @Test
    default void h1_4_anEarlierTimeIsTakenAndStandsWhereItWasAppended() throws Exception {
        HistoryEntry back = entry(-3_600, "the clock was set back");
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 3));
            store.append("a", List.of(back, entry(3, "3")));
            assertThat(all(store, "a"))
                    .containsExactly(entry(0, "0"), entry(1, "1"), entry(2, "2"), back, entry(3, "3"));
            assertThat(store.read("a", Instant.MIN, DAWN.plusSeconds(1))).containsExactly(entry(0, "0"), back);
            assertThat(store.read("a", DAWN, Instant.MAX)).isEqualTo(entries(0, 4));
        }
    }

    @Test
    default void h1_5_equalEntriesAreKeptEach() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", Collections.nCopies(3, entry(1, "same")));
            store.append("a", List.of(entry(1, "same")));
            assertThat(all(store, "a")).isEqualTo(Collections.nCopies(4, entry(1, "same")));
        }
    }

    @Test
    default void h1_6_whatIsNotThereIsEmpty() throws Exception {
        try (HistoryStore store = newHistory()) {
            assertThat(all(store, "a")).isEmpty();
            assertThat(store.last("a")).isEmpty();
            assertThat(store.series()).isEmpty();
            store.append("a", List.of());
            assertThat(store.series()).isEmpty();
        }
    }

    @Test
    default void h1_7_lastIsWhatWasAppendedLast() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 3));
            assertThat(store.last("a")).contains(entry(2, "2"));
            store.append("a", List.of(entry(-9, "the clock was set back")));
            store.append("b", entries(7, 8));
            assertThat(store.last("a")).contains(entry(-9, "the clock was set back"));
            store.append("a", List.of(entry(4, "郵".repeat(HistoryEntry.MAX_TEXT_CHARS))));
            assertThat(store.last("a")).contains(entry(4, "郵".repeat(HistoryEntry.MAX_TEXT_CHARS)));
        }
    }

    @Test
    default void h1_8_whatWasReadStaysAsItIs() throws Exception {
        try (HistoryStore store = newHistory()) {
            List<HistoryEntry> given = new ArrayList<>(entries(0, 2));
            store.append("a", given);
            given.clear();
            List<HistoryEntry> read = all(store, "a");
            store.append("a", entries(2, 3));
            store.replace("a", DAWN.plusSeconds(2), List.of());
            assertThat(read).isEqualTo(entries(0, 2));
        }
    }

    @Test
    default void h2_1_whatIsEarlierIsReplacedAndTheRestStaysBehind() throws Exception {
        List<HistoryEntry> fewer = List.of(entry(1, "a"), entry(3, "b"));
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 8));
            store.append("b", entries(0, 8));
            store.replace("a", DAWN.plusSeconds(4), fewer);
            store.append("a", entries(8, 9));
            assertThat(all(store, "a").subList(0, 2)).isEqualTo(fewer);
            assertThat(all(store, "a").subList(2, 7)).isEqualTo(entries(4, 9));
            assertThat(store.last("a")).contains(entry(8, "8"));
            assertThat(all(store, "b")).isEqualTo(entries(0, 8));
        }
    }

    @Test
    default void h2_2_replacedIsByTheEntrysOwnTime() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", List.of(entry(1, "1"), entry(9, "9"), entry(2, "2"), entry(5, "5"), entry(4, "4")));
            store.replace("a", DAWN.plusSeconds(5), List.of(entry(0, "0")));
            assertThat(all(store, "a")).containsExactly(entry(0, "0"), entry(9, "9"), entry(5, "5"));
        }
    }

    @Test
    default void h2_3_aReplacementThatIsNotEarlierIsRefusedAndChangesNothing() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 3));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> store.replace("a", DAWN.plusSeconds(2), List.of(entry(0, "a"), entry(2, "b"))))
                    .withMessage("entries: 2026-11-22T12:00:02Z (expected: before 2026-11-22T12:00:02Z)");
            assertThat(all(store, "a")).isEqualTo(entries(0, 3));
        }
    }

    @Test
    default void h2_4_aSeriesThatIsNotThereIsMade() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.replace("a", DAWN.plusSeconds(9), entries(0, 3));
            assertThat(all(store, "a")).isEqualTo(entries(0, 3));
            store.replace("b", DAWN, List.of());
            assertThat(store.series()).containsExactly("a");
        }
    }

    @Test
    default void h2_5_aReplacementIsSeenWholeOrNotAtAll() throws Exception {
        int rounds = 30;
        try (HistoryStore store = newHistory()) {
            store.append("a", generation(0));
            AtomicInteger done = new AtomicInteger();
            Callable<Void> replacing = () -> {
                try {
                    for (int i = 1; i <= rounds; i++) {
                        store.replace("a", DAWN.plusSeconds(60), generation(i));
                    }
                } finally {
                    done.set(1);
                }
                return null;
            };
            Callable<Void> reading = () -> {
                do {
                    List<HistoryEntry> seen = all(store, "a");
                    assertThat(seen)
                            .isEqualTo(generation(Integer.parseInt(seen.get(0).text())));
                } while (done.get() == 0);
                return null;
            };
            runAll(List.of(replacing, reading, reading));
            assertThat(all(store, "a")).isEqualTo(generation(rounds));
        }
    }

    private static List<HistoryEntry> generation(int number) {
        return Collections.nCopies(50, entry(number, Integer.toString(number)));
    }

    @Test
    default void h3_1_everyNameIsASeriesOfItsOwn() throws Exception {
        List<String> names = new ArrayList<>(List.of(
                "primary mail.example.org:25",
                "primary mail.example.org:26",
                "primary Mail.example.org:25",
                "[2001:db8::1]:25",
                " ",
                "  ",
                "a ",
                ".",
                "..",
                "../a",
                "/",
                "a/b",
                "a%2Fb",
                "con",
                "lock",
                "*?\"<>|\\'$`",
                "%",
                "_",
                "x".repeat(HistoryStore.MAX_SERIES_CHARS),
                "x".repeat(HistoryStore.MAX_SERIES_CHARS - 1),
                "X".repeat(HistoryStore.MAX_SERIES_CHARS),
                "/".repeat(HistoryStore.MAX_SERIES_CHARS)));
        for (char c = ' '; c <= '~'; c++) {
            names.add("c" + c + "c");
        }
        try (HistoryStore store = newHistory()) {
            for (int i = 0; i < names.size(); i++) {
                store.append(names.get(i), entries(i, i + 2));
            }
            assertThat(store.series()).containsExactlyInAnyOrderElementsOf(names);
            for (int i = 0; i < names.size(); i++) {
                assertThat(all(store, names.get(i))).isEqualTo(entries(i, i + 2));
            }
        }
    }

    @Test
    default void h3_2_otherNamesAreRefused() throws Exception {
        try (HistoryStore store = newHistory()) {
            for (String name : List.of(
                    "",
                    "x".repeat(HistoryStore.MAX_SERIES_CHARS + 1),
                    "a\nb",
                    "\u0000",
                    "a\u007F",
                    "Bücher",
                    "\uD83D")) {
                assertRefused(() -> store.append(name, entries(0, 1)));
                assertRefused(() -> store.append(name, List.of()));
                assertRefused(() -> all(store, name));
                assertRefused(() -> store.last(name));
                assertRefused(() -> store.replace(name, DAWN.plusSeconds(9), entries(0, 1)));
                assertRefused(() -> store.remove(name));
            }
            assertThat(store.series()).isEmpty();
        }
    }

    private static void assertRefused(ThrowingCallable call) {
        assertThatIllegalArgumentException().isThrownBy(call).withMessageStartingWith("series: ");
    }

    @Test
    default void h3_3_aRemovedSeriesIsGoneAndMayBeginAgain() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 3));
            store.append("b", entries(0, 3));
            store.remove("a");
            store.remove("never there");
            assertThat(store.series()).containsExactly("b");
            assertThat(all(store, "a")).isEmpty();
            assertThat(store.last("a")).isEmpty();
            store.append("a", entries(4, 5));
            assertThat(all(store, "a")).isEqualTo(entries(4, 5));
        }
    }

    @Test
    default void h3_4_aSeriesWithoutEntriesIsGone() throws Exception {
        try (HistoryStore store = newHistory()) {
            store.append("a", entries(0, 3));
            store.replace("a", Instant.MAX, List.of());
            assertThat(store.series()).isEmpty();
            assertThat(all(store, "a")).isEmpty();
            store.append("a", entries(5, 7));
            assertThat(all(store, "a")).isEqualTo(entries(5, 7));
        }
    }

    @Test
    default void h4_1_whatWasAppendedFirstGoesWhenASeriesIsFull() throws Exception {
        needs(HistoryAbility.BOUNDED);
        try (HistoryStore store = newHistory(10)) {
            store.append("a", entries(0, 10));
            store.append("b", entries(0, 3));
            assertThat(all(store, "a")).isEqualTo(entries(0, 10));
            for (int i = 10; i < 100; i++) {
                store.append("a", entries(i, i + 1));
                assertThat(all(store, "a")).isEqualTo(entries(i - 9, i + 1));
            }
            assertThat(all(store, "b")).isEqualTo(entries(0, 3));
        }
    }

    @Test
    default void h4_2_moreAtOnceThanFitsLeavesItsEnd() throws Exception {
        needs(HistoryAbility.BOUNDED);
        try (HistoryStore store = newHistory(10)) {
            store.append("a", entries(0, 95));
            assertThat(all(store, "a")).isEqualTo(entries(85, 95));
            store.replace("a", DAWN.plusSeconds(90), entries(0, 50));
            assertThat(all(store, "a").subList(5, 10)).isEqualTo(entries(90, 95));
            assertThat(all(store, "a").subList(0, 5)).isEqualTo(entries(45, 50));
        }
    }

    @Test
    default void h5_1_aClosedStoreThrows() throws Exception {
        HistoryStore store = newHistory();
        store.append("a", entries(0, 3));
        store.close();
        store.close();
        assertClosed(() -> store.append("a", entries(3, 4)));
        assertClosed(() -> all(store, "a"));
        assertClosed(() -> store.last("a"));
        assertClosed(() -> store.replace("a", DAWN, List.of()));
        assertClosed(store::series);
        assertClosed(() -> store.remove("a"));
    }

    private static void assertClosed(ThrowingCallable call) {
        assertThatExceptionOfType(HistoryException.class).isThrownBy(call).withMessageContaining("closed");
    }

    @Test
    default void h5_2_manyThreadsLoseNothingAndKeepTheirOrder() throws Exception {
        try (HistoryStore store = newHistory()) {
            appendAtOnce(List.of(store));
        }
    }

    @Test
    default void h5_3_sharersLoseNothingAndKeepTheirOrder() throws Exception {
        needs(HistoryAbility.SHAREABLE);
        try (HistoryStore one = newHistory();
                HistoryStore other = share(one)) {
            appendAtOnce(List.of(one, other));
            one.replace("both", DAWN.plusSeconds(2), List.of());
            assertThat(all(other, "both")).hasSize(4 * 38);
            other.remove("both");
            assertThat(one.series()).doesNotContain("both");
        }
    }

    private static void appendAtOnce(List<HistoryStore> sharers) throws Exception {
        int threads = 4;
        int each = 40;
        List<Callable<Void>> work = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            String own = "own " + t;
            int number = t;
            HistoryStore store = sharers.get(t % sharers.size());
            work.add(() -> {
                for (int i = 0; i < each; i++) {
                    store.append("both", List.of(entry(i, number + " " + i)));
                    store.append(own, entries(i, i + 1));
                    store.last("both");
                    store.series();
                }
                return null;
            });
        }
        runAll(work);
        HistoryStore store = sharers.get(0);
        List<HistoryEntry> both = all(store, "both");
        assertThat(both).hasSize(threads * each);
        for (int t = 0; t < threads; t++) {
            String mine = t + " ";
            assertThat(both.stream().map(HistoryEntry::text).filter(text -> text.startsWith(mine)))
                    .containsExactlyElementsOf(
                            IntStream.range(0, each).mapToObj(i -> mine + i).toList());
            assertThat(all(store, "own " + t)).isEqualTo(entries(0, each));
        }
    }

    private static void runAll(List<Callable<Void>> work) throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(work.size());
        try {
            List<Future<Void>> futures = work.stream().map(workers::submit).toList();
            for (Future<Void> future : futures) {
                future.get(90, TimeUnit.SECONDS);
            }
        } finally {
            workers.shutdownNow();
        }
    }

    @Test
    default void h6_1_everythingOutlivesAClose() throws Exception {
        needs(HistoryAbility.PERSISTENT);
        HistoryStore store = fill(newHistory());
        store.close();
        try (HistoryStore again = reopen(store)) {
            assertFilled(again);
        }
    }

    @Test
    default void h6_2_whatWasAppendedOutlivesTheProcess() throws Exception {
        needs(HistoryAbility.KILLABLE);
        try (HistoryStore again = kill(fill(newHistory()))) {
            assertFilled(again);
        }
    }

    private static HistoryStore fill(HistoryStore store) throws HistoryException {
        store.append("a", entries(0, 20));
        store.replace("a", DAWN.plusSeconds(10), List.of(entry(9, "all")));
        store.append("a", entries(20, 21));
        store.append("b/c", List.of(entry(5, "later"), entry(3, "earlier")));
        store.append("gone", entries(0, 2));
        store.remove("gone");
        store.append("emptied", entries(0, 2));
        store.replace("emptied", Instant.MAX, List.of());
        return store;
    }

    private static void assertFilled(HistoryStore store) throws HistoryException {
        assertThat(store.series()).containsExactlyInAnyOrder("a", "b/c");
        List<HistoryEntry> a = new ArrayList<>(List.of(entry(9, "all")));
        a.addAll(entries(10, 21));
        assertThat(all(store, "a")).isEqualTo(a);
        assertThat(store.last("a")).contains(entry(20, "20"));
        assertThat(all(store, "b/c")).containsExactly(entry(5, "later"), entry(3, "earlier"));
        store.append("a", entries(21, 22));
        a.addAll(entries(21, 22));
        assertThat(all(store, "a")).isEqualTo(a);
    }

    @Test
    default void h6_3_aLaterOpeningAppendsBehindAnEarlierOne() throws Exception {
        needs(HistoryAbility.PERSISTENT);
        HistoryStore store = newHistory();
        for (int i = 0; i < 5; i++) {
            store.append("a", entries(i, i + 1));
            store.close();
            store = reopen(store);
        }
        assertThat(all(store, "a")).isEqualTo(entries(0, 5));
        store.close();
    }
}
