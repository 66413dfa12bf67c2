package org.backupmx.spool.file;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.IntConsumer;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.file.MessageTable.Chunks;
import org.backupmx.spool.file.SpoolIndex.DamagedMessage;
import org.jspecify.annotations.Nullable;

/**
 * Makes the index from the segments: every record of every segment once, in order, from the segment's checkpoint as far
 * as there is one. Changes no file. Used once, by one thread, before anybody else uses the index.
 */
final class Recovery {

    /** What was said of one message, and in which segments. */
    private record Early(List<IntConsumer> changes, SortedSet<Integer> segments) {}

    private final SegmentFiles files;
    private final SpoolIndex index;
    private final @Nullable Checkpoints checkpoints;
    private final boolean decryptsData;
    private final Map<String, MailDomain> domains = new HashMap<>();
    private final Map<Integer, DataKey> dataKeys = new HashMap<>();

    /** What was said of messages whose own record did not come yet: it was moved behind, cannot be read, or is gone. */
    private final Map<Long, Early> early = new HashMap<>();

    private final List<Damage> damage = new ArrayList<>();
    private final List<Damage> torn = new ArrayList<>();
    private final SortedSet<Integer> versions = new TreeSet<>();
    /** Damage that no message can be named for, or that took a message's state only. */
    private final List<Damage> lost = new ArrayList<>();

    private long[] dead = new long[16];
    private int deadCount;
    private long lastSession;
    private int lastNumber;
    private int lastEnd;
    private int lastForced;
    private long records;
    private int segmentCount;
    private int checkpointCount;

    /** A recovery that reads the segments and no checkpoints. */
    Recovery(SegmentFiles files, SpoolIndex index, boolean decryptsData) {
        this(files, index, null, decryptsData);
    }

    /**
     * Prepares to read.
     *
     * @param decryptsData whether encrypted mail data is looked at, too, or its CRC only
     */
    Recovery(SegmentFiles files, SpoolIndex index, @Nullable Checkpoints checkpoints, boolean decryptsData) {
        this.files = files;
        this.index = index;
        this.checkpoints = checkpoints;
        this.decryptsData = decryptsData;
    }

    void run() throws IOException {
        List<Integer> numbers = files.list();
        Map<Integer, SegmentHeader> headers = new HashMap<>();
        Map<Integer, FileIo.Handle> handles = new HashMap<>();
        Map<Integer, Integer> ends = new HashMap<>();
        boolean whole = false;
        try {
            for (int number : numbers) {
                FileIo.Handle handle = files.io().openForReading(files.path(number));
                handles.put(number, handle);
                SegmentHeader header = SegmentHeaders.read(files.path(number), number, handle, damage);
                if (header != null) {
                    headers.put(number, header);
                    versions.add(header.version());
                    DataKey dataKey = files.encryption().unwrap(header);
                    if (dataKey != null) {
                        dataKeys.put(number, dataKey);
                    }
                    ends.put(header.previous(), header.previousEnd());
                    lastSession = Math.max(lastSession, header.session());
                }
            }
            for (int number : numbers) {
                FileIo.Handle handle = handles.get(number);
                if (handle != null) {
                    read(number, handle, headers.get(number), ends.get(number));
                }
            }
            whole = true;
        } finally {
            if (!whole) {
                for (FileIo.Handle handle : handles.values()) {
                    handle.close();
                }
            }
        }
        judge();
    }

    private void read(int number, FileIo.Handle handle, @Nullable SegmentHeader header, @Nullable Integer expectedEnd)
            throws IOException {
        Segment segment = new Segment(number, header, dataKeys.get(number), handle);
        segment.seal();
        files.add(segment);
        SegmentReader reader = new SegmentReader(segment, expectedEnd == null ? -1 : expectedEnd, decryptsData);
        boolean[] marked = new boolean[1];
        Checkpoint checkpoint = header == null ? null : checkpoint(segment, expectedEnd);
        if (checkpoint != null) {
            segment.checkpointed = true;
            checkpointCount++;
            checkpoint.read(
                    (record, offset, bytes, metaAt) -> apply(record, Location.of(number, offset), bytes, metaAt));
            records += checkpoint.records();
            marked[0] = checkpoint.isMarked();
            reader.from(checkpoint.end());
        }
        if (!segment.erased) {
            reader.read((record, offset, bytes, metaAt) -> {
                marked[0] = record.type() == RecordType.MARK;
                apply(record, Location.of(number, offset), bytes, metaAt);
            });
        }
        segment.key(reader.key() == 0 && header != null ? header.key() : reader.key());
        segment.end(reader.end());
        if (segment.key() == 0) {
            segment.damages++; // nothing in it can be read: not for us to delete
        }
        records += reader.records();
        damage.addAll(reader.damage());
        torn.addAll(reader.torn());
        if (header != null) {
            Segment before = files.get(header.previous());
            segment.endsPrevious = before != null && before.isSetAside();
        }
        if (expectedEnd != null && !(marked[0] && tellsItsEnd(segment, expectedEnd))) {
            segment.setAside();
        }
        segmentCount++;
        lastNumber = number;
        lastEnd = reader.end();
        lastForced = reader.forced();
    }

