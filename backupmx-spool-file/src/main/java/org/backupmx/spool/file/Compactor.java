package org.backupmx.spool.file;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolFullException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives room back: removes segments of which nothing is needed, oldest first, and moves what is needed out of those that
 * the policy names, within a budget. It works through the committer like everybody else, a few records at a time. It also
 * has the checkpoints of sealed segments written.
 *
 * <p>A segment is removed only when everything that was needed of it stands elsewhere, forced; so a crash at any point
 * leaves a record twice at worst, and recovery takes the later one.
 */
class Compactor {

    /** Makes the compactor of a spool. */
    @FunctionalInterface
    interface Maker {
        Compactor make(
                SpoolIndex index,
                SegmentFiles segments,
                GroupCommitter committer,
                Checkpoints checkpoints,
                CompactionPolicy policy,
                IoBudget budget,
                long fullBytes);
    }

    private static final Logger LOG = LoggerFactory.getLogger(Compactor.class);

    private static final int MOVES_UNDER_WAY = 32;
    /** More would make a commit that shares their force wait for them. */
    private static final int BYTES_UNDER_WAY = 1 << 20;

    /** Between slices of a checkpoint: with them it keeps up with 400 MB/s of new segments. */
    private static final long BREATH_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    /** A lesser debt is let grow: to sleep and wake for each record costs more than the record. */
    private static final long LEAST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final SpoolIndex index;
    private final SegmentFiles segments;
    private final GroupCommitter committer;
    private final Checkpoints checkpoints;
    private final long fullBytes;
    private final CompactionPolicy policy;
    private final IoBudget budget;
    private final Thread thread = new Thread(this::run, "backupmx-compact");
    private volatile boolean woken = true;
    private volatile boolean closing;

    Compactor(
            SpoolIndex index,
            SegmentFiles segments,
            GroupCommitter committer,
            Checkpoints checkpoints,
            CompactionPolicy policy,
            IoBudget budget,
            long fullBytes) {
        this.index = index;
        this.segments = segments;
        this.committer = committer;
        this.checkpoints = checkpoints;
        this.policy = policy;
        this.budget = budget;
        this.fullBytes = fullBytes;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Has a look taken soon. Never blocks. */
    void wake() {
        if (!woken) {
            woken = true;
            LockSupport.unpark(thread);
        }
    }

    void close() {
        closing = true;
        LockSupport.unpark(thread);
        awaitEnd();
    }

    /** Waits until the last turn is taken. */
    void awaitEnd() {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!closing) {
            if (!woken) {
                LockSupport.parkNanos(this, RETRY_NANOS);
            }
            turn();
        }
    }

    /** Removes what is dead and compacts the segment that gains most. Returns whether there may be more to do. */
    final boolean turn() {
        woken = false;
        Thread.interrupted(); // nobody means this thread
        try {
            removeDead();
            while (!closing && writeCheckpoint()) {
                removeDead();
            }
            Optional<CompactionPolicy.Choice> choice = choose();
            if (choice.isPresent() && !closing) {
                compact(choice.get());
                woken = true;
            }
        } catch (IOException | RuntimeException e) { // room must go on to be given back, whatever it was
            LOG.atWarn().setCause(e).log("spool space not given back yet");
            woken = false;
        }
        return woken;
    }

    private void removeDead() throws IOException {
        List<Segment> all;
        synchronized (index) {
            all = segments.all().stream()
                    .filter(Segment::isDead)
                    .sorted(Comparator.comparingInt(Segment::number))
                    .toList();
        }
        if (!all.isEmpty()) {
            awaitOutcomes();
        }
        for (Segment dead : all) {
            if (closing) {
                return;
            }
            segments.remove(dead, fullBytes);
            index.removed(dead);
            checkpoints.remove(dead.number());
            LOG.atDebug().addKeyValue("segment", dead.number()).log("segment removed");
        }
    }

    /**
     * Waits until the outcomes that made segments needless are on disk: otherwise a crash would bring a message back
     * without the states that went with the segments.
     */
    private void awaitOutcomes() {
        CompletableFuture<Void> forced = new CompletableFuture<>();
        committer.commit(new MarkItem(forced));
        try {
            forced.join();
        } catch (CompletionException e) {
            if (!(e.getCause() instanceof SpoolFullException)) {
                throw e;
            }
            LOG.atDebug().log("disk is full: room comes first, a crash may repeat attempts");
        }
    }

