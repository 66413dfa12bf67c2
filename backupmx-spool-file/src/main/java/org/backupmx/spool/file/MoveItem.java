package org.backupmx.spool.file;

import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.file.MessageTable.Chunks;
import org.jspecify.annotations.Nullable;

/** A record that moves from a sparse segment to the end of the log, if it is needed when its turn comes. */
final class MoveItem extends CommitItem {

    private final SpoolIndex index;
    private final SegmentFiles segments;
    private final RecordHeader header;
    private final long from;
    private final RecordBuffer copy;
    private final CompletableFuture<Void> moved;

    MoveItem(
            SpoolIndex index,
            SegmentFiles segments,
            long from,
            MessageLoader.Read read,
            CompletableFuture<Void> moved) {
        this.index = index;
        this.segments = segments;
        this.header = read.header();
        this.from = from;
        this.copy = RecordBuffer.copy(read);
        this.moved = moved;
    }

    /** Tells whether a record is needed where it is. */
    static boolean isNeeded(
            SpoolIndex index, SegmentFiles segments, RecordHeader header, MetaReader meta, long location) {
        synchronized (index) {
            if (header.type() == RecordType.DEAD) {
                return isDeathNeeded(segments, DeadItem.hosts(meta), Location.segment(location));
            }
            int row = index.messages.find(header.id());
            if (row < 0) {
                return false;
            }
            return switch (header.type()) {
                case MESSAGE, LONG ->
                    index.messages.location.get(row) == location && !index.messages.is(row, MessageTable.DYING);
                case CHUNK -> isChunk(index.messages.chunks(row), meta.getInt(), location);
                case STATE -> {
                    int entry = index.entry(row, meta.getShort());
                    yield entry >= 0
                            && index.entries.state.get(entry) == location
                            && !index.unwritten.containsKey(entry);
                }
                case HOLD -> index.messages.is(row, MessageTable.HELD) == (meta.getByte() == 1);
                case DEAD, DUES, MARK, PAD, SUMMARY, COVERED -> false;
            };
        }
    }

    private static boolean isChunk(@Nullable Chunks chunks, int number, long location) {
        return chunks != null && number < chunks.locations().length && chunks.locations()[number] == location;
    }

    private static boolean isDeathNeeded(SegmentFiles segments, int[] hosts, int here) {
        return Arrays.stream(hosts).anyMatch(host -> host != here && segments.get(host) != null);
    }

    private MetaReader meta() {
        return new MetaReader(copy.bytes(), RecordFormat.HEADER_BYTES, copy.metaLength());
    }

    @Override
    @Nullable
    RecordBuffer record() {
        synchronized (index) {
            if (!isNeeded(index, segments, header, meta(), from)) {
                return null;
            }
            if (header.type() == RecordType.STATE) {
                // the due instant may have been changed by a record that stands before the copy
                int entry = index.entry(index.messages.find(header.id()), meta().getShort());
                LaneState.putDue(copy.bytes(), Micros.instant(index.entries.due.get(entry)));
                copy.finish(RecordType.STATE, header.id());
            }
            return copy;
        }
    }

    @Override
    boolean isAfterForce() {
        return header.type() == RecordType.HOLD; // a later word that is under way would not be known yet
    }

    @Override
    void taken(long at, int bytes) {
        super.taken(at, bytes);
        if (header.type() == RecordType.MESSAGE || header.type() == RecordType.LONG) {
            index.copied(header.id(), Location.segment(at));
        }
    }

    @Override
    void publish() {
        int row = index.messages.find(header.id());
        switch (header.type()) {
            case MESSAGE, LONG -> {
                if (row >= 0) { // otherwise its death, which comes later in the log, takes care of the copy
                    index.copied(header.id(), Location.segment(from));
                    index.move(row, location(), length());
                }
            }
            case CHUNK -> {
                int number = meta().getInt();
                Chunks chunks = row < 0 ? null : index.messages.chunks(row);
                if (chunks != null && isChunk(chunks, number, from)) {
                    index.moveChunk(chunks, number, location(), length());
                }
            }
            case STATE -> {
                int entry = row < 0 ? -1 : index.entry(row, meta().getShort());
                if (entry >= 0 && index.entries.state.get(entry) == from) {
                    index.state(entry, location(), length());
                }
            }
            case DEAD -> {
                int[] hosts = DeadItem.hosts(meta());
                index.dead(header.id(), location(), length(), hosts);
                index.deadMoved(from, (int) header.length(), hosts);
            }
            case HOLD -> index.soft(location(), length());
            case DUES, MARK, PAD, SUMMARY, COVERED -> throw new AssertionError(header.type());
        }
    }

    @Override
    void done() {
        moved.complete(null);
    }

    @Override
    void skipped() {
        moved.complete(null);
    }

    @Override
    void failed(SpoolException cause) {
        moved.completeExceptionally(new SpoolUnavailableException("record was not moved", cause));
    }
}
