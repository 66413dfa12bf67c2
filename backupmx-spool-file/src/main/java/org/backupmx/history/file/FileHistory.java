package org.backupmx.history.file;

import static java.util.Objects.requireNonNull;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.spool.file.internal.DirectoryInUseException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Histories in a directory: a text file for each series, in the form that {@code docs/file-format.md} tells, which can be
 * read with any pager meanwhile. Thread-safe; one call at a time is served, the others wait.
 *
 * <p>An append is one write at the end of a file, and not forced; {@link #replace} and the first append write a new file
 * that takes the old one's name. What was cut off by a crash is removed when a series is used first; a damaged line is
 * skipped, counted ({@link #damagedLines}) and logged, and gone with the next replacement.
 *
 * <p>A series holds {@link #DEFAULT_MAX_ENTRIES} entries unless said otherwise, its file a quarter more, of up to 3 KiB
 * each and 60 bytes mostly. At most {@value #MAX_OPEN_FILES} files are open. Directories get mode 0700, files 0600.
 */
public final class FileHistory implements HistoryStore {

    /** The most entries of a series unless said otherwise: {@value}. */
    public static final int DEFAULT_MAX_ENTRIES = 100_000;

    static final int MAX_OPEN_FILES = 64;

    private static final int MOST_ENTRIES = 10_000_000;
    private static final String LOCK = "lock";
    private static final Logger LOG = LoggerFactory.getLogger(FileHistory.class);

    private final HistoryFiles files;
    private final Path directory;
    private final int maxEntries;
    private final Closeable lock;
    private final Map<String, SeriesFile> all = new TreeMap<>();

    /** Those that may be open, the one used longest ago first. */
    private final Map<String, SeriesFile> open = new LinkedHashMap<>(16, 0.75f, true);

    private final Map<String, Integer> damaged = new TreeMap<>();
    private boolean closed;

    private FileHistory(HistoryFiles files, Path directory, int maxEntries, Closeable lock) {
        this.files = files;
        this.directory = directory;
        this.maxEntries = maxEntries;
        this.lock = lock;
    }

    /**
     * Opens the histories in a directory, with {@link #DEFAULT_MAX_ENTRIES}.
     *
     * @param directory the directory, of its own; made if it is not there
     * @return an open store
     * @throws HistoryException if the directory cannot be used, or another store uses it
     */
    public static FileHistory open(Path directory) throws HistoryException {
        return open(directory, DEFAULT_MAX_ENTRIES);
    }

    /**
     * Opens the histories in a directory.
     *
     * @param directory the directory, of its own; made if it is not there
     * @param maxEntries the most entries of a series, 1 to 10,000,000; the ones appended first go
     * @return an open store
     * @throws IllegalArgumentException if {@code maxEntries} is out of range
     * @throws HistoryException if the directory cannot be used, or another store uses it
     */
    public static FileHistory open(Path directory, int maxEntries) throws HistoryException {
        return open(new HistoryFiles(), directory, maxEntries);
    }

    static FileHistory open(HistoryFiles files, Path directory, int maxEntries) throws HistoryException {
        requireNonNull(directory, "directory");
        if (maxEntries < 1 || maxEntries > MOST_ENTRIES) {
            throw new IllegalArgumentException("maxEntries: " + maxEntries + " (expected: 1 to " + MOST_ENTRIES + ")");
        }
        try {
            files.createDirectory(directory);
            Closeable lock = files.lock(directory.resolve(LOCK));
            FileHistory history = new FileHistory(files, directory, maxEntries, lock);
            try {
                history.find();
            } catch (Throwable e) {
                lock.close();
                throw e;
            }
            return history;
        } catch (DirectoryInUseException e) {
            throw new HistoryException("history " + e.getMessage(), e);
        } catch (IOException e) {
            throw new HistoryException("history directory " + directory + ": cannot be opened: " + e, e);
        }
    }

    /** Finds the series that are there, and removes what was being written when the process ended. */
    private void find() throws IOException {
        for (Path file : files.list(directory)) {
            String name = file.getFileName().toString();
            boolean unfinished = name.endsWith(SeriesName.SUFFIX + SeriesFile.NEW_SUFFIX);
            if (unfinished || (name.endsWith(SeriesName.SUFFIX) && files.size(file) == 0)) {
                files.delete(file);
            } else if (name.endsWith(SeriesName.SUFFIX)) {
                String series = SeriesName.isCut(name) ? nameInside(file) : SeriesName.series(name);
                if (series == null) {
                    LOG.atWarn().addKeyValue("file", file).log("no series of a history, stays as it is");
                } else {
                    all.put(series, new SeriesFile(files, file, series, maxEntries));
                }
            }
        }
    }

    private @Nullable String nameInside(Path file) throws IOException {
        List<String> names = new ArrayList<>();
        try (InputStream in = files.read(file)) {
            HistoryLines.read(in, new HistoryLines.Visitor() {
                @Override
                public void header(String series) {
                    names.add(series);
                }

                @Override
                public void entry(HistoryEntry entry) {
                    // the name alone
                }

                @Override
                public void damaged() {
                    // told when the series is used
                }
            });
        }
        boolean fits = names.size() == 1
                && SeriesName.fileName(names.get(0)).equals(file.getFileName().toString());
        return fits ? names.get(0) : null;
    }

    /** What is done with a series' file. */
    private interface Work<T> {
        @Nullable
        T on(SeriesFile file) throws IOException;
    }

    /** Does something with a series' file, null if there is none. */
    private <T> @Nullable T with(String what, String series, boolean make, Work<T> work) throws HistoryException {
        SeriesFile file = all.get(series);
        if (file == null) {
            if (!make) {
                return null;
            }
            file = new SeriesFile(files, directory.resolve(SeriesName.fileName(series)), series, maxEntries);
        }
        try {
            T result = work.on(file);
            tell(series, file.damaged());
            return result;
        } catch (IOException e) {
            throw failed(what + " \"" + series + "\"", e);
        } finally {
            opened(series, file);
        }
    }

    private HistoryException failed(String what, IOException cause) {
        return new HistoryException("history directory " + directory + ": cannot " + what + ": " + cause, cause);
    }

    private void tell(String series, int lines) {
        Integer before = damaged.put(series, lines);
        if (lines > 0 && (before == null || before != lines)) {
            LOG.atWarn()
                    .addKeyValue("directory", directory)
                    .addKeyValue("series", series)
                    .addKeyValue("lines", lines)
                    .log("history damaged, lines skipped");
        }
    }

    private void opened(String series, SeriesFile file) throws HistoryException {
        if (file.isOpen()) {
            open.put(series, file);
        }
        Iterator<SeriesFile> oldest = open.values().iterator();
        while (open.size() > MAX_OPEN_FILES) {
            SeriesFile one = oldest.next();
            oldest.remove();
            try {
                one.close();
            } catch (IOException e) {
                throw failed("close a file", e);
            }
        }
    }

    private void check(String series) throws HistoryException {
        HistoryStore.checkSeries(series);
        checkOpen();
    }

    private void checkOpen() throws HistoryException {
        if (closed) {
            throw new HistoryException("history directory " + directory + ": the history is closed");
        }
    }

    @Override
    public synchronized void append(String series, List<HistoryEntry> entries) throws HistoryException {
        check(series);
        List<HistoryEntry> copy = List.copyOf(entries);
        if (copy.isEmpty()) {
            return;
        }
        boolean isNew = !all.containsKey(series);
        with("append to", series, true, file -> {
            if (isNew) {
                file.rewrite(copy, false);
                all.put(series, file);
            } else {
                file.append(copy);
            }
            return file;
        });
    }

    @Override
    public synchronized List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
        check(series);
        requireNonNull(from, "from");
        requireNonNull(to, "to");
        List<HistoryEntry> read = with(
                "read",
                series,
                false,
                file -> file.read(
                        entry -> !entry.at().isBefore(from) && entry.at().isBefore(to)));
        return read == null ? List.of() : List.copyOf(read);
    }

    @Override
    public synchronized Optional<HistoryEntry> last(String series) throws HistoryException {
        check(series);
        return Optional.ofNullable(with("read", series, false, SeriesFile::last));
    }

    @Override
    public synchronized void replace(String series, Instant before, List<HistoryEntry> entries)
            throws HistoryException {
        check(series);
        List<HistoryEntry> next = new ArrayList<>(HistoryStore.checkReplacement(before, entries));
        boolean isNew = !all.containsKey(series);
        with("replace a part of", series, !next.isEmpty(), file -> {
            if (!isNew) {
                next.addAll(file.read(entry -> !entry.at().isBefore(before)));
            }
            if (next.isEmpty()) {
                delete(series, file);
            } else {
                file.rewrite(next, true);
                all.put(series, file);
            }
            return file;
        });
    }

    private void delete(String series, SeriesFile file) throws IOException {
        file.delete();
        all.remove(series);
        open.remove(series);
        files.forceDirectory(directory);
    }

    @Override
    public synchronized Set<String> series() throws HistoryException {
        checkOpen();
        return Set.copyOf(all.keySet());
    }

    @Override
    public synchronized void remove(String series) throws HistoryException {
        check(series);
        with("remove", series, false, file -> {
            delete(series, file);
            return file;
        });
    }

    /**
     * Returns how many lines were damaged and skipped, of the series that were used since the opening, each counted as
     * it was read last.
     *
     * @return a number of lines
     */
    public synchronized long damagedLines() {
        return damaged.values().stream().mapToLong(Integer::longValue).sum();
    }

    @Override
    public synchronized void close() throws HistoryException {
        if (closed) {
            return;
        }
        closed = true;
        IOException failure = null;
        for (SeriesFile file : all.values()) {
            failure = closeOne(file::force, failure);
            failure = closeOne(file, failure);
        }
        failure = closeOne(() -> files.forceDirectory(directory), failure);
        failure = closeOne(lock, failure);
        if (failure != null) {
            throw failed("close", failure);
        }
    }

    private static @Nullable IOException closeOne(Closeable step, @Nullable IOException failure) {
        try {
            step.close();
            return failure;
        } catch (IOException e) {
            if (failure == null) {
                return e;
            }
            failure.addSuppressed(e);
            return failure;
        }
    }

    /** Lets go of everything as the death of the process would. */
    synchronized void die() throws IOException {
        closed = true;
        for (SeriesFile file : all.values()) {
            file.close();
        }
        lock.close();
    }
}