    /** What was refused behind a MARK would be taken for told of, if the next segment's word were gone. */
    private boolean tellsItsEnd(Segment segment, int expectedEnd) throws IOException {
        return !new SegmentReader(segment, -1, decryptsData).from(expectedEnd).findsRecord();
    }

    private @Nullable Checkpoint checkpoint(Segment segment, @Nullable Integer expectedEnd) throws IOException {
        if (checkpoints == null || segment.erased) {
            return null;
        }
        long size = segment.reading().size();
        return checkpoints.load(segment, expectedEnd == null ? size : Math.min(size, expectedEnd));
    }

    private void apply(RecordHeader record, long location, byte[] bytes, int metaAt) {
        MetaReader meta = new MetaReader(bytes, metaAt, record.metaLength());
        long id = record.id();
        lastSession = Math.max(lastSession, Ids.session(id));
        int length = (int) record.length();
        try {
            switch (record.type()) {
                case MESSAGE, LONG -> message(id, location, length, MessageMeta.summary(meta, this::domain));
                case CHUNK -> {
                    int number = meta.getInt();
                    known(id, location, row -> chunk(row, number, location, length));
                }
                case STATE -> {
                    LaneState.Head head = LaneState.head(meta);
                    known(id, location, row -> state(row, head, location, length));
                }
                case DEAD -> dead(id, DeadItem.hosts(meta), location, length);
                case HOLD -> {
                    boolean held = meta.getByte() == 1;
                    index.soft(location, length);
                    known(id, location, row -> index.hold(id, held));
                }
                case DUES -> dues(meta, location, length);
                case MARK, PAD, SUMMARY, COVERED -> {}
            }
        } catch (IllegalArgumentException e) {
            damage.add(new Damage(
                    Location.segment(location), Location.offset(location), length, record, e.getMessage() + ""));
        }
    }

    private MailDomain domain(String name) {
        return domains.computeIfAbsent(name, MailDomain::of);
    }

    private void known(long id, long location, IntConsumer change) {
        int row = index.messages.find(id);
        if (row >= 0) {
            change.accept(row);
        } else {
            Early said = early.computeIfAbsent(id, key -> new Early(new ArrayList<>(1), new TreeSet<>()));
            said.changes().add(change);
            said.segments().add(Location.segment(location));
        }
    }

    private void message(long id, long location, int length, MessageMeta.Summary summary) {
        int row = index.messages.find(id);
        if (row >= 0) {
            index.copied(id, Location.segment(index.messages.location.get(row)));
            index.move(row, location, length); // a copy: the one before was to go
            return;
        }
        Chunks chunks = null;
        if (summary.chunks() > 0) {
            chunks = new Chunks(new long[summary.chunks()], new int[summary.chunks()]);
        }
        row = index.add(
                id, location, length, summary.sizeBytes(), Micros.of(summary.receivedAt()), summary.lanes(), chunks);
        Early said = early.remove(id);
        if (said != null) {
            for (IntConsumer change : said.changes()) {
                change.accept(row);
            }
        }
    }

    private void chunk(int row, int number, long location, int length) {
        Chunks chunks = index.messages.chunks(row);
        if (chunks != null && number >= 0 && number < chunks.locations().length) {
            index.moveChunk(chunks, number, location, length);
        }
    }

    private void state(int row, LaneState.Head head, long location, int length) {
        int entry = index.entry(row, head.lane());
        if (entry < 0) {
            return;
        }
        index.state(entry, location, length);
        if (index.entries.isDone(entry)) {
            return;
        }
        if (head.done()) {
            index.finish(entry);
        } else {
            index.entries.due.set(entry, Micros.of(head.due()));
            index.place(entry);
        }
    }

    private void dead(long id, int[] hosts, long location, int length) {
        early.remove(id);
        int row = index.messages.find(id);
        if (row >= 0) {
            index.remove(row);
        }
        index.dead(id, location, length, hosts);
        if (deadCount == dead.length) {
            dead = Arrays.copyOf(dead, deadCount * 2);
        }
        dead[deadCount++] = id;
    }

    private void dues(MetaReader meta, long location, int length) {
        long due = Micros.of(meta.getInstant());
        int count = meta.getCount(10);
        index.soft(location, length);
        for (int i = 0; i < count; i++) {
            long id = meta.getLong();
            int lane = meta.getShort();
            known(id, location, row -> {
                int entry = index.entry(row, lane);
                if (entry >= 0 && !index.entries.isDone(entry)) {
                    index.entries.due.set(entry, due);
                    index.place(entry);
                }
            });
        }
    }

