package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The segments of a directory by number. A file is named {@code segment-<number>} only when its header is on disk; dead
 * ones become {@link SpareFiles}. Thread-safe.
 */
final class SegmentFiles {

    private static final Logger LOG = LoggerFactory.getLogger(SegmentFiles.class);

    /** How the name of every segment begins. */
    static final String PREFIX = "segment-";

    private static final Pattern SEGMENT = Pattern.compile(PREFIX + "(\\d{10})");
    private static final String NEW = "segment.new";
    private static final String RESERVE = "reserve";
    private static final String NEW_RESERVE = "reserve.new";
    /** Room for thousands of ends of messages. */
    static final int RESERVE_BYTES = 256 << 10;

    private final FileIo io;
    private final Path directory;
    private final Encryption encryption;
    private final ConcurrentMap<Integer, Segment> segments = new ConcurrentHashMap<>();
    private final SpareFiles spares;
    private final AtomicBoolean reserved = new AtomicBoolean();

    SegmentFiles(FileIo io, Path directory, Encryption encryption, int mostSpares) {
        this.io = io;
        this.directory = directory;
        this.encryption = encryption;
        this.spares = new SpareFiles(io, directory, mostSpares);
    }

    static String name(int number) {
        return PREFIX + String.format("%010d", number);
    }

    Path directory() {
        return directory;
    }

    Path path(int number) {
        return directory.resolve(name(number));
    }

    FileIo io() {
        return io;
    }

    Encryption encryption() {
        return encryption;
    }

    SpareFiles spares() {
        return spares;
    }

    /** Returns the numbers of the segments on disk, ascending, and remembers the spares. */
    List<Integer> list() throws IOException {
        List<Integer> numbers = new ArrayList<>();
        List<String> names = io.list(directory);
        for (String name : names) {
            Matcher matcher = SEGMENT.matcher(name);
            if (matcher.matches()) {
                long number = Long.parseLong(matcher.group(1));
                if (number > 0 && number <= Integer.MAX_VALUE) {
                    numbers.add((int) number);
                }
            }
        }
        spares.found(names);
        reserved.set(names.contains(RESERVE));
        Collections.sort(numbers);
        return numbers;
    }

    @Nullable
    Segment get(int number) {
        return segments.get(number);
    }

    Collection<Segment> all() {
        return segments.values();
    }

    void add(Segment segment) {
        segments.put(segment.number(), segment);
    }

    /** A segment to append to, and how far its file is allocated. */
    record Opened(Segment segment, FileIo.Handle writing, long allocated) {}

    /** Makes a segment: header first, name after. On a full disk it gets the room that was kept for this. */
    Opened create(SegmentHeader plain) throws IOException {
        DataKey dataKey = encryption.newDataKey();
        SegmentHeader header = dataKey == null ? plain : encryption.wrap(plain, dataKey);
        Path work = beginSpare(header);
        if (work == null) {
            work = directory.resolve(NEW);
            try {
                begin(work, header, true);
            } catch (FileIo.NoSpaceException e) {
                if (!reserved.compareAndSet(true, false)) {
                    throw e;
                }
                work = directory.resolve(RESERVE);
                begin(work, header, false);
            }
        }
        Path path = path(header.number());
        io.rename(work, path);
        io.forceDirectory(directory);
        FileIo.Handle writing = io.openForWriting(path);
        boolean whole = false;
        try {
            long allocated = writing.size();
            FileIo.Handle reading = io.openForReading(path);
            Segment segment = new Segment(header.number(), header, dataKey, reading);
            segments.put(header.number(), segment);
            whole = true;
            return new Opened(segment, writing, allocated);
        } finally {
            if (!whole) {
                writing.close();
            }
        }
    }

    /** Begins a segment in a spare; null if there is none. One that cannot be written goes: mail is taken without it. */
    private @Nullable Path beginSpare(SegmentHeader header) {
        Path spare = spares.take();
        if (spare == null) {
            return null;
        }
        try {
            begin(spare, header, false);
            return spare;
        } catch (IOException e) {
            LOG.atWarn().setCause(e).addKeyValue("file", spare.getFileName()).log("spare cannot be used, removed");
            try {
                io.delete(spare);
            } catch (IOException also) {
                LOG.atWarn()
                        .setCause(also)
                        .addKeyValue("file", spare.getFileName())
                        .log("spare not removed");
            }
            return null;
        }
    }

