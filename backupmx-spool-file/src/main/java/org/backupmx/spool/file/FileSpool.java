package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.MessageLane;
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
import org.backupmx.spool.SpooledMessage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A spool in append-only segment files of one directory. One thread writes: it puts all commits that wait under one
 * force. Settled outcomes are on disk within about 100 ms.
 *
 * <p>One process uses a directory at a time; the directory's lock refuses others. Mail that one file cannot be read
 * from is told as damaged and stands aside, and everything else goes on. A failed write or force is final: who waits
 * for it is told, and the spool goes on in a new file if the disk allows it. When the disk has too little room new mail
 * is refused, and delivery, which gives room back, goes on.
 *
 * <p>Commit stages complete on the thread {@code backupmx-commit}; what depends on one must not call a method of the
 * spool that waits for the disk there ({@code hold}, {@code release}, {@code delete}, {@code close}, the writing of long
 * messages). Thread-safe.
 */
public final class FileSpool
        implements Spool,
                FindableSpool,
                HoldableSpool,
                DeletableSpool,
                ReschedulableSpool,
                RecipientReadableSpool,
                ResettableSpool,
                OrderedSpool {

    private static final Logger LOG = LoggerFactory.getLogger(FileSpool.class);

    private static final int PAGE_READ = 256;

    private final Path directory;
    private final Closeable lock;
    private final SegmentFiles segments;
    private final SpoolIndex index;
    private final GroupCommitter committer;
    private final Compactor compactor;
    private final Checkpoints checkpoints;
    private final FileSpoolWriter.Shared shared;
    private final MessageLoader loader;
    private final Deliveries deliveries;
    private final Queries queries;
    private final AttemptReset attemptReset;
    private final List<Damage> lost;
    private final AtomicLong nextId;
    private final AtomicBoolean closed = new AtomicBoolean();

    private FileSpool(FileSpoolBuilder settings, Closeable lock, SpoolOpening opening) {
        this.directory = settings.directory;
        this.lock = lock;
        this.segments = opening.segments();
        this.index = opening.index();
        this.committer = opening.committer();
        this.compactor = opening.compactor();
        this.checkpoints = opening.checkpoints();
        this.lost = opening.lost();
        this.shared =
                new FileSpoolWriter.Shared(index, committer, new BufferPool(settings.pendingBytes, settings.nanoTime));
        this.loader = new MessageLoader(segments, index);
        this.deliveries = new Deliveries(index, committer::lazily, opening.session());
        this.queries = new Queries(index);
        this.attemptReset = new AttemptReset(loader, deliveries);
        this.nextId = new AtomicLong(opening.session() << Ids.COUNTER_BITS);
    }

    /**
     * Opens a spool with the default settings.
     *
     * @param directory where it is; made if there is none
     * @return the open spool, which the caller closes
     * @throws SpoolException as {@link FileSpoolBuilder#open()} does
     */
    public static FileSpool open(Path directory) throws SpoolException {
        return builder(directory).open();
    }

    /**
     * Starts a spool with other settings.
     *
     * @param directory where it is
     * @return a builder
     */
    public static FileSpoolBuilder builder(Path directory) {
        return new FileSpoolBuilder(directory);
    }

    static FileSpool open(FileSpoolBuilder settings) throws SpoolException {
        try {
            settings.io.createDirectory(settings.directory);
            Closeable lock = settings.io.lock(settings.directory.resolve("lock"));
            boolean opened = false;
            try {
                FileSpool spool = new FileSpool(settings, lock, SpoolOpening.of(settings));
                opened = true;
                return spool;
            } finally {
                if (!opened) {
                    lock.close();
                }
            }
        } catch (SpoolException e) {
            throw e;
        } catch (FileIo.NoSpaceException e) {
            throw new SpoolFullException("spool directory " + settings.directory + ": disk is full", e);
        } catch (IOException e) {
            throw new SpoolException(
                    "spool directory " + settings.directory + ": cannot be opened: " + FileFault.of(e), e);
        }
    }

    private void checkOpen() throws SpoolUnavailableException {
        if (closed.get()) {
            throw new SpoolUnavailableException("spool " + directory + ": closed");
        }
    }

    @Override
    public SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
        requireNonNull(envelope, "envelope");
        requireNonNull(receivedAt, "receivedAt");
        checkOpen();
        SpoolException refusal = committer.refusal();
        if (refusal instanceof SpoolFullException) {
            throw new SpoolFullException(String.valueOf(refusal.getMessage()), refusal);
        } else if (refusal != null) {
            throw new SpoolUnavailableException(String.valueOf(refusal.getMessage()), refusal);
        }
        return new FileSpoolWriter(shared, nextId.getAndIncrement(), envelope, receivedAt);
    }

    /**
     * Returns the size of mail data that goes into memory and from there to the committer: 131,072 bytes.
     *
     * @return the size in bytes
     */
    @Override
    public int nonBlockingBytes() {
        return FileSpoolWriter.INLINE_BYTES;
    }

    @Override
    public List<SpoolLane> lanes() throws SpoolException {
        checkOpen();
        return queries.lanes();
    }

    @Override
    public Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
        requireNonNull(domain, "domain");
        checkOpen();
        return deliveries.nextDue(domain);
    }

    @Override
    public List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
        return lease(request, LeaseOrder.OLDEST);
    }

    @Override
    public List<SpoolLease> lease(LeaseRequest request, LeaseOrder order) throws SpoolException {
        requireNonNull(request, "request");
        requireNonNull(order, "order");
        checkOpen();
        List<SpoolLease> leases = new ArrayList<>();
        LeaseRequest rest = request;
        while (true) {
            List<Deliveries.Ticket> tickets = deliveries.lease(rest, order);
            for (Deliveries.Ticket ticket : tickets) {
                SpoolLease lease = lease(ticket, request.until());
                if (lease != null) {
                    leases.add(lease);
                }
            }
            int missing = request.limit() - leases.size();
            if (tickets.size() < rest.limit() || missing == 0) {
                return leases;
            }
            rest = new LeaseRequest(request.domain(), request.now(), request.dueBy(), request.until(), missing);
        }
    }

    /** Returns a lease with its message, null if the message is gone or damaged. */
    private @Nullable SpoolLease lease(Deliveries.Ticket ticket, Instant until) throws SpoolException {
        long id = ticket.place().id();
        try {
            SpooledMessage message = loader.spooled(ticket.place());
            MessageLane lane = loader.lane(message, ticket.place());
            if (lane.recipients().isEmpty()) {
                return null;
            }
            return new SpoolLease(
                    message, lane.domain(), lane.recipients(), lane.attempts(), lane.due(), until, ticket.token());
        } catch (MessageLoader.GoneException e) {
            return null;
        } catch (IOException e) {
            if (closed.get()) {
                deliveries.giveUp(ticket);
                throw new SpoolUnavailableException("spool " + directory + ": closed", e);
            }
            quarantine(id, e);
            return null;
        }
    }

    private void quarantine(long id, IOException e) {
        LOG.atError().setCause(e).addKeyValue("spoolId", Ids.text(id)).log("message damaged, set aside");
        index.quarantine(id, String.valueOf(e.getMessage()));
        checkpoints.distrust(id);
    }

    @Override
    public SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
        requireNonNull(lease, "lease");
        requireNonNull(now, "now");
        requireNonNull(until, "until");
        if (!until.isAfter(now)) {
            throw new IllegalArgumentException("until: " + until + " (expected: after now, " + now + ")");
        }
        checkOpen();
        return deliveries.renew(lease, now, until);
    }

    @Override
    public InputStream read(SpoolId id) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        checkOpen();
        synchronized (index) {
            SpoolIndex.DamagedMessage damage = index.damagedMessages.get(number);
            if (damage != null) {
                throw new SpoolDamagedException("message " + id + ": " + damage.reason());
            }
        }
        try {
            return loader.mailData(number);
        } catch (IOException e) {
            throw told(e);
        }
    }

    private SpoolException told(IOException e) {
        if (e instanceof SpoolException known) {
            return known;
        }
        return closed.get()
                ? new SpoolUnavailableException("spool " + directory + ": closed", e)
                : new SpoolException(String.valueOf(e.getMessage()), e);
    }

    @Override
    public void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
        requireNonNull(lease, "lease");
        requireNonNull(settlement, "settlement");
        checkOpen();
        deliveries.settle(lease, settlement);
    }

    @Override
    public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        requireNonNull(visitor, "visitor");
        checkOpen();
        Map<Long, SpoolIndex.DamagedMessage> damaged;
        long[] ids;
        synchronized (index) {
            damaged = new HashMap<>(index.damagedMessages);
            ids = queries.ids();
        }
        for (long id : ids) {
            if (!damaged.containsKey(id)) {
                SpoolEntry entry = entry(id);
                if (entry != null) {
                    visitor.accept(entry);
                }
            }
        }
        damaged.forEach((id, damage) -> visitor.accept(new SpoolEntry.Damaged(Ids.text(id), damage.reason())));
        for (Damage one : lost) {
            if (segments.get(one.segment()) != null) {
                visitor.accept(new SpoolEntry.Damaged(null, one.describe()));
            }
        }
    }

    private @Nullable SpoolEntry entry(long id) throws SpoolException {
        try {
            return new SpoolEntry.Intact(loader.queued(id));
        } catch (MessageLoader.GoneException e) {
            return null;
        } catch (IOException e) {
            if (closed.get()) {
                throw told(e);
            }
            quarantine(id, e);
            return new SpoolEntry.Damaged(Ids.text(id), String.valueOf(e.getMessage()));
        }
    }

    @Override
    public SpoolHealth health() {
        return closed.get() ? SpoolHealth.refusing("spool " + directory + ": closed") : committer.health();
    }

    @Override
    public Optional<QueuedMessage> find(SpoolId id) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        checkOpen();
        try {
            return Optional.of(loader.queued(number));
        } catch (MessageLoader.GoneException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw told(e);
        }
    }

    @Override
    public List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException {
        requireNonNull(filter, "filter");
        requireNonNull(after, "after");
        if (limit < 1) {
            throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
        }
        checkOpen();
        List<QueuedMessage> page = new ArrayList<>();
        long last = after.map(Ids::number).orElse(0L);
        int reading = Math.max(PAGE_READ, limit);
        while (true) {
            long[] ids = queries.candidates(filter, last, reading);
            for (long id : ids) {
                if (entry(id) instanceof SpoolEntry.Intact intact && filter.matches(intact.message())) {
                    page.add(intact.message());
                    if (page.size() == limit) {
                        return page;
                    }
                }
                last = id;
            }
            if (ids.length < reading) {
                return page;
            }
            reading = (int) Math.min(Integer.MAX_VALUE, reading * 4L);
        }
    }

    @Override
    public List<QueuedMessage> readableBy(Mailbox recipient, Optional<SpoolId> after, int limit) throws SpoolException {
        return find(SpoolFilter.all().recipient(recipient), after, limit);
    }

    @Override
    public boolean hold(SpoolId id) throws SpoolException {
        return hold(id, true);
    }

    @Override
    public boolean release(SpoolId id) throws SpoolException {
        return hold(id, false);
    }

    private boolean hold(SpoolId id, boolean held) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        checkOpen();
        synchronized (index) {
            int row = index.messages.find(number);
            if (row < 0 || index.messages.is(row, MessageTable.DYING)) {
                return false;
            }
        }
        HoldItem item = new HoldItem(index, number, held);
        committer.commit(item);
        await(item.durable());
        return true;
    }

    private void checkMayWait() {
        if (committer.isCommitter(Thread.currentThread())) {
            throw new IllegalStateException("thread: backupmx-commit (expected: another one, this call waits for it)");
        }
    }

    private void await(CompletableFuture<Void> durable) throws SpoolException {
        checkMayWait();
        try {
            durable.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof SpoolFullException
                    ? new SpoolFullException(String.valueOf(e.getCause().getMessage()), e)
                    : new SpoolUnavailableException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public boolean delete(SpoolId id) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        checkOpen();
        DeadItem end = deliveries.beginDeletion(number);
        if (end == null) {
            return false;
        }
        boolean deleted = false;
        try {
            committer.commit(end);
            try {
                await(end.durable());
            } catch (SpoolFullException e) {
                end = end.again(); // the failure opened the segment that is kept for this
                committer.commit(end);
                await(end.durable());
            }
            deleted = true;
            return true;
        } finally {
            if (!deleted) {
                deliveries.cancelDeletion(number);
            }
        }
    }

    @Override
    public boolean reschedule(SpoolId id, Instant due) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        requireNonNull(due, "due");
        checkOpen();
        return deliveries.reschedule(number, due);
    }

    @Override
    public long reschedule(MailDomain domain, Instant due) throws SpoolException {
        requireNonNull(domain, "domain");
        requireNonNull(due, "due");
        checkOpen();
        return deliveries.reschedule(domain, due);
    }

    @Override
    public boolean resetAttempts(SpoolId id, Instant due) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        requireNonNull(due, "due");
        checkOpen();
        try {
            return attemptReset.reset(number, due);
        } catch (MessageLoader.GoneException e) {
            return false;
        } catch (IOException e) {
            throw told(e);
        }
    }

    @Override
    public void close() throws SpoolException {
        checkMayWait();
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        SpoolException failed = null;
        compactor.close();
        try {
            committer.close();
            checkpoints.close();
        } catch (SpoolException e) {
            failed = e;
        }
        try (lock) {
            segments.close();
        } catch (IOException e) {
            failed = failed == null ? new SpoolException("spool " + directory + ": " + e.getMessage(), e) : failed;
        }
        if (failed != null) {
            throw failed;
        }
    }
}
