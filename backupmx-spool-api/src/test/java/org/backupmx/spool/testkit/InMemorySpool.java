package org.backupmx.spool.testkit;

import static java.util.Objects.requireNonNull;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.OrderedSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.RecipientReadableSpool;
import org.backupmx.spool.ReschedulableSpool;
import org.backupmx.spool.ResettableSpool;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.jspecify.annotations.Nullable;

/**
 * A spool for tests: everything in memory, every optional interface, faults on demand. Thread-safe; never blocks for
 * longer than another call takes.
 *
 * <p>What it holds lives as long as the process: {@link #another()} opens the same storage again, after a close or
 * beside an open spool. It is no spool for mail that matters.
 */
public final class InMemorySpool
        implements Spool,
                FindableSpool,
                HoldableSpool,
                DeletableSpool,
                ReschedulableSpool,
                RecipientReadableSpool,
                ResettableSpool,
                OrderedSpool {

    /** A call that can be made to fail once. */
    public enum Call {
        /** {@link Spool#begin}. */
        BEGIN,
        /** {@link SpoolWriter#write}. */
        WRITE,
        /** {@link SpoolWriter#commit()}: its stage completes exceptionally. */
        COMMIT,
        /** {@link Spool#lanes()}. */
        LANES,
        /** {@link Spool#nextDue}. */
        NEXT_DUE,
        /** {@link Spool#lease}. */
        LEASE,
        /** {@link Spool#renew}. */
        RENEW,
        /** {@link Spool#read}. */
        READ,
        /** {@link Spool#settle}. */
        SETTLE,
        /** {@link Spool#scan}. */
        SCAN
    }

    private final InMemoryStore store;
    private final Set<Writer> writers = new HashSet<>();
    private final List<Writer> stalled = new ArrayList<>();
    private final Map<Call, SpoolException> faults = new EnumMap<>(Call.class);
    private boolean stalling;
    private volatile boolean closed;
    private volatile @Nullable SpoolHealth refusal;
    private volatile int nonBlockingBytes = Integer.MAX_VALUE;

    private InMemorySpool(InMemoryStore store) {
        this.store = store;
    }

    /**
     * Makes an empty spool with room for all that the heap holds.
     *
     * @return an open spool
     */
    public static InMemorySpool create() {
        return create(Long.MAX_VALUE);
    }

    /**
     * Makes an empty spool with limited room.
     *
     * @param capacityBytes how much mail data it holds, in bytes, at least 1; more is refused with
     *     {@link SpoolFullException}
     * @return an open spool
     * @throws IllegalArgumentException if {@code capacityBytes} is below 1
     */
    public static InMemorySpool create(long capacityBytes) {
        if (capacityBytes < 1) {
            throw new IllegalArgumentException("capacityBytes: " + capacityBytes + " (expected: >= 1)");
        }
        return new InMemorySpool(new InMemoryStore(capacityBytes));
    }

    /**
     * Opens the storage of this spool, which may be open or closed, once more.
     *
     * @return another open spool, without faults
     */
    public InMemorySpool another() {
        return new InMemorySpool(store);
    }

    /**
     * Sets up to which size the spool says that it never blocks; {@link Integer#MAX_VALUE} unless set.
     *
     * @param bytes the size in bytes, at least 0
     * @return this spool
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public InMemorySpool nonBlockingBytes(int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes: " + bytes + " (expected: >= 0)");
        }
        nonBlockingBytes = bytes;
        return this;
    }

    /**
     * Makes the next call of a kind fail, once.
     *
     * @param call which
     * @param fault what it fails with
     */
    public void failNext(Call call, SpoolException fault) {
        synchronized (store) {
            faults.put(requireNonNull(call, "call"), requireNonNull(fault, "fault"));
        }
    }

    /** Lets no commit end, until {@link #resumeCommits()} or {@link #close()}. */
    public void stallCommits() {
        synchronized (store) {
            stalling = true;
        }
    }

    /** Ends the commits that were stalled, in their order, and stalls no more. */
    public void resumeCommits() {
        List<Writer> ending;
        synchronized (store) {
            stalling = false;
            ending = List.copyOf(stalled);
            stalled.clear();
            ending.forEach(Writer::add);
        }
        ending.forEach(writer -> writer.commit.complete(writer.id));
    }

    /**
     * Takes no messages until {@link #accept()}: health says so, and {@link #begin} is refused with
     * {@link SpoolFullException}.
     *
     * @param reason why
     */
    public void refuse(String reason) {
        refusal = SpoolHealth.refusing(reason);
    }

    /**
     * Takes no messages until {@link #accept()}, as {@link #refuse} does, for want of room.
     *
     * @param reason what the health says
     */
    public void fill(String reason) {
        refusal = SpoolHealth.full(reason);
    }

    /**
     * Takes no messages until {@link #accept()}, as {@link #refuse} does, and says that there is next to no room.
     *
     * @param reason what the health says
     */
    public void exhaust(String reason) {
        refusal = SpoolHealth.exhausted(reason);
    }

    /** Takes messages again after {@link #refuse} or {@link #exhaust}. */
    public void accept() {
        refusal = null;
    }

    /**
     * Damages a message: reading it fails from now on, and a scan says so.
     *
     * @param id the message
     * @return false if it is not queued
     */
    public boolean damage(SpoolId id) {
        synchronized (store) {
            InMemoryStore.Stored stored = store.find(id);
            if (stored != null) {
                stored.damaged = true;
            }
            return stored != null;
        }
    }

    /**
     * Ends this spool as a loss of power would: what is not committed is lost, and no stage completes any more.
     *
     * @return another open spool over the same storage
     */
    public InMemorySpool crash() {
        synchronized (store) {
            closed = true;
            List.copyOf(writers).forEach(Writer::abandon);
            stalled.forEach(writer -> store.give(writer.mailData.size()));
            stalled.clear();
            store.release(this);
        }
        return another();
    }

    private void enter(@Nullable Call call) throws SpoolException {
        if (closed) {
            throw new SpoolUnavailableException("spool in memory is closed");
        }
        SpoolException fault = call == null ? null : faults.remove(call);
        if (fault != null) {
            throw fault;
        }
    }

    @Override
    public SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
        requireNonNull(envelope, "envelope");
        requireNonNull(receivedAt, "receivedAt");
        synchronized (store) {
            enter(Call.BEGIN);
            SpoolHealth now = health();
            if (now instanceof SpoolHealth.Refusing) {
                throw new SpoolUnavailableException("spool in memory: " + now);
            }
            if (!now.isAccepting()) {
                throw new SpoolFullException("spool in memory: " + now);
            }
            Writer writer = new Writer(store.nextId(), envelope, receivedAt);
            writers.add(writer);
            return writer;
        }
    }

    @Override
    public int nonBlockingBytes() {
        return nonBlockingBytes;
    }

    @Override
    public List<SpoolLane> lanes() throws SpoolException {
        synchronized (store) {
            enter(Call.LANES);
            return store.lanes();
        }
    }

    @Override
    public Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
        synchronized (store) {
            enter(Call.NEXT_DUE);
            return store.nextDue(domain);
        }
    }

    @Override
    public List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
        synchronized (store) {
            enter(Call.LEASE);
            return store.lease(request, this);
        }
    }

    @Override
    public List<SpoolLease> lease(LeaseRequest request, LeaseOrder order) throws SpoolException {
        synchronized (store) {
            enter(Call.LEASE);
            return store.lease(request, order, this);
        }
    }

    @Override
    public SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
        if (!until.isAfter(now)) {
            throw new IllegalArgumentException("until: " + until + " (expected: after now, " + now + ")");
        }
        synchronized (store) {
            enter(Call.RENEW);
            return store.renew(lease, now, until);
        }
    }

    @Override
    public InputStream read(SpoolId id) throws SpoolException {
        synchronized (store) {
            enter(Call.READ);
            InMemoryStore.Stored stored = store.find(id);
            if (stored == null) {
                throw new SpoolException("message " + id + " is not queued");
            }
            if (stored.damaged) {
                throw new SpoolDamagedException("message " + id + " was damaged on demand");
            }
            return new ByteArrayInputStream(stored.mailData);
        }
    }

    @Override
    public void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
        synchronized (store) {
            enter(Call.SETTLE);
            store.settle(lease, settlement);
        }
    }

    @Override
    public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        List<SpoolEntry> entries = new ArrayList<>();
        synchronized (store) {
            enter(Call.SCAN);
            for (InMemoryStore.Stored stored : store.after(Optional.empty())) {
                entries.add(
                        stored.damaged
                                ? new SpoolEntry.Damaged(stored.message.id(), "damaged on demand")
                                : new SpoolEntry.Intact(stored.queued()));
            }
        }
        entries.forEach(visitor);
    }

    @Override
    public SpoolHealth health() {
        SpoolHealth known = closed ? SpoolHealth.refusing("closed") : refusal;
        if (known != null) {
            return known;
        }
        return store.freeBytes() <= 0 ? SpoolHealth.full("no room") : SpoolHealth.accepting();
    }

    @Override
    public void close() {
        synchronized (store) {
            if (closed) {
                return;
            }
            closed = true;
            List.copyOf(writers).forEach(Writer::abandon);
            store.release(this);
        }
        resumeCommits();
    }

    @Override
    public Optional<QueuedMessage> find(SpoolId id) throws SpoolException {
        synchronized (store) {
            enter(null);
            return Optional.ofNullable(store.find(id)).map(InMemoryStore.Stored::queued);
        }
    }

    @Override
    public List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException {
        requireNonNull(filter, "filter");
        if (limit < 1) {
            throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
        }
        synchronized (store) {
            enter(null);
            return store.after(after).stream()
                    .map(InMemoryStore.Stored::queued)
                    .filter(filter::matches)
                    .limit(limit)
                    .toList();
        }
    }

    @Override
    public List<QueuedMessage> readableBy(Mailbox recipient, Optional<SpoolId> after, int limit) throws SpoolException {
        return find(SpoolFilter.all().recipient(recipient), after, limit);
    }

    @Override
    public boolean hold(SpoolId id) throws SpoolException {
        synchronized (store) {
            enter(null);
            return store.hold(id, true);
        }
    }

    @Override
    public boolean release(SpoolId id) throws SpoolException {
        synchronized (store) {
            enter(null);
            return store.hold(id, false);
        }
    }

    @Override
    public boolean delete(SpoolId id) throws SpoolException {
        synchronized (store) {
            enter(null);
            return store.delete(id);
        }
    }

    @Override
    public boolean reschedule(SpoolId id, Instant due) throws SpoolException {
        requireNonNull(due, "due");
        synchronized (store) {
            enter(null);
            return store.reschedule(id, due);
        }
    }

    @Override
    public boolean resetAttempts(SpoolId id, Instant due) throws SpoolException {
        requireNonNull(due, "due");
        synchronized (store) {
            enter(null);
            return store.resetAttempts(id, due);
        }
    }

    @Override
    public long reschedule(MailDomain domain, Instant due) throws SpoolException {
        requireNonNull(due, "due");
        synchronized (store) {
            enter(null);
            return store.reschedule(domain, due);
        }
    }

    private final class Writer implements SpoolWriter {
        private final SpoolId id;
        private final Envelope envelope;
        private final Instant receivedAt;
        private final ByteArrayOutputStream mailData = new ByteArrayOutputStream();
        private final CompletableFuture<SpoolId> commit = new CompletableFuture<>();
        private boolean ended;
        private boolean failed;

        Writer(SpoolId id, Envelope envelope, Instant receivedAt) {
            this.id = id;
            this.envelope = envelope;
            this.receivedAt = receivedAt;
        }

        @Override
        public SpoolId id() {
            return id;
        }

        private void enterOpen(@Nullable Call call) throws SpoolException {
            if (ended && !closed) {
                throw new IllegalStateException("writer of " + id + " has ended");
            }
            enter(call);
        }

        @Override
        public void write(ByteBuffer octets) throws SpoolException {
            synchronized (store) {
                boolean whole = failed;
                failed = true;
                enterOpen(Call.WRITE);
                if (store.freeBytes() < octets.remaining()) {
                    throw new SpoolFullException("spool in memory: no room for " + octets.remaining() + " bytes of "
                            + id + ", " + store.freeBytes() + " left");
                }
                store.take(octets.remaining());
                byte[] taken = new byte[octets.remaining()];
                octets.get(taken);
                mailData.writeBytes(taken);
                failed = whole;
            }
        }

        @Override
        public CompletionStage<SpoolId> commit() throws SpoolException {
            synchronized (store) {
                enterOpen(null);
                if (failed) {
                    throw new SpoolException("message " + id + " was not written whole");
                }
                SpoolException fault = faults.remove(Call.COMMIT);
                if (fault != null) {
                    abandon();
                    return CompletableFuture.failedStage(fault);
                }
                ended = true;
                writers.remove(this);
                if (stalling) {
                    stalled.add(this);
                    return commit.minimalCompletionStage();
                }
                add();
            }
            commit.complete(id);
            return commit.minimalCompletionStage();
        }

        private void add() {
            store.add(id, envelope, receivedAt, mailData.toByteArray());
        }

        @Override
        public void close() {
            synchronized (store) {
                abandon();
            }
        }

        private void abandon() {
            if (!ended) {
                ended = true;
                writers.remove(this);
                store.give(mailData.size());
            }
        }
    }
}