    private void begin(Path work, SegmentHeader header, boolean isNew) throws IOException {
        try (FileIo.Handle handle = io.openForWriting(work)) {
            if (isNew) {
                handle.truncate(0); // what a crash left
            }
            ByteBuffer block = ByteBuffer.wrap(RecordFormat.encode(header));
            writeFully(handle, block, 0);
            if (header.wrappedKey() != null) {
                writeFully(handle, block.rewind(), RecordFormat.COPY_AT);
            }
            handle.force();
        }
    }

    /** Keeps room for the segment that says on a full disk what left, if there is none yet. */
    void keepReserve() throws IOException {
        if (reserved.get()) {
            return;
        }
        Path work = directory.resolve(NEW_RESERVE);
        try (FileIo.Handle handle = io.openForWriting(work)) {
            writeFully(handle, ByteBuffer.allocate(RESERVE_BYTES), 0);
            handle.force();
        }
        io.rename(work, directory.resolve(RESERVE));
        io.forceDirectory(directory);
        reserved.set(true);
    }

    /**
     * Removes a segment's file for good, or makes it a spare if at least half of it is allocated: few end with exactly
     * the last byte. After a failure it can be called again.
     */
    void remove(Segment segment, long fullBytes) throws IOException {
        Path path = path(segment.number());
        boolean keep = erase(segment) && segment.reading().size() >= fullBytes / 2 && spares.claim();
        String spare = SpareFiles.name(segment.number());
        boolean removed = false;
        try {
            rename(path, keep ? directory.resolve(spare) : null);
            segments.remove(segment.number());
            segment.reading().close();
            removed = true;
        } finally {
            if (keep && removed) {
                spares.add(spare);
            } else if (keep) {
                spares.disclaim();
            }
        }
    }

    /** Gives a file another name, or removes it if there is none, and forces that. */
    private void rename(Path path, @Nullable Path to) throws IOException {
        try {
            if (to == null) {
                io.delete(path);
            } else {
                io.rename(path, to);
            }
        } catch (NoSuchFileException e) {
            LOG.atDebug().addKeyValue("file", path.getFileName()).log("name is gone, directory still to be forced");
        }
        io.forceDirectory(directory);
    }

    /**
     * Makes a dead segment unreadable by overwriting its data key. Returns whether no mail can be read in the file, or
     * nobody asked for that.
     */
    private boolean erase(Segment segment) {
        if (segment.dataKey() == null) {
            return !encryption.isOn() || segment.erased;
        }
        if (!segment.erased) {
            byte[] erased = RecordFormat.erasedKey();
            try (FileIo.Handle file = io.openForWriting(path(segment.number()))) {
                writeFully(file, ByteBuffer.wrap(erased), RecordFormat.SEGMENT_HEADER_BYTES);
                writeFully(
                        file, ByteBuffer.wrap(erased), RecordFormat.COPY_AT + (long) RecordFormat.SEGMENT_HEADER_BYTES);
                file.force();
                segment.erased = true;
            } catch (IOException e) {
                LOG.atWarn()
                        .setCause(e)
                        .addKeyValue("segment", segment.number())
                        .log("data key not overwritten, segment is removed with it");
            }
        }
        return segment.erased;
    }

    /** Removes spares with mail that is not encrypted, if new mail is, and those that are too many. */
    void tidySpares() throws IOException {
        if (encryption.isOn()) {
            spares.removeReadable();
        }
        spares.removeSurplus();
    }

    void close() throws IOException {
        IOException failed = null;
        for (Segment segment : segments.values()) {
            try {
                segment.reading().close();
            } catch (IOException e) {
                failed = e;
            }
        }
        if (failed != null) {
            throw failed;
        }
    }

    static void writeFully(FileIo.Handle handle, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            int written = handle.write(bytes, at);
            if (written <= 0) {
                throw new IOException("nothing was written, " + bytes.remaining() + " bytes were left");
            }
            at += written;
        }
    }

    /** Writes so many zeros, as often as needed those that are at hand. */
    static void writeZeros(FileIo.Handle handle, ByteBuffer zeros, long position, int length) throws IOException {
        for (int written = 0; written < length; written += zeros.limit()) {
            zeros.clear().limit(Math.min(zeros.capacity(), length - written));
            writeFully(handle, zeros, position + written);
        }
    }

    /** Reads until the buffer is full or the file ends. */
    static void readFully(FileIo.Handle handle, ByteBuffer into, long position) throws IOException {
        long at = position;
        while (into.hasRemaining()) {
            int read = handle.read(into, at);
            if (read <= 0) {
                return;
            }
            at += read;
        }
    }
}
