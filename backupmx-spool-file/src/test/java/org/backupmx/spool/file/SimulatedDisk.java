package org.backupmx.spool.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that knows what was forced. Writes and names stay apart until a force; a crash keeps any of them, in
 * any order, whole or torn. Any call can be made to fail, and a force that failed drops what it was to keep. A sector that
 * was forced keeps its bytes. Thread-safe.
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

    /** Decides about each call before it is done; may throw, or cut a read or a write by returning less than was asked. */
    @FunctionalInterface
    interface Fault {
        int before(Call call, String file, int bytes) throws IOException;
    }

    /** The power is gone. */
    static final class PowerLost extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private final long totalBytes;
    private final DiskNames names = new DiskNames();
    private final Random drops;
    private Fault fault = (call, file, bytes) -> bytes;
    private volatile Fault outside = (call, file, bytes) -> bytes;
    private boolean locked;
    private boolean powerLost;
    private int steps;
    private @Nullable SpoolKeys keys;

    SimulatedDisk(long totalBytes) {
        this(totalBytes, 1);
    }

    /** Makes an empty disk; {@code drops} tells which pages a failed force drops. */
    SimulatedDisk(long totalBytes, long drops) {
        this.totalBytes = totalBytes;
        this.drops = new Random(drops);
    }

    /** Has every spool on it opened with keys. */
    SimulatedDisk encrypted(@Nullable SpoolKeys value) {
        keys = value;
        return this;
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

    /** Ends the power and returns the disk as it is found afterwards. */
    synchronized SimulatedDisk afterCrash(Random random) {
        powerLost = true;
        return survivor(random);
    }

    /** Returns the disk as it would be found if the power went now: what was forced, and some of the rest. */
    synchronized SimulatedDisk survivor(Random random) {
        SimulatedDisk after = empty();
        Map<FileContent, FileContent> copies = new HashMap<>();
        names.survivors(random)
                .forEach((name, content) -> after.names.put(
                        name,
                        copies.computeIfAbsent(content, it -> FileContent.of(it.survivor(Loss.of(random), random)))));
        return after;
    }

    private SimulatedDisk empty() {
        return new SimulatedDisk(totalBytes).encrypted(keys);
    }

    /** Has all that was written reach the disk by itself, as it may at any time. */
    synchronized void forceAll() {
        names.contents().forEach(FileContent::force);
    }

    /** Tells whether there is a file of a name. */
    synchronized boolean has(String name) {
        return names.has(name);
    }

    /** Returns the size of all files together. */
    synchronized long usedBytes() {
        return used();
    }

    /** Returns the size of a file. */
    synchronized int size(String name) {
        return content(name).size();
    }

    /** Returns a copy of a file as a reader sees it. */
    synchronized byte[] bytes(String name) {
        return content(name).bytes().clone();
    }

    /** Replaces a file, forced. */
    synchronized void put(String name, byte[] bytes) {
        FileContent content = names.find(name);
        if (content == null) {
            names.put(name, FileContent.of(bytes));
        } else {
            content.replace(bytes);
            names.put(name, content);
        }
    }

    /** Has a page of a file not be readable any more, until all of it is written. */
    synchronized void spoil(String name, int page) {
        content(name).spoil(page);
    }

    /** Has all that is there be readable again. */
    synchronized void heal() {
        names.contents().forEach(FileContent::heal);
    }

    /** Returns a disk with the same files, all forced. */
    synchronized SimulatedDisk copy() {
        SimulatedDisk copy = empty();
        names.names().forEach(name -> copy.put(name, content(name).bytes()));
        return copy;
    }

    synchronized List<String> files() {
        return List.copyOf(names.names());
    }

    synchronized List<String> segments() {
        return names.names().stream()
                .filter(name -> name.startsWith("segment-"))
                .sorted()
                .toList();
    }

    private FileContent content(String name) {
        FileContent content = names.find(name);
        if (content == null) {
            throw new AssertionError("no file " + name + " in " + names.names());
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
        return List.copyOf(names.names());
    }

    @Override
    public synchronized Handle openForWriting(Path file) throws IOException {
        step(Call.OPEN, name(file), 0, !names.has(name(file)));
        return new SimulatedFile(name(file), names.getOrCreate(name(file)));
    }

    @Override
    public synchronized Handle openForReading(Path file) throws IOException {
        step(Call.OPEN, name(file), 0, false);
        return new SimulatedFile(name(file), names.get(name(file)));
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        outside.before(Call.RENAME, name(from), 0);
        renameNow(from, to);
    }

    private synchronized void renameNow(Path from, Path to) throws IOException {
        step(Call.RENAME, name(from), 0, true);
        names.rename(name(from), name(to));
    }

    @Override
    public void delete(Path file) throws IOException {
        outside.before(Call.DELETE, name(file), 0);
        deleteNow(file);
    }

    private synchronized void deleteNow(Path file) throws IOException {
        step(Call.DELETE, name(file), 0, true);
        names.delete(name(file));
    }

    @Override
    public synchronized void forceDirectory(Path directory) throws IOException {
        step(Call.FORCE_DIRECTORY, "", 0, true);
        names.force();
    }

    private long used() {
        return names.contents().stream().mapToLong(FileContent::size).sum();
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
        private final FileContent content;

        SimulatedFile(String name, FileContent content) {
            this.name = name;
            this.content = content;
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            outside.before(Call.READ, name, into.remaining());
            synchronized (SimulatedDisk.this) {
                int allowed = step(Call.READ, name, into.remaining(), false);
                int limit = into.limit();
                into.limit(into.position() + Math.min(allowed, into.remaining()));
                try {
                    return content.read(into, (int) position);
                } finally {
                    into.limit(limit);
                }
            }
        }

        @Override
        public int write(ByteBuffer from, long position) throws IOException {
            synchronized (SimulatedDisk.this) {
                int count = step(Call.WRITE, name, from.remaining(), true);
                long room = totalBytes - used() + Math.max(0, content.size() - position);
                if (room <= 0 && count > 0) {
                    throw new NoSpaceException("No space left on device", null);
                }
                count = (int) Math.min(count, room);
                content.write((int) position, from, count);
                return count;
            }
        }

        @Override
        public void force() throws IOException {
            outside.before(Call.FORCE, name, 0);
            synchronized (SimulatedDisk.this) {
                try {
                    step(Call.FORCE, name, 0, true);
                } catch (PowerLost e) {
                    throw e;
                } catch (IOException e) {
                    content.failForce(drops);
                    throw e;
                }
                content.force();
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (SimulatedDisk.this) {
                step(Call.TRUNCATE, name, 0, true);
                content.truncate((int) size);
            }
        }

        @Override
        public long size() {
            synchronized (SimulatedDisk.this) {
                return content.size();
            }
        }

        @Override
        public void close() {}
    }

    /** Returns what a spool on it is encrypted with. */
    Encryption encryption() {
        return keys == null ? Encryption.OFF : new Encryption(keys, new SecureRandom());
    }

    /** Opens a spool over a disk, small and with repeatable keys. */
    static FileSpoolBuilder spool(SimulatedDisk disk, long seed) {
        Random random = new Random(seed);
        FileSpoolBuilder builder = FileSpool.builder(Path.of("spool"))
                .io(disk)
                .keys(random::nextLong)
                .segmentBytes(FileSpoolBuilder.MIN_SEGMENT_BYTES)
                .checkpointedBytes(0)
                .minimumFreeBytes(FileSpoolBuilder.MIN_MINIMUM_FREE_BYTES)
                .minimumFreePercent(0)
                .slackSegments(0);
        return disk.keys == null ? builder : builder.encryptionKeys(disk.keys);
    }
}
