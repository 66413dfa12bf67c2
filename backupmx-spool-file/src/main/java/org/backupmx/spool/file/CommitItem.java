package org.backupmx.spool.file;

import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;

/** One record on its way to the disk. The committer calls its methods, one item after the other. */
abstract class CommitItem {

    /** The link of the committer's queue. */
    @Nullable
    CommitItem next;

    private long location;
    private int length;

    /** Returns the finished record, null if there is nothing to write any more. Asked again after a failed write. */
    abstract @Nullable RecordBuffer record();

    /** Tells whether nobody waits: the item is written with the next batch, and again if the write fails. */
    boolean isLazy() {
        return false;
    }

    /** Tells whether all that was written before must be forced before this is written. */
    boolean isAfterForce() {
        return false;
    }

    /** Tells whether nothing that was handed over before may be on disk later than this. */
    boolean isAfterAll() {
        return false;
    }

    /** Tells whether a force for this alone can be put off. */
    boolean canWait() {
        return false;
    }

    /** The record was taken over; its memory can be used again. */
    void taken(long at, int bytes) {
        location = at;
        length = bytes;
    }

    long location() {
        return location;
    }

    int length() {
        return length;
    }

    /** The record is on disk. Called in the order of the log, under the index's monitor. */
    abstract void publish();

    /** The record is on disk and published: completes who waits. Called outside the monitor. */
    void done() {}

    /** {@link #record} had nothing to write. */
    void skipped() {}

    /** The record is not on disk. Never called for a lazy item. */
    void failed(SpoolException cause) {}
}
