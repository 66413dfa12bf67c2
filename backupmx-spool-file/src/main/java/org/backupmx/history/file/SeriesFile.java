package org.backupmx.history.file;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import org.backupmx.history.HistoryEntry;
import org.jspecify.annotations.Nullable;

/** The file of one series. Not thread-safe. */
final class SeriesFile implements Closeable {

    static final String NEW_SUFFIX = ".new";

    private static final int ENTRIES_AT_ONCE = 1_000;

    private final HistoryFiles files;
    private final Path file;
    private final String series;
    private final int maxEntries;

    /** What the file holds, once that was looked at. */
    private boolean known;

    private long size;
    private long count;
    private int damaged;
    private @Nullable HistoryEntry last;

    private @Nullable RandomAccessFile open;
    private boolean dirty;

    SeriesFile(HistoryFiles files, Path file, String series, int maxEntries) {
        this.files = files;
        this.file = file;
        this.series = series;
        this.maxEntries = maxEntries;
    }

    /** Looks at the file, and cuts its torn end away, if that was not done yet. */
    void look() throws IOException {
        if (known) {
            return;
        }
        count = 0;
        damaged = 0;
        last = null;
        size = scan(entry -> {
                    count++;
                    last = entry;
                    return false;
                })
                .end;
        if (size < files.size(file)) {
            files.truncate(open(), size);
        }
        known = true;
    }

    private static final class Scan {
        final Deque<HistoryEntry> entries = new ArrayDeque<>();
        long end;
    }

    /** Reads all, and keeps what is wanted: the last ones, as many as fit. */
    private Scan scan(Predicate<HistoryEntry> wanted) throws IOException {
        Scan scan = new Scan();
        int[] bad = {0};
        try (InputStream in = files.read(file)) {
            scan.end = HistoryLines.read(in, new HistoryLines.Visitor() {
                @Override
                public void header(String name) {
                    // known by the file's name
                }

                @Override
                public void entry(HistoryEntry entry) {
                    if (wanted.test(entry)) {
                        scan.entries.add(entry);
                    }
                }

                @Override
                public void damaged() {
                    bad[0]++;
                }
            });
        }
        damaged = bad[0];
        return scan;
    }

    /** Returns the entries that are wanted, of those that the bound leaves. */
    List<HistoryEntry> read(Predicate<HistoryEntry> wanted) throws IOException {
        look();
        long[] over = {count - maxEntries};
        return new ArrayList<>(scan(entry -> over[0]-- <= 0 && wanted.test(entry)).entries);
    }

    @Nullable
    HistoryEntry last() throws IOException {
        look();
        return last;
    }

    /** Returns the lines that were damaged when the file was read last. */
    int damaged() {
        return damaged;
    }

    /** Puts entries at the end. A file that would get much too long is written anew without its beginning. */
    void append(List<HistoryEntry> entries) throws IOException {
        look();
        boolean tooLong = count + entries.size() > maxEntries + (long) maxEntries / 4;
        if (tooLong || size == 0) {
            List<HistoryEntry> all = read(entry -> true);
            all.addAll(entries);
            rewrite(all, true);
            return;
        }
        byte[] bytes = bytes(entries);
        try {
            files.write(open(), size, bytes);
        } catch (IOException e) {
            cutBack(e);
            throw e;
        }
        size += bytes.length;
        count += entries.size();
        last = entries.get(entries.size() - 1);
        dirty = true;
    }

    /** Takes back what was half written; where that fails, too, the next look does it. */
    private void cutBack(IOException cause) {
        try {
            files.truncate(open(), size);
        } catch (IOException e) {
            known = false;
            cause.addSuppressed(e);
        }
    }

    private static byte[] bytes(Collection<HistoryEntry> entries) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        entries.forEach(entry -> out.writeBytes(HistoryLines.entry(entry)));
        return out.toByteArray();
    }

    /** Makes the file anew beside the old one and lets it take its name. */
    void rewrite(List<HistoryEntry> entries, boolean durable) throws IOException {
        List<HistoryEntry> kept = entries.subList(Math.max(0, entries.size() - maxEntries), entries.size());
        known = false; // until it is done
        close();
        Path made = file.resolveSibling(file.getFileName() + NEW_SUFFIX);
        try {
            size = write(made, kept, durable);
            files.rename(made, file);
        } catch (IOException e) {
            files.deleteQuietly(made, e);
            throw e;
        }
        dirty = true;
        if (durable) {
            files.forceDirectory(directory());
            dirty = false;
        }
        count = kept.size();
        last = kept.get(kept.size() - 1);
        damaged = 0;
        known = true;
    }

    private long write(Path made, List<HistoryEntry> kept, boolean durable) throws IOException {
        try (RandomAccessFile writing = files.open(made)) {
            byte[] header = HistoryLines.header(series);
            files.truncate(writing, 0);
            files.write(writing, 0, header);
            long at = header.length;
            for (int i = 0; i < kept.size(); i += ENTRIES_AT_ONCE) {
                byte[] bytes = bytes(kept.subList(i, Math.min(i + ENTRIES_AT_ONCE, kept.size())));
                files.write(writing, at, bytes);
                at += bytes.length;
            }
            if (durable) {
                files.force(writing);
            }
            return at;
        }
    }

    private Path directory() {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new AssertionError(file);
        }
        return parent;
    }

    void delete() throws IOException {
        close();
        files.delete(file);
        known = false;
        damaged = 0;
        dirty = false;
    }

    void force() throws IOException {
        if (dirty) {
            files.force(open());
            dirty = false;
        }
    }

    private RandomAccessFile open() throws IOException {
        RandomAccessFile current = open;
        if (current == null) {
            current = files.open(file);
            open = current;
        }
        return current;
    }

    boolean isOpen() {
        return open != null;
    }

    /** Closes the file; a later call opens it again. */
    @Override
    public void close() throws IOException {
        RandomAccessFile current = open;
        open = null;
        if (current != null) {
            current.close();
        }
    }
}
