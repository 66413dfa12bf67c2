package org.backupmx.spool.file;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One segment and what of it is needed. The counters belong to the index and its monitor. */
final class Segment {

    private static final int STEPS = 2 * CompactionPolicy.NEARLY_EMPTY;

    private final int number;
    private volatile long key;
    private final @Nullable DataKey dataKey;
    private final int start;
    private final FileIo.Handle reading;
    private volatile int end;
    private volatile boolean sealed;
    private volatile boolean setAside;
    /** Whether its data key is overwritten: nothing of it can be read any more. The compactor's own. */
    boolean erased;

    /** Bytes of records that are needed: messages, chunks, states, and deaths of messages that still have a record. */
    long liveBytes;
    /** Bytes of HOLD and DUES records; whether they are needed is found out when the segment is compacted. */
    long softBytes;
    /** Chunks of messages that are not committed yet. */
    int openChunks;
    /** Places of damage that may have hit something needed; such a segment is kept as it is. */
    int damages;
    /** Whether the segment before was set aside, and only this one's header says where that ends. */
    boolean endsPrevious;
    /** Whether a checkpoint of it was read, written or tried. */
    boolean checkpointed;
    /** What was needed after the last attempt to move it all away; no use in trying again before that changes. */
    long triedAtLiveBytes = -1;
    /** Bytes of DEAD records, by their segment, that are needed as long as this segment exists. */
    final Map<Integer, Long> dependents = new HashMap<>(4);

    /** A segment with no records yet; {@code header} is null if it is damaged. */
    Segment(int number, @Nullable SegmentHeader header, @Nullable DataKey dataKey, FileIo.Handle reading) {
        this.number = number;
        this.key = header == null ? 0 : header.key();
        this.dataKey = dataKey;
        this.start = header == null ? RecordFormat.SEGMENT_HEADER_BYTES : header.length();
        this.reading = reading;
        this.end = start;
        this.erased = header != null && header.isErased();
    }

    int number() {
        return number;
    }

    long key() {
        return key;
    }

    void key(long value) {
        key = value;
    }

    /** Returns what its records are encrypted with, null if they are not. */
    @Nullable
    DataKey dataKey() {
        return dataKey;
    }

    /** Returns where the first record is. */
    int start() {
        return start;
    }

    FileIo.Handle reading() {
        return reading;
    }

    /** Returns where the last record ends. */
    int end() {
        return end;
    }

    void end(int value) {
        end = value;
    }

    /** Tells whether nothing more is appended. */
    boolean isSealed() {
        return sealed;
    }

    void seal() {
        sealed = true;
    }

    /** Says that it does not tell itself where it ends. */
    void setAside() {
        setAside = true;
    }

    boolean isSetAside() {
        return setAside;
    }

    /** Tells whether nothing in it is needed. */
    boolean isDead() {
        return isReclaimable() && liveBytes == 0 && softBytes == 0;
    }

    /** Tells whether it can go when what is needed of it stands elsewhere. */
    boolean isReclaimable() {
        return sealed && damages == 0 && openChunks == 0 && !endsPrevious;
    }

    /** Returns how many bytes of records it has. */
    int size() {
        return end - start;
    }

    /** Returns how much of it is needed in {@value #STEPS} steps, so that not each record that goes is worth a look. */
    int fill() {
        return (int) (liveBytes * STEPS / Math.max(1, size()));
    }
}
