package org.backupmx.spool.file;

import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * A new due instant of some lanes of some messages. The meta of its record: i64 seconds, u32 nanoseconds, u32 count, and
 * for each: u64 message, u16 lane.
 */
final class DuesItem extends CommitItem {

    private final SpoolIndex index;
    private final Instant due;
    private final @Nullable CompletableFuture<Void> moved;
    private long[] ids = new long[2];
    private short[] lanes = new short[2];
    private int size;

    DuesItem(SpoolIndex index, Instant due) {
        this(index, due, null);
    }

    /** A copy of a record that is to go: {@code moved} tells when it is on disk or failed. */
    DuesItem(SpoolIndex index, Instant due, @Nullable CompletableFuture<Void> moved) {
        this.index = index;
        this.due = due;
        this.moved = moved;
    }

    void add(long id, int lane) {
        if (size == ids.length) {
            ids = Arrays.copyOf(ids, size * 2);
            lanes = Arrays.copyOf(lanes, size * 2);
        }
        ids[size] = id;
        lanes[size] = (short) lane;
        size++;
    }

    int size() {
        return size;
    }

    /** Drops what has another due instant by now. */
    void dropSuperseded() {
        int kept = 0;
        long micros = Micros.of(due);
        synchronized (index) {
            for (int i = 0; i < size; i++) {
                int row = index.messages.find(ids[i]);
                int entry = row < 0 ? -1 : index.entry(row, lanes[i] & 0xffff);
                if (entry >= 0 && !index.entries.isDone(entry) && index.entries.due.get(entry) == micros) {
                    ids[kept] = ids[i];
                    lanes[kept] = lanes[i];
                    kept++;
                }
            }
        }
        size = kept;
    }

    @Override
    @Nullable
    RecordBuffer record() {
        if (size == 0) {
            return null;
        }
        RecordBuffer record = new RecordBuffer(16 + 10 * size);
        record.putInstant(due);
        record.putInt(size);
        for (int i = 0; i < size; i++) {
            record.putLong(ids[i]);
            record.putShort(lanes[i]);
        }
        record.endMeta();
        record.finish(RecordType.DUES, 0);
        return record;
    }

    @Override
    boolean isLazy() {
        return moved == null;
    }

    @Override
    void publish() {
        index.soft(location(), length());
    }

    @Override
    void done() {
        if (moved != null) {
            moved.complete(null);
        }
    }

    @Override
    void failed(SpoolException cause) {
        if (moved != null) {
            moved.completeExceptionally(new SpoolUnavailableException("due instants were not moved", cause));
        }
    }
}
