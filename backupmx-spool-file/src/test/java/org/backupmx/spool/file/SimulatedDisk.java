package org.backupmx.spool.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.backupmx.spool.SpoolUnavailableException;

/**
 * A disk in memory that knows what was forced. Writes and names stay apart until a force; a crash keeps some of them.
 * Any call can be made to fail. Thread-safe.
 */
final class SimulatedDisk implements FileIo {

    /** The calls that can fail. */
    enum Call {
        OPEN,
        READ,
        WRITE,
        FORCE,
        TRUNCATE,
        RENAME,
        DELETE,
        LIST,
        FORCE_DIRECTORY,
        SPACE
    }

    /** Decides about each call before it is done; may throw, or cut a write by returning less than was asked. */
    @FunctionalInterface
    interface Fault {
        int before(Call call, String file, int bytes) throws IOException;
    }

    /** The power is gone. */
    static final class PowerLost extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private static final class Content {
        /** What a reader sees. */
        byte[] bytes = new byte[0];
        /** What would survive. */
        byte[] forced = new byte[0];
        /** What was written since the last force: offset, length; a truncation has the length -1. */
        final List<long[]> unforced = new ArrayList<>();

        void force() {
            forced = Arrays.copyOf(forced, bytes.length);
            for (long[] write : unforced) {
                int from = (int) Math.min(write[0], bytes.length);
                int end = (int) Math.min(write[0] + Math.max(write[1], 0), bytes.length);
                System.arraycopy(bytes, from, forced, from, end - from);
            }
        }
    }

    private final long totalBytes;
    private Map<String, Content> names = new HashMap<>();
    private Map<String, Content> forcedNames = new HashMap<>();
    private Fault fault = (call, file, bytes) -> bytes;
    private volatile Fault outside = (call, file, bytes) -> bytes;
    private boolean locked;
    private boolean powerLost;
    private int steps;

    SimulatedDisk(long totalBytes) {
        this.totalBytes = totalBytes;
    }

    synchronized void fault(Fault value) {
        fault = value;
    }

    /** Sets what happens before a read, force, rename or deletion, outside the monitor: it may wait. */
    void faultOutside(Fault value) {
        outside = value;
    }

    synchronized void noFault() {
        fault = (call, file, bytes) -> bytes;
    }

    /** Returns how many calls that change something there were. */
    synchronized int steps() {
        return steps;
    }

    synchronized boolean isPowerLost() {
        return powerLost;
    }

    /** Ends the power: every later call of whoever still runs fails. */
    synchronized void losePower() {
        powerLost = true;
    }

    /**
     * Returns the disk as it is found after the loss of power: what was forced, and of the rest what the random numbers
     * keep, in 512-byte sectors.
     */
    synchronized SimulatedDisk afterCrash(Random random) {
        SimulatedDisk after = new SimulatedDisk(totalBytes);
        powerLost = true;
        Map<String, Content> kept = random.nextBoolean() ? names : forcedNames;
        Map<Content, Content> copies = new HashMap<>();
        kept.forEach((name, content) -> {
            Content copy = copies.computeIfAbsent(content, it -> survivor(it, random));
            after.names.put(name, copy);
            after.forcedNames.put(name, copy);
        });
        return after;
    }

    private static Content survivor(Content content, Random random) {
        byte[] bytes = content.forced.clone();
        int style = random.nextInt(3);
        for (long[] write : content.unforced) {
            if (write[1] < 0) {
                continue; // a truncation that was not forced
            }
            for (long at = write[0]; at < write[0] + write[1]; ) {
                long end = Math.min((at / 512 + 1) * 512, write[0] + write[1]);
                boolean keep = style == 0 || style == 1 && random.nextBoolean();
                if (keep && end <= content.bytes.length) {
                    bytes = bytes.length < end ? Arrays.copyOf(bytes, (int) end) : bytes;
                    System.arraycopy(content.bytes, (int) at, bytes, (int) at, (int) (end - at));
                }
                at = end;
            }
        }
        Content survivor = new Content();
        survivor.bytes = bytes;
        survivor.forced = bytes.clone();
        return survivor;
    }

    /** Returns the size of all files together. */
    synchronized long usedBytes() {
        return used();
    }

    /** Returns a copy of a file as a reader sees it. */
    synchronized byte[] bytes(String name) {
        return content(name).bytes.clone();
    }

    /** Replaces a file, forced. */
    synchronized void put(String name, byte[] bytes) {
        Content content = names.computeIfAbsent(name, key -> new Content());
        content.bytes = bytes.clone();
        content.forced = bytes.clone();
        content.unforced.clear();
        forcedNames.put(name, content);
    }

    /** Returns a disk with the same files, all forced. */
    synchronized SimulatedDisk copy() {
        SimulatedDisk copy = new SimulatedDisk(totalBytes);
        names.forEach((name, content) -> copy.put(name, content.bytes));
        return copy;
    }

    synchronized List<String> segments() {
        return names.keySet().stream()
                .filter(name -> name.startsWith("segment-"))
                .sorted()
                .toList();
    }