    private Optional<CompactionPolicy.Choice> choose() {
        boolean isFull = committer.refusal() instanceof SpoolFullException;
        synchronized (index) {
            return policy.next(segments.all(), isFull);
        }
    }

    /** The moves whose records are not forced yet. */
    private static final class Moves {
        private final Deque<CompletableFuture<Void>> futures = new ArrayDeque<>();
        private final Deque<Integer> sizes = new ArrayDeque<>();
        private long bytes;

        void add(CompletableFuture<Void> moved, int size) {
            futures.addLast(moved);
            sizes.addLast(size);
            bytes += size;
            while (futures.size() >= MOVES_UNDER_WAY || bytes >= BYTES_UNDER_WAY && futures.size() > 1) {
                awaitFirst();
            }
        }

        private void awaitFirst() {
            bytes -= sizes.removeFirst();
            futures.removeFirst().join();
        }

        void awaitAll() {
            while (!futures.isEmpty()) {
                awaitFirst();
            }
        }
    }

    private void compact(CompactionPolicy.Choice choice) throws IOException {
        Segment segment = choice.segment();
        Moves moves = new Moves();
        SegmentReader reader = new SegmentReader(segment, segment.end(), false);
        reader.read((header, offset, bytes, metaAt) -> {
            if (closing) {
                return;
            }
            long size = header.bytes();
            if (!choice.isUrgent()) {
                pace(size);
            }
            MetaReader meta = new MetaReader(bytes, metaAt, header.metaLength());
            if (header.type() == RecordType.DUES) {
                moveDues(meta, moves);
                return;
            }
            long location = Location.of(segment.number(), offset);
            if (MoveItem.isNeeded(index, segments, header, meta, location)) {
                if (!choice.isUrgent()) {
                    budget.spend(size);
                }
                move(segment, header, location, moves);
            }
        });
        moves.awaitAll();
        if (closing) {
            return;
        }
        synchronized (index) {
            if (reader.damage().isEmpty()) {
                segment.softBytes = 0;
            }
            segment.triedAtLiveBytes = segment.liveBytes;
        }
        LOG.atDebug().addKeyValue("segment", segment.number()).log("segment compacted");
    }

    /** Takes from the budget what was read, and waits while there is a debt; there is time for checkpoints then. */
    private void pace(long bytes) {
        budget.spend(bytes);
        for (long wait = budget.nanosToWait(); wait >= LEAST_WAIT_NANOS && !closing; wait = budget.nanosToWait()) {
            if (!writeCheckpoint()) {
                LockSupport.parkNanos(this, wait);
            }
        }
    }

    private boolean writeCheckpoint() {
        return checkpoints.writeNext(committer.isQuiet(), this::breathe);
    }

    private void breathe() {
        if (!closing) {
            LockSupport.parkNanos(this, BREATH_NANOS);
        }
    }

    private void move(Segment segment, RecordHeader header, long location, Moves moves) {
        CompletableFuture<Void> moved = new CompletableFuture<>();
        try {
            Extent extent = new Extent(location, (int) header.bytes());
            MessageLoader.Read read = MessageLoader.readAt(segment, header.id(), extent, true);
            committer.commit(new MoveItem(index, segments, location, read, moved));
        } catch (SpoolDamagedException e) {
            index.quarantine(header.id(), String.valueOf(e.getMessage()));
            checkpoints.distrust(header.id());
            return;
        } catch (IOException e) {
            moved.completeExceptionally(e);
        }
        moves.add(moved, header.metaLength() + header.dataLength());
    }

    private void moveDues(MetaReader meta, Moves moves) {
        Instant due = meta.getInstant();
        CompletableFuture<Void> moved = new CompletableFuture<>();
        DuesItem item = new DuesItem(index, due, moved);
        int count = meta.getCount(10);
        for (int i = 0; i < count; i++) {
            item.add(meta.getLong(), meta.getShort());
        }
        synchronized (index) { // a newer due instant is either seen here or follows in the log
            item.dropSuperseded();
            if (item.size() == 0) {
                return;
            }
            committer.commit(item);
        }
        moves.add(moved, count * 10);
    }
}
