package org.backupmx.spool.file;

import java.util.ArrayList;
import java.util.List;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.file.MessageTable.Chunks;
import org.jspecify.annotations.Nullable;

/**
 * The chunks of a message that is too long for one record, written while the rest still comes. The writer's thread adds
 * chunks and waits when the disk does not keep up; the committer tells of them. Its monitor guards it and is taken after
 * the index's, never before.
 */
final class LongMessage {

    /** How many chunks of one message may wait for the committer. */
    private static final int WINDOW = 2;

    private final SpoolIndex index;
    private final GroupCommitter committer;
    private final List<ChunkItem> onDisk = new ArrayList<>();
    private int waiting;
    private boolean ended;
    private @Nullable SpoolException failure;

    LongMessage(SpoolIndex index, GroupCommitter committer) {
        this.index = index;
        this.committer = committer;
    }

    /** Hands a chunk over; waits while too many wait for the committer. */
    void add(RecordBuffer record) throws SpoolException {
        synchronized (this) {
            try {
                while (waiting >= WINDOW && failure == null) {
                    wait();
                }
            } catch (InterruptedException e) {
                record.release();
                Thread.currentThread().interrupt();
                throw new SpoolUnavailableException("interrupted while waiting for the disk", e);
            }
            if (failure != null) {
                record.release();
                throw failure;
            }
            waiting++;
        }
        committer.commit(new ChunkItem(this, record));
    }

    synchronized void written(ChunkItem chunk) {
        waiting--;
        notifyAll();
    }

    void forced(ChunkItem chunk) {
        synchronized (this) {
            if (ended) {
                return;
            }
            onDisk.add(chunk);
        }
        index.openChunks(chunk.location(), 1);
    }

    synchronized void failed(SpoolException cause) {
        failure = cause;
        waiting = 0;
        notifyAll();
    }

    synchronized @Nullable SpoolException failure() {
        return failure;
    }

    /** Forgets the chunks: the message was abandoned or failed. */
    void abandon() {
        chunks();
    }

    /** Returns where the chunks are, which the message owns from now on. */
    Chunks chunks() {
        synchronized (index) {
            synchronized (this) {
                ended = true;
                long[] locations = new long[onDisk.size()];
                int[] lengths = new int[onDisk.size()];
                for (int i = 0; i < locations.length; i++) {
                    ChunkItem chunk = onDisk.get(i);
                    locations[i] = chunk.location();
                    lengths[i] = chunk.length();
                    index.openChunks(chunk.location(), -1);
                }
                onDisk.clear();
                return new Chunks(locations, lengths);
            }
        }
    }
}
