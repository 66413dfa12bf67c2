package org.backupmx.spool.file;

import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/** Takes the turns of a spool's committer and compactor on the caller's thread, so that a history repeats exactly. */
final class Turns {

    private long nanos;
    private Committer committer;
    private Compacting compactor;

    /** Makes a spool work by these turns; its clock moves 10 ms at each look, and compaction does not wait. */
    FileSpoolBuilder taken(FileSpoolBuilder settings) {
        return settings.nanoTime(() -> nanos += 10_000_000)
                .compactionBytesPerSecond(FileSpoolBuilder.MAX_COMPACTION_BYTES_PER_SECOND)
                .turns(Committer::new, Compacting::new);
    }

    /** Has what is handed to the committer wait, until {@link #release}. */
    void gather() {
        committer.gathers = true;
    }

    /** Takes the turn that {@link #gather} put off: all that waits is one batch. */
    void release() {
        committer.gathers = false;
        committer.wake();
    }

    /** Hands over a mark, and returns what tells when all that was handed over before is on disk. */
    CompletableFuture<Void> mark() {
        CompletableFuture<Void> forced = new CompletableFuture<>();
        committer.commit(new MarkItem(forced));
        return forced;
    }

    /** Does what the committer does in quiet times. */
    void rest() {
        committer.wake();
        committer.rest();
    }

    /** Has a second pass, and does what the committer does after a quiet one. */
    void prepare() {
        committer.wake();
        nanos += 1_000_000_000;
        committer.prepare();
    }

    /** Compacts until there is nothing to gain. */
    void compact() {
        for (int i = 0; compactor.turn(); i++) {
            if (i > 1000) {
                throw new AssertionError("compaction does not end");
            }
        }
    }

    private final class Committer extends GroupCommitter {

        private boolean gathers;
        private boolean busy;
        private boolean ended;

        Committer(SpoolIndex index, SegmentWriter writer, SpaceGuard space, SyncMode mode, LongSupplier nanoTime) {
            super(index, writer, space, mode, nanoTime);
            committer = this;
        }

        @Override
        void begin() {}

        @Override
        void commit(CommitItem item) {
            super.commit(item);
            if (item instanceof MarkItem && !gathers && !busy) {
                takeTurn(); // who waits for all before it goes with the next turn if a fault put some of it off
            }
        }

        @Override
        void wake() {
            if (!gathers && !busy) {
                takeTurn();
            }
        }

        private void takeTurn() {
            busy = true;
            ended = ended || !turn();
            busy = false;
        }

        @Override
        void awaitEnd() {
            while (!ended) {
                takeTurn();
            }
        }
    }

    private final class Compacting extends Compactor {

        Compacting(
                SpoolIndex index,
                SegmentFiles segments,
                GroupCommitter committer,
                Checkpoints checkpoints,
                CompactionPolicy policy,
                IoBudget budget,
                long fullBytes) {
            super(index, segments, committer, checkpoints, policy, budget, fullBytes);
            compactor = this;
        }

        @Override
        void start() {}

        @Override
        void awaitEnd() {}
    }
}