    /** Says of each damage whom it hit. */
    private void judge() {
        String cause = damage.stream()
                .filter(Damage::isUnreadable)
                .findFirst()
                .map(one -> ", perhaps in " + one.describe())
                .orElse("");
        for (int row = 0; row < index.messages.rows(); row++) {
            Chunks chunks = index.messages.id.get(row) == 0 ? null : index.messages.chunks(row);
            for (int i = 0; chunks != null && i < chunks.locations().length; i++) {
                if (chunks.locations()[i] == 0) {
                    index.quarantine(index.messages.id.get(row), "chunk " + i + " of its mail data is lost" + cause);
                    if (!cause.isEmpty()) {
                        keepInPlace(index.messages.location.get(row));
                    }
                    break;
                }
            }
        }
        keepWhatMayBelongToUnreadable();
        index.unreadable(damage.stream()
                .filter(Damage::isUnreadable)
                .mapToInt(Damage::segment)
                .distinct()
                .toArray());
        if (damage.isEmpty()) {
            return;
        }
        Arrays.sort(dead, 0, deadCount);
        for (Damage one : damage) {
            RecordHeader header = one.header();
            if (isHeaderOfDead(one)) {
                continue; // torn when its key was to be erased
            }
            if (header != null && Arrays.binarySearch(dead, 0, deadCount, header.id()) >= 0) {
                continue; // what was hit was needed no more
            }
            RecordType type = header == null ? null : header.type();
            boolean queued = header != null && index.messages.find(header.id()) >= 0;
            if (header != null && (type == RecordType.MESSAGE || type == RecordType.LONG)) {
                if (!queued
                        && index.damagedMessages.putIfAbsent(
                                        header.id(), new DamagedMessage(one.segment(), one.describe()))
                                == null) {
                    keep(one);
                }
            } else if (type == RecordType.CHUNK ? queued : type != RecordType.STATE || queued) {
                if (type != RecordType.CHUNK) {
                    lost.add(one); // a lost chunk is told with its message
                }
                keep(one);
            } else if (one.isUnreadable()) {
                keep(one); // its message may be readable again one day
            }
        }
    }

    /** What is perhaps dead, by a record that the disk refuses today, must not be moved behind that. */
    private void keepInPlace(long location) {
        Segment segment = files.get(Location.segment(location));
        if (segment != null) {
            segment.damages++;
        }
    }

    /** Messages whose own record the disk refuses today come back with what was said of them. */
    private void keepWhatMayBelongToUnreadable() {
        if (damage.stream().anyMatch(Damage::isUnreadable)) {
            early.values().stream()
                    .flatMap(said -> said.segments().stream())
                    .distinct()
                    .map(files::get)
                    .filter(Objects::nonNull)
                    .forEach(segment -> segment.damages++);
        }
        early.clear();
    }

    private boolean isHeaderOfDead(Damage one) {
        Segment segment = files.get(one.segment());
        return segment != null && segment.dataKey() != null && one.offset() < segment.start() && segment.liveBytes == 0;
    }

    private void keep(Damage one) {
        Segment segment = files.get(one.segment());
        if (segment != null && one.offset() >= segment.start()) {
            segment.damages++;
        }
    }

    /**
     * Returns what the disk refuses to read and has to be known: a header, which says where the segment before ends, or
     * the part of the last segment that is not surely forced, of which it has to be told what was stored from what is torn.
     */
    Optional<Damage> undecided() {
        return damage.stream()
                .filter(Damage::isUnreadable)
                .filter(one -> one.offset() == 0 || one.segment() == lastNumber && one.end() > lastForced)
                .findFirst();
    }

    /** Returns every damage, whomever it hit. */
    List<Damage> damage() {
        return damage;
    }

    /** Returns damage that hit something needed and for which no message can be named as damaged. */
    List<Damage> lost() {
        return lost;
    }

    /** Returns what unfinished writes left before the end of the last segment. */
    List<Damage> torn() {
        return torn;
    }

    /** Returns the format versions of the segments. */
    SortedSet<Integer> versions() {
        return versions;
    }

    long lastSession() {
        return lastSession;
    }

    /** Returns the number of the last segment, 0 if there is none. */
    int lastNumber() {
        return lastNumber;
    }

    /** Returns where the last segment's last intact record ends. */
    int lastEnd() {
        return lastEnd;
    }

    /** Returns up to where the last segment was forced for sure. */
    int lastForced() {
        return lastForced;
    }

    /** Returns how many segments were read. */
    int segments() {
        return segmentCount;
    }

    long records() {
        return records;
    }

    /** Returns of how many segments a checkpoint was used. */
    int checkpointCount() {
        return checkpointCount;
    }
}
