package org.backupmx.spool.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
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

    /** Decides about each call before it is done; may throw, or cut a write by returning less than was asked. */
    @FunctionalInterface
    interface Fault {
        int before(Call call, String file, int bytes) throws IOException;
    }

    /** The power is gone. */
    static final class PowerLost extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /** One change of a file that was not forced: a write, or a truncation, which has no data. */
    private static final class Change {
        private final int at;
        private final byte[] data;

        Change(int at, byte[] data) {
            this.at = at;
            this.data = data;
        }

        int end() {
            return data == null ? Integer.MAX_VALUE : at + data.length;
        }
    }

    /** One change of a directory that was not forced: a creation has no {@code from}, a deletion no {@code to}. */
    private record NameChange(Content content, String from, String to) {
        boolean meets(NameChange other) {
            return content == other.content || names().stream().anyMatch(other.names()::contains);
        }

        private List<String> names() {
            return Stream.of(from, to).filter(Objects::nonNull).toList();
        }
    }

    private static final class Content {
        /** What a reader sees. */
        byte[] bytes = new byte[0];
        /** What would survive. */
        byte[] forced = new byte[0];
        /** What was done since the last force, in order. */
        final List<Change> changes = new ArrayList<>();
        /** A force failed: pages that readers see are not on the disk, and nothing is due to write them. */
        boolean dropped;

        void write(int at, ByteBuffer from, int count) {
            int end = at + count;
            if (end > bytes.length) {
                bytes = Arrays.copyOf(bytes, end);
            }
            from.get(bytes, at, count);
            int first = dropped ? at / PAGE * PAGE : at; // the page cache writes whole pages
            int last = dropped ? Math.min(bytes.length, (end + PAGE - 1) / PAGE * PAGE) : end;
            changes.add(new Change(first, Arrays.copyOfRange(bytes, first, last)));
        }

        void truncate(int size) {
            if (size < bytes.length) {
                bytes = Arrays.copyOf(bytes, size);
                changes.add(new Change(size, null));
            }
        }

        void force() {
            forced = survivor(Loss.NONE, new Random(0));
            changes.clear();
        }

        /** What Linux does: the error is told once, the pages count as clean, a later force has nothing to do. */
        void failForce(Random random) {
            forced = survivor(Loss.of(random), random);
            changes.clear();
            dropped = true;
            if (random.nextBoolean()) {
                bytes = Arrays.copyOf(forced, bytes.length); // the pages left the cache
            }
        }

        /** Returns what is found if the power goes now. */
        byte[] survivor(Loss loss, Random random) {
            if (changes.isEmpty()) {
                return dropped && loss == Loss.NONE ? Arrays.copyOf(forced, bytes.length) : forced.clone();
            }
            int most = Math.max(1, Math.max(forced.length, bytes.length));
            for (Change change : changes) {
                most = change.data == null ? most : Math.max(most, change.end());
            }
            int[] kept = loss.kept((most + SECTOR - 1) / SECTOR, changes.size(), random);
            byte[] found = Arrays.copyOf(forced, most);
            if (loss == Loss.SECTORS
                    && random.nextInt(4) == 0) { // blocks of a file that grew hold what was there before
                byte[] stale = new byte[most - forced.length];
                random.nextBytes(stale);
                System.arraycopy(stale, 0, found, forced.length, stale.length);
            }
            int[] sizes = new int[changes.size() + 1];
            sizes[0] = forced.length;
            for (int i = 0; i < changes.size(); i++) {
                Change change = changes.get(i);
                sizes[i + 1] = change.data == null ? change.at : Math.max(sizes[i], change.end());
                apply(change, i, kept, found);
            }
            if (loss == Loss.TORN && kept[0] + 1 < changes.size()) {
                Change half = changes.get(kept[0] + 1);
                if (half.data != null) {
                    int count = random.nextInt(half.data.length + 1);
                    System.arraycopy(half.data, 0, found, half.at, count);
                    return Arrays.copyOf(found, Math.max(sizes[kept[0] + 1], half.at + count));
                }
            }
            if (loss == Loss.NONE) {
                return Arrays.copyOf(found, bytes.length);
            }
            return Arrays.copyOf(found, sizes[loss.isOrdered() ? kept[0] + 1 : random.nextInt(sizes.length)]);
        }

        private static void apply(Change change, int number, int[] kept, byte[] found) {
            int end = Math.min(change.end(), found.length);
            for (int at = change.at; at < end; ) {
                int sector = at / SECTOR;
                int next = Math.min((sector + 1) * SECTOR, end);
                if (number <= kept[sector]) {
                    if (change.data == null) {
                        Arrays.fill(found, at, next, (byte) 0);
                    } else {
                        System.arraycopy(change.data, at - change.at, found, at, next - at);
                    }
                }
                at = next;
            }
        }
    }

    /** What a loss of power takes of the changes to a file that were not forced. */
    private enum Loss {
        NONE,
        ALL,
        /** Everything behind some change: the disk kept the order. */
        LATER,
        /** The same, and the next change is there in part, torn anywhere. */
        TORN,
        /** Each sector is as some change left it, in any mixture. */
        SECTORS,
        /** Each page of eight sectors. */
        PAGES,
        /** All but one sector is there. */
        ONE_SECTOR,
        /** One sector alone is there. */
        ALL_BUT_ONE_SECTOR;

        private static final Loss[] EACH = values();

        static Loss of(Random random) {
            return EACH[random.nextInt(EACH.length)];
        }

        boolean isOrdered() {
            return this == ALL || this == LATER || this == TORN;
        }

        /** Returns for each sector the last change that it kept, -1 if none. */
        int[] kept(int sectors, int changes, Random random) {
            int[] kept = new int[sectors];
            int last = changes - 1;
            switch (this) {
                case NONE -> Arrays.fill(kept, last);
                case ALL -> Arrays.fill(kept, -1);
                case LATER, TORN -> Arrays.fill(kept, random.nextInt(changes + 1) - 1);
                case SECTORS -> Arrays.setAll(kept, i -> any(changes, random));
                case PAGES -> {
                    for (int i = 0; i < sectors; i++) {
                        kept[i] = i % (PAGE / SECTOR) == 0 ? any(changes, random) : kept[i - 1];
                    }
                }
                case ONE_SECTOR, ALL_BUT_ONE_SECTOR -> {
                    Arrays.fill(kept, this == ONE_SECTOR ? last : -1);
                    if (sectors > 0) {
                        kept[random.nextInt(sectors)] = this == ONE_SECTOR ? -1 : last;
                    }
                }
            }
            return kept;
        }

        private static int any(int changes, Random random) {
            return switch (random.nextInt(4)) {
                case 0 -> -1;
                case 1 -> random.nextInt(changes + 1) - 1;
                default -> changes - 1;
            };
        }
    }

    private static final int SECTOR = 512;
    private static final int PAGE = 4096;

    private final long totalBytes;
    private final Map<String, Content> names = new TreeMap<>();
    private Map<String, Content> forcedNames = new TreeMap<>();
    private final List<NameChange> nameChanges = new ArrayList<>();
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
        Map<Content, Content> copies = new HashMap<>();
        survivingNames(random).forEach((name, content) -> {
            Content copy = copies.computeIfAbsent(content, it -> {
                Content survivor = new Content();
                survivor.forced = it.survivor(Loss.of(random), random);
                survivor.bytes = survivor.forced.clone();
                return survivor;
            });
            after.names.put(name, copy);
            after.forcedNames.put(name, copy);
        });
        return after;
    }

    private SimulatedDisk empty() {
        return new SimulatedDisk(totalBytes).encrypted(keys);
    }

    /** A journal keeps changes of names up to some point; without one any that do not depend on each other. */
    private Map<String, Content> survivingNames(Random random) {
        Map<String, Content> kept = new TreeMap<>(forcedNames);
        boolean journal = random.nextInt(4) > 0;
        int first = random.nextInt(nameChanges.size() + 1);
        List<NameChange> lost = new ArrayList<>();
        for (int i = 0; i < nameChanges.size(); i++) {
            NameChange change = nameChanges.get(i);
            if (journal ? i >= first : random.nextBoolean() || lost.stream().anyMatch(change::meets)) {
                lost.add(change);
                continue;
            }
            if (change.from() != null) {
                kept.remove(change.from());
            }
            if (change.to() != null) {
                kept.put(change.to(), change.content());
            }
        }
        return kept;
    }

    /** Has all that was written reach the disk by itself, as it may at any time. */
    synchronized void forceAll() {
        names.values().forEach(Content::force);
    }

    /** Tells whether there is a file of a name. */
    synchronized boolean has(String name) {
        return names.containsKey(name);
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
        content.changes.clear();
        forcedNames.put(name, content);
    }

    /** Returns a disk with the same files, all forced. */
    synchronized SimulatedDisk copy() {
        SimulatedDisk copy = empty();
        names.forEach((name, content) -> copy.put(name, content.bytes));
        return copy;
    }

    synchronized List<String> files() {
        return List.copyOf(names.keySet());
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
        Content content = names.get(name(file));
        if (content == null) {
            content = new Content();
            names.put(name(file), content);
            nameChanges.add(new NameChange(content, null, name(file)));
        }
        return new SimulatedFile(name(file), content);
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
        nameChanges.add(new NameChange(content, name(from), name(to)));
    }

    @Override
    public void delete(Path file) throws IOException {
        outside.before(Call.DELETE, name(file), 0);
        deleteNow(file);
    }

    private synchronized void deleteNow(Path file) throws IOException {
        step(Call.DELETE, name(file), 0, true);
        Content content = names.remove(name(file));
        if (content == null) {
            throw new NoSuchFileException(name(file));
        }
        nameChanges.add(new NameChange(content, name(file), null));
    }

    @Override
    public synchronized void forceDirectory(Path directory) throws IOException {
        step(Call.FORCE_DIRECTORY, "", 0, true);
        forcedNames = new TreeMap<>(names);
        nameChanges.clear();
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
                long room = totalBytes - used() + Math.max(0, content.bytes.length - position);
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
                return content.bytes.length;
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
