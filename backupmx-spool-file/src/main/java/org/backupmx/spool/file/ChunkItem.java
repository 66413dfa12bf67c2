package org.backupmx.spool.file;

import org.backupmx.spool.SpoolException;

/** A part of a longer message. The meta of its record: u32 position among the message's chunks, from 0. */
final class ChunkItem extends CommitItem {

    /** The most mail data of one chunk, in bytes. */
    static final int DATA_BYTES = 256 << 10;

    static final int META_BYTES = 4;

    private final LongMessage owner;
    private final RecordBuffer record;

    ChunkItem(LongMessage owner, RecordBuffer record) {
        this.owner = owner;
        this.record = record;
    }

    @Override
    RecordBuffer record() {
        return record;
    }

    @Override
    boolean canWait() {
        return true;
    }

    @Override
    void taken(long at, int bytes) {
        super.taken(at, bytes);
        record.release();
        owner.written(this);
    }

    @Override
    void publish() {
        owner.forced(this);
    }

    @Override
    void failed(SpoolException cause) {
        record.release();
        owner.failed(cause);
    }
}
