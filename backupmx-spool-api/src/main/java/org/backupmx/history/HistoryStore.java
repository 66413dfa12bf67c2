package org.backupmx.history;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A store of small histories: for each name a series of entries, in the order in which they were appended. A series is
 * there while it has an entry.
 *
 * <p>A series is in order of time as long as the clock is: an entry that is earlier than the one before it, since the
 * clock was set back, is taken like any other, stands behind it, and counts by its own time in {@link #read} and
 * {@link #replace}.
 *
 * <p>What was appended survives the death of the process; a loss of power may take what came after the last
 * {@link #replace} or {@link #close}, and never more of a series than its end. A store may bound the entries of a
 * series, and says so; the ones appended first go. How many series there are is the caller's to bound.
 *
 * <p>Every method may block. All are thread-safe. After {@link #close} they throw {@link HistoryException}. Of an
 * append that threw one, none, some from its beginning, or all of the entries may be there. A store knows no clock:
 * every instant comes from the caller.
 *
 * <p>The name of a series is 1 to {@link #MAX_SERIES_CHARS} printable ASCII characters, space included; a store tells
 * names apart that differ in case only. Others are an {@link IllegalArgumentException}.
 */
public interface HistoryStore extends AutoCloseable {

    /** The longest name of a series: {@value} characters. */
    int MAX_SERIES_CHARS = 200;

    /**
     * Puts entries at the end of a series.
     *
     * @param series its name
     * @param entries the entries in order; none changes nothing
     * @throws IllegalArgumentException if the name has another form
     * @throws HistoryException if that failed
     */
    void append(String series, List<HistoryEntry> entries) throws HistoryException;

    /**
     * Returns the entries of a span of time.
     *
     * @param series its name
     * @param from the earliest time; {@link Instant#MIN} for all
     * @param to the end, itself not in the span; {@link Instant#MAX} for all
     * @return a snapshot in order of appending; empty if there is no such series
     * @throws IllegalArgumentException if the name has another form
     * @throws HistoryException if that failed
     */
    List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException;

    /**
     * Returns the entry that was appended last, without reading all.
     *
     * @param series its name
     * @return the entry; empty if there is no such series
     * @throws IllegalArgumentException if the name has another form
     * @throws HistoryException if that failed
     */
    Optional<HistoryEntry> last(String series) throws HistoryException;

    /**
     * Puts entries in place of all that are earlier than an instant, as one step: whoever reads, and whoever opens the
     * store after a crash, finds either the old ones or the new ones. Durable when it returns, with all that was
     * appended before.
     *
     * @param series its name
     * @param before the end of what is replaced
     * @param entries what comes in its place, each earlier than {@code before}; it stands in front of what stays
     * @throws IllegalArgumentException if the name has another form or an entry is not earlier than {@code before};
     *     nothing changes
     * @throws HistoryException if that failed
     */
    void replace(String series, Instant before, List<HistoryEntry> entries) throws HistoryException;

    /**
     * Returns the names of the series.
     *
     * @return a snapshot
     * @throws HistoryException if that failed
     */
    Set<String> series() throws HistoryException;

    /**
     * Removes a series, if there is one.
     *
     * @param series its name
     * @throws IllegalArgumentException if the name has another form
     * @throws HistoryException if that failed
     */
    void remove(String series) throws HistoryException;

    /**
     * Makes everything durable and releases what was opened. A second call does nothing.
     *
     * @throws HistoryException if something could not be made durable
     */
    @Override
    void close() throws HistoryException;

    /**
     * Returns a store in memory, which forgets everything when the process ends. An entry takes about 100 bytes and its
     * text.
     *
     * @param maxEntries the most entries of one series, 1 to 10,000,000; the ones appended first go
     * @return an empty store
     * @throws IllegalArgumentException if {@code maxEntries} is out of range
     */
    static HistoryStore inMemory(int maxEntries) {
        return new InMemoryHistory(maxEntries);
    }

    /**
     * Checks the name of a series, for those who implement a store.
     *
     * @param series a name
     * @return the same name
     * @throws IllegalArgumentException if it has another form than a name
     */
    static String checkSeries(String series) {
        if (series.isEmpty() || series.length() > MAX_SERIES_CHARS) {
            throw new IllegalArgumentException(
                    "series: " + series.length() + " characters (expected: 1 to " + MAX_SERIES_CHARS + ")");
        }
        for (int i = 0; i < series.length(); i++) {
            char c = series.charAt(i);
            if (c < ' ' || c > '~') {
                throw new IllegalArgumentException(
                        String.format("series: U+%04X at %d (expected: printable ASCII)", (int) c, i));
            }
        }
        return series;
    }

    /**
     * Checks what {@link #replace} was given, for those who implement a store.
     *
     * @param before the end of what is replaced
     * @param entries what comes in its place
     * @return a copy of the entries
     * @throws IllegalArgumentException if an entry is not earlier than {@code before}
     */
    static List<HistoryEntry> checkReplacement(Instant before, List<HistoryEntry> entries) {
        List<HistoryEntry> copy = List.copyOf(entries);
        for (HistoryEntry entry : copy) {
            if (!entry.at().isBefore(before)) {
                throw new IllegalArgumentException("entries: " + entry.at() + " (expected: before " + before + ")");
            }
        }
        return copy;
    }
}