    private Content content(String name) {
        Content content = names.get(name);
        if (content == null) {
            throw new AssertionError("no file " + name + " in " + names.keySet());
        }
        return content;
    }

    private int step(Call call, String file, int bytes, boolean changes) throws IOException {
        if (powerLost) {
            throw new PowerLost();
        }
        int allowed = fault.before(call, file, bytes);
        if (changes) {
            steps++;
        }
        return allowed;
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }

    @Override
    public void createDirectory(Path directory) {}

    @Override
    public synchronized Closeable lock(Path file) throws IOException {
        if (locked) {
            throw new SpoolUnavailableException("in use");
        }
        locked = true;
        return () -> {
            synchronized (this) {
                locked = false;
            }
        };
    }

    @Override
    public synchronized List<String> list(Path directory) throws IOException {
        step(Call.LIST, "", 0, false);
        return List.copyOf(names.keySet());
    }

    @Override
    public synchronized Handle openForWriting(Path file) throws IOException {
        step(Call.OPEN, name(file), 0, !names.containsKey(name(file)));
        return new SimulatedFile(name(file), names.computeIfAbsent(name(file), key -> new Content()));
    }

    @Override
    public synchronized Handle openForReading(Path file) throws IOException {
        step(Call.OPEN, name(file), 0, false);
        Content content = names.get(name(file));
        if (content == null) {
            throw new NoSuchFileException(name(file));
        }
        return new SimulatedFile(name(file), content);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        outside.before(Call.RENAME, name(from), 0);
        renameNow(from, to);
    }

    private synchronized void renameNow(Path from, Path to) throws IOException {
        step(Call.RENAME, name(from), 0, true);
        Content content = names.remove(name(from));
        if (content == null) {
            throw new NoSuchFileException(name(from));
        }
        names.put(name(to), content);
    }

    @Override
    public void delete(Path file) throws IOException {
        outside.before(Call.DELETE, name(file), 0);
        deleteNow(file);
    }

    private synchronized void deleteNow(Path file) throws IOException {
        step(Call.DELETE, name(file), 0, true);
        if (names.remove(name(file)) == null) {
            throw new NoSuchFileException(name(file));
        }
    }

    @Override
    public synchronized void forceDirectory(Path directory) throws IOException {
        step(Call.FORCE_DIRECTORY, "", 0, true);
        forcedNames = new HashMap<>(names);
    }

    private long used() {
        return names.values().stream()
                .mapToLong(content -> content.bytes.length)
                .sum();
    }

    @Override
    public synchronized long freeBytes(Path directory) throws IOException {
        step(Call.SPACE, "", 0, false);
        return Math.max(0, totalBytes - used());
    }

    @Override
    public synchronized long totalBytes(Path directory) {
        return totalBytes;
    }

    private final class SimulatedFile implements Handle {
        private final String name;
        private final Content content;

        SimulatedFile(String name, Content content) {
            this.name = name;
            this.content = content;
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            outside.before(Call.READ, name, into.remaining());
            synchronized (SimulatedDisk.this) {
                step(Call.READ, name, into.remaining(), false);
                if (position >= content.bytes.length) {
                    return -1;
                }
                int count = (int) Math.min(into.remaining(), content.bytes.length - position);
                into.put(content.bytes, (int) position, count);
                return count;
            }
        }

        @Override
        public int write(ByteBuffer from, long position) throws IOException {
            synchronized (SimulatedDisk.this) {
                int count = step(Call.WRITE, name, from.remaining(), true);
                int end = (int) position + count;
                if (end > content.bytes.length) {
                    if (used() + end - content.bytes.length > totalBytes) {
                        throw new NoSpaceException("No space left on device", null);
                    }
                    content.bytes = Arrays.copyOf(content.bytes, end);
                }
                from.get(content.bytes, (int) position, count);
                content.unforced.add(new long[] {position, count});
                return count;
            }
        }

        @Override
        public void force() throws IOException {
            outside.before(Call.FORCE, name, 0);
            synchronized (SimulatedDisk.this) {
                step(Call.FORCE, name, 0, true);
                content.force();
                content.unforced.clear();
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (SimulatedDisk.this) {
                step(Call.TRUNCATE, name, 0, true);
                if (size < content.bytes.length) {
                    content.bytes = Arrays.copyOf(content.bytes, (int) size);
                    content.unforced.add(new long[] {size, -1});
                }
            }
        }

        @Override
        public long size() {
            synchronized (SimulatedDisk.this) {
                return content.bytes.length;
            }
        }

        @Override
        public void close() {}
    }

    /** Opens a spool over a disk, small and with repeatable keys. */
    static FileSpoolBuilder spool(SimulatedDisk disk, long seed) {
        Random random = new Random(seed);
        return FileSpool.builder(Path.of("spool"))
                .io(disk)
                .keys(random::nextLong)
                .segmentBytes(FileSpoolBuilder.MIN_SEGMENT_BYTES)
                .minimumFreeBytes(FileSpoolBuilder.MIN_MINIMUM_FREE_BYTES)
                .minimumFreePercent(0)
                .slackSegments(0);
    }
}
