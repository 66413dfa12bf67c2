package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Files that segments are begun in: what is allocated needs no zeros written ahead, and a force of it writes no
 * metadata. They were segments, or are made of zeros in quiet times. Thread-safe, but one thread makes pieces.
 */
final class SpareFiles {

    private static final Pattern NAME = Pattern.compile("spare-\\d{10}");
    /** What was never a segment has a number beyond those. */
    private static final String MADE = "spare-9";

    private static final String BEGUN = "spare.new";

    private final FileIo io;
    private final Path directory;
    private final int most;
    private final Deque<String> names = new ArrayDeque<>();
    private int claimed;
    private boolean begun; // of the thread that makes pieces

    SpareFiles(FileIo io, Path directory, int most) {
        this.io = io;
        this.directory = directory;
        this.most = most;
    }

    /** Forgets all, and remembers those among the names of the directory. */
    synchronized void found(List<String> inDirectory) {
        names.clear();
        inDirectory.stream().filter(name -> NAME.matcher(name).matches()).forEach(names::add);
        claimed = names.size();
        begun = inDirectory.contains(BEGUN);
    }

    /** Takes one; null if there is none. */
    @Nullable
    synchronized Path take() {
        String name = names.poll();
        if (name == null) {
            return null;
        }
        claimed--;
        return directory.resolve(name);
    }

    /** Tells whether one more is kept, and counts it. */
    synchronized boolean claim() {
        if (claimed >= most) {
            return false;
        }
        claimed++;
        return true;
    }

    /** Takes a claim back. */
    synchronized void disclaim() {
        claimed--;
    }

    /** Adds a file that was claimed, and has its name for good. */
    synchronized void add(String name) {
        names.add(name);
    }

    /** Returns the name of what was the segment of that number. */
    static String name(int segment) {
        return String.format("spare-%010d", segment);
    }

    /** Tells whether there are any spares at all. */
    boolean areKept() {
        return most > 0;
    }

    /** Returns how large all are that were found, and what is begun; what goes meanwhile does not count. */
    long bytes() throws IOException {
        List<String> found;
        synchronized (this) {
            found = new ArrayList<>(names);
        }
        if (begun) {
            found.add(BEGUN);
        }
        long bytes = 0;
        for (String name : found) {
            bytes += size(name);
        }
        return bytes;
    }

    private long size(String name) throws IOException {
        try (FileIo.Handle file = io.openForReading(directory.resolve(name))) {
            return file.size();
        } catch (NoSuchFileException e) {
            return 0;
        }
    }

    /** Tells whether {@link #makePiece} has something to do. */
    boolean areUnfinished() {
        return begun || isWanted();
    }

    private synchronized boolean isWanted() {
        return claimed < most;
    }

    private synchronized String madeName() {
        for (int i = 0; ; i++) {
            String name = MADE + String.format("%09d", i);
            if (!names.contains(name)) {
                return name;
            }
        }
    }

    /** Makes the next piece of a spare, forced, if there are fewer than are kept. */
    void makePiece(ByteBuffer zeros, int pieceBytes, long fullBytes) throws IOException {
        Path work = directory.resolve(BEGUN);
        if (!isWanted()) {
            removeBegun(work);
            return;
        }
        begun = true;
        try (FileIo.Handle file = io.openForWriting(work)) {
            long size = file.size();
            int piece = (int) Math.max(0, Math.min(pieceBytes, fullBytes - size));
            SegmentFiles.writeZeros(file, zeros, size, piece);
            file.force();
            if (size + piece < fullBytes) {
                return;
            }
        }
        if (!claim()) {
            return;
        }
        String name = madeName();
        boolean named = false;
        try {
            io.rename(work, directory.resolve(name));
            begun = false;
            io.forceDirectory(directory);
            named = true;
        } finally {
            if (named) {
                add(name);
            } else {
                disclaim();
            }
        }
    }

    /** Dead segments came first. */
    private void removeBegun(Path work) throws IOException {
        if (begun) {
            begun = false;
            io.delete(work);
        }
    }

    /** Removes what an earlier opening kept and this one does not. */
    synchronized void removeSurplus() throws IOException {
        while (claimed > most) {
            io.delete(directory.resolve(names.getLast()));
            names.removeLast();
            claimed--;
        }
        if (!isWanted()) {
            removeBegun(directory.resolve(BEGUN));
        }
    }

    /** Removes those that hold mail which is not encrypted. */
    void removeReadable() throws IOException {
        List<String> known;
        synchronized (this) {
            known = List.copyOf(names);
        }
        for (String name : known) {
            if (isReadable(name)) {
                io.delete(directory.resolve(name));
                synchronized (this) {
                    names.remove(name);
                    claimed--;
                }
            }
        }
    }

    private boolean isReadable(String name) throws IOException {
        if (name.startsWith(MADE)) {
            return false;
        }
        ByteBuffer block = ByteBuffer.allocate(RecordFormat.BLOCK_BYTES);
        try (FileIo.Handle file = io.openForReading(directory.resolve(name))) {
            SegmentFiles.readFully(file, block, 0);
        }
        SegmentHeader header = RecordFormat.segmentHeader(block.array());
        return header == null || !header.isErased();
    }
}
