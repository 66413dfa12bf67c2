package org.backupmx.spool.file;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that writes: it takes all records that wait, appends them, forces once, publishes them to the index and
 * completes who waits. A failure is final for the segment and for everything that was appended and not forced.
 *
 * <p>Records get here by a stack of linked items, one compare-and-set each; the thread is woken only if it sleeps. Lazy
 * records go with the next batch, or after {@value #LAZY_MILLIS} ms.
 */
class GroupCommitter {

    /** Makes the committer of a spool. */
    @FunctionalInterface
    interface Maker {
        GroupCommitter make(
                SpoolIndex index, SegmentWriter writer, SpaceGuard space, SyncMode syncMode, LongSupplier nanoTime);
    }

    private static final Logger LOG = LoggerFactory.getLogger(GroupCommitter.class);

    static final int LAZY_MILLIS = 100;
    private static final long LAZY_NANOS = TimeUnit.MILLISECONDS.toNanos(LAZY_MILLIS);
    /** It is quiet when no record has come for so long. */
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long SPACE_CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int LAZY_LIMIT = 1024;
    private static final int BATCH_BYTES = 8 << 20;
    private static final int STREAM_BYTES = 4 << 20;

    /** Ends the queue for good. */
    private static final CommitItem CLOSED = new CommitItem() {
        @Override
        @Nullable
        RecordBuffer record() {
            return null;
        }

        @Override
        void publish() {}
    };

    private final SpoolIndex index;
    private final SegmentWriter writer;
    private final SpaceGuard space;
    private final SyncMode syncMode;
    private final LongSupplier nanoTime;
    private final RoomAhead ahead;
    private final Thread thread = new Thread(this::run, "backupmx-commit");

    private final AtomicReference<@Nullable CommitItem> queue = new AtomicReference<>();
    private final AtomicInteger lazy = new AtomicInteger();
    private final AtomicBoolean parked = new AtomicBoolean();
    private volatile boolean urgent;
    private volatile boolean closing;
    private volatile long lastRecord;
    private volatile @Nullable SpoolException refusal;
    private volatile SpoolHealth health = SpoolHealth.accepting();

    // below: the committer's own
    private final List<CommitItem> appended = new ArrayList<>();
    private final Deque<CommitItem> again = new ArrayDeque<>();
    /** What of the batch was not appended yet. */
    private @Nullable CommitItem unappended;

    private @Nullable SpoolException broken;
    private @Nullable SpoolException closeFailure;
    private int markedEnd;
    private long lastDrain;
    private long lastSpaceCheck;

    GroupCommitter(SpoolIndex index, SegmentWriter writer, SpaceGuard space, SyncMode syncMode, LongSupplier nanoTime) {
        this.index = index;
        this.writer = writer;
        this.space = space;
        this.syncMode = syncMode;
        this.nanoTime = nanoTime;
        this.ahead = new RoomAhead(writer, space, syncMode);
        this.lastRecord = nanoTime.getAsLong();
    }

    /** Begins: the writer has an open segment. */
    void start() {
        checkSpace();
        markedEnd = writer.end();
        begin();
    }

    /** Has turns taken from here on. */
    void begin() {
        thread.start();
    }

    /** Takes a record to commit with the next batch. Never blocks. */
    void commit(CommitItem item) {
        if (!push(item)) {
            item.failed(new SpoolUnavailableException("spool: closed"));
            return;
        }
        wake();
    }

    /** Takes a lazy record. Never blocks. After the end it is dropped: the outcome is repeated at worst. */
    void lazily(CommitItem item) {
        if (push(item) && lazy.incrementAndGet() > LAZY_LIMIT) {
            wake();
        }
    }

    private boolean push(CommitItem item) {
        while (true) {
            CommitItem head = queue.get();
            if (head == CLOSED) {
                return false;
            }
            item.next = head;
            if (queue.compareAndSet(head, item)) {
                return true;
            }
        }
    }

    /** Has a turn taken at once: somebody waits. */
    void wake() {
        urgent = true;
        if (parked.get() && parked.compareAndSet(true, false)) {
            LockSupport.unpark(thread);
        }
    }

    boolean isCommitter(Thread candidate) {
        return candidate == thread;
    }

    /** Returns whether there is time for what commits would wait for. */
    boolean isQuiet() {
        return nanoTime.getAsLong() - lastRecord >= QUIET_NANOS;
    }

    /** Returns why new mail is refused, null if it is taken. */
    @Nullable
    SpoolException refusal() {
        return refusal;
    }

    SpoolHealth health() {
        return health;
    }

    /** Writes all that waits, forces it, and ends. */
    void close() throws SpoolException {
        closing = true;
        wake();
        awaitEnd();
        if (closeFailure != null) {
            throw closeFailure;
        }
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
        try {
            while (true) {
                if (!urgent && !closing) {
                    idle();
                }
                if (!turn()) {
                    return;
                }
            }
        } catch (Throwable e) {
            LOG.atError().setCause(e).log("committer ended");
            health = SpoolHealth.refusing("committer ended");
            refusal = new SpoolUnavailableException("committer ended", e);
            abandonAll(new SpoolUnavailableException("committer ended", e));
            throw e;
        }
    }

    /** Writes what waits. Returns whether that was not the last turn. */
    final boolean turn() {
        Thread.interrupted(); // an interrupt would close the file
        urgent = false;
        CommitItem batch = takeAll();
        boolean last = false;
        if (batch != null || !again.isEmpty()) {
            lastRecord = lastDrain;
            write(batch);
            tick();
        } else {
            last = closing && queue.compareAndSet(null, CLOSED);
        }
        if (closing && broken != null && queue.get() == null) {
            queue.compareAndSet(null, CLOSED);
            last = true;
        }
        if (last) {
            finish();
        }
        return !last;
    }

    private void abandonAll(SpoolException cause) {
        closeFailure = cause;
        try {
            writer.setAside();
        } catch (IOException | RuntimeException e) {
            cause.addSuppressed(e);
        }
        appended.forEach(item -> fail(item, cause));
        again.forEach(item -> fail(item, cause));
        for (CommitItem item = unappended; item != null; item = item.next) {
            fail(item, cause);
        }
        for (CommitItem item = queue.getAndSet(CLOSED); item != null; item = item.next) {
            fail(item, cause);
        }
    }

    private static void fail(CommitItem item, SpoolException cause) {
        if (!item.isLazy()) {
            item.failed(cause);
        }
    }

    /** Sleeps until there is something to write, or lazy records have waited long enough. */
    private void idle() {
        long left = LAZY_NANOS - (nanoTime.getAsLong() - lastDrain);
        if (left > 0) {
            parked.set(true);
            if (!urgent && !closing) {
                LockSupport.parkNanos(this, left);
            }
            parked.set(false);
        }
        boolean isQuiet = queue.get() == null && again.isEmpty();
        if (isQuiet && nanoTime.getAsLong() - lastDrain >= LAZY_NANOS) {
            rest();
            if (isQuiet()) {
                prepare();
            }
        }
    }

    /** Does what is left for quiet times. */
    final void rest() {
        mark();
        tick();
    }

    /** Does what is left for a longer quiet. */
    final void prepare() {
        if (refusal != null) {
            return;
        }
        try {
            ahead.write();
        } catch (IOException e) {
            failed(e);
        }
    }

    private @Nullable CommitItem takeAll() {
        lastDrain = nanoTime.getAsLong();
        CommitItem item = queue.get() == null ? null : queue.getAndSet(null);
        lazy.set(0);
        CommitItem reversed = null;
        while (item != null) {
            CommitItem next = item.next;
            item.next = reversed;
            reversed = item;
            item = next;
        }
        return reversed;
    }

    private void write(@Nullable CommitItem batch) {
        boolean waited = !again.isEmpty();
        unappended = batch;
        while (!again.isEmpty()) {
            CommitItem item = again.removeLast();
            item.next = unappended;
            unappended = item;
        }
        for (CommitItem item = unappended; item != null; item = unappended) {
            waited |= !item.canWait();
            append(item);
            unappended = item.next;
            item.next = null;
        }
        try {
            if (waited || writer.isOpen() && writer.unforcedBytes() >= STREAM_BYTES) {
                force();
            } else if (writer.isOpen()) {
                writer.write();
            }
        } catch (IOException e) {
            failed(e);
        }
    }

    private void append(CommitItem item) {
        SpoolException closed = broken;
        if (closed != null) {
            refuse(item, closed);
            return;
        }
        if ((item.isLazy() || item.isAfterAll()) && !again.isEmpty()) {
            again.addLast(item); // of two states of a lane the last in the log counts
            return;
        }
        try {
            RecordBuffer record = item.record();
            if (record == null) {
                item.skipped();
                return;
            }
            boolean fits = writer.fits(record);
            if (!fits || item.isAfterForce() && writer.unforcedBytes() > 0) {
                force();
                record = item.record();
                if (record == null) {
                    item.skipped();
                    return;
                }
            }
            if (!fits) {
                writer.roll();
                markedEnd = writer.end();
                index.sealed();
            }
            int length = writer.length(record);
            long location = writer.append(record);
            item.taken(location, length);
            appended.add(item);
            if (writer.unforcedBytes() >= BATCH_BYTES) {
                force();
            }
        } catch (IOException e) {
            if (!appended.contains(item)) {
                appended.add(item);
            }
            failed(e);
        }
    }

    private void refuse(CommitItem item, SpoolException cause) {
        if (item.isLazy()) {
            again.addLast(item);
        } else {
            item.failed(cause);
        }
    }

    private void force() throws IOException {
        if (appended.isEmpty()) {
            return;
        }
        if (syncMode == SyncMode.FORCE) {
            writer.force();
        } else {
            writer.writeOnly();
        }
        synchronized (index) {
            for (int i = 0; i < appended.size(); i++) {
                appended.get(i).publish();
            }
        }
        for (int i = 0; i < appended.size(); i++) {
            appended.get(i).done();
        }
        appended.clear();
    }

    /** The segment is set aside, who waits is told, lazy records wait for the next segment. */
    private void failed(IOException e) {
        SpoolException cause = told(e);
        LOG.atError().setCause(e).addKeyValue("transactions", appended.size()).log("spool write failed");
        try {
            writer.setAside();
        } catch (IOException also) {
            e.addSuppressed(also);
        }
        broken = cause;
        reopen(); // first: who is told asks for the health
        List<CommitItem> lost = List.copyOf(appended);
        appended.clear();
        lost.forEach(item -> refuse(item, cause));
    }

    private static SpoolException told(IOException e) {
        return e instanceof FileIo.NoSpaceException
                ? new SpoolFullException("spool disk is full: " + e.getMessage(), e)
                : new SpoolUnavailableException("spool cannot be written: " + e, e);
    }

    private void reopen() {
        try {
            writer.open();
            markedEnd = writer.end();
            broken = null;
        } catch (IOException e) {
            broken = told(e);
        }
        checkSpace();
    }

    private void tick() {
        long now = nanoTime.getAsLong();
        if (now - lastSpaceCheck >= SPACE_CHECK_NANOS) {
            if (broken != null) {
                reopen();
            } else {
                checkSpace();
            }
        }
    }

    private void checkSpace() {
        lastSpaceCheck = nanoTime.getAsLong();
        SpoolException before = refusal;
        SpoolException now = broken;
        SpaceGuard.Shortage shortage = now == null ? space.shortage() : null;
        if (shortage != null) {
            now = new SpoolFullException(shortage.reason());
        }
        if (now == null) {
            keepReserve();
        }
        refusal = now;
        health = health(now, shortage);
        if (before == null && now != null) {
            LOG.atWarn().addKeyValue("reason", now.getMessage()).log("spool refuses new mail");
        } else if (before != null && now == null) {
            LOG.atInfo().log("spool accepts new mail");
        }
    }

    private void keepReserve() {
        try {
            writer.keepReserve();
        } catch (IOException e) {
            LOG.atWarn().setCause(e).log("no room kept for a full disk");
        }
    }

    private static SpoolHealth health(@Nullable SpoolException refusal, SpaceGuard.@Nullable Shortage shortage) {
        if (refusal == null) {
            return SpoolHealth.accepting();
        }
        String reason = String.valueOf(refusal.getMessage());
        if (shortage != null && shortage.isExhausted()) {
            return SpoolHealth.exhausted(reason);
        }
        return refusal instanceof SpoolFullException ? SpoolHealth.full(reason) : SpoolHealth.refusing(reason);
    }

    /** Says in the segment itself that all of it was forced. Need not be forced. */
    private void mark() {
        if (broken != null || writer.unforcedBytes() > 0 || writer.end() == markedEnd) {
            return;
        }
        try {
            writer.mark();
            markedEnd = writer.end();
        } catch (IOException e) {
            failed(e);
        }
    }

    private void finish() {
        try {
            if (!writer.isOpen()) {
                closeFailure = broken;
                return;
            }
            force();
            mark();
            writer.close();
        } catch (IOException e) {
            closeFailure = told(e);
        }
    }
}
