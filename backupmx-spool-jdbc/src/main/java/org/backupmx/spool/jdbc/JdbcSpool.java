package org.backupmx.spool.jdbc;

import static java.util.Objects.requireNonNull;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import javax.sql.DataSource;
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
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;

/**
 * A spool in a relational database, over a {@link DataSource} that the caller owns. Thread-safe.
 *
 * <p>Several engines may share one database: a message is leased to one of them at a time, and when an engine dies the
 * others take over when its leases end. Each call takes at most one connection at a time and gives it back before it
 * returns; neither an open writer nor an open stream holds one. Give the data source a pool, with as many connections
 * as there are threads that use the spool, and time limits (connecting, waiting for the pool, the driver's socket),
 * for the spool has none of its own. The isolation should be READ COMMITTED, the default of both engines.
 *
 * <p>Mail data goes in and out in chunks, so a message never stands in the heap as a whole; each chunk carries a CRC32C
 * that is checked when it is read. Instants are kept to the microsecond.
 *
 * <p>{@link #lease}, {@link #nextDue}, {@link #settle} and reading by identity or recipient go by index, whatever is
 * queued. {@link #lanes()} reads one short row a queued message and lane (about a second a million), which suits
 * a call now and then. {@link #scan} and {@link #find(SpoolFilter, Optional, int)} read pages in order of identity,
 * which is the order of arrival but for clocks that differ; a filter that few messages fit may read them all.
 *
 * <p>A commit whose outcome the database did not tell fails, so that the client sends again. What may be stored all the
 * same, this spool never leases and removes when it meets it; another engine, or a later opening, may deliver it: a
 * duplicate, never a loss.
 */
public final class JdbcSpool
        implements Spool,
                FindableSpool,
                HoldableSpool,
                DeletableSpool,
                ReschedulableSpool,
                RecipientReadableSpool,
                ResettableSpool,
                OrderedSpool {

    private final Database database;
    private final Health health;
    private final Ids ids;
    private final LeaseTable leases;
    private final Uploads uploads;
    private final ChunkTable chunks;
    private final Browser browser;
    private final int chunkBytes;

    JdbcSpool(
            Database database,
            Health health,
            Ids ids,
            LeaseTable leases,
            Uploads uploads,
            ChunkTable chunks,
            Browser browser,
            int chunkBytes) {
        this.database = database;
        this.health = health;
        this.ids = ids;
        this.leases = leases;
        this.uploads = uploads;
        this.chunks = chunks;
        this.browser = browser;
        this.chunkBytes = chunkBytes;
    }

    /**
     * Starts to open a spool.
     *
     * @param dataSource where connections come from; it is used until the spool is closed, and never closed by it
     * @return a builder with every setting at its default
     */
    public static JdbcSpoolBuilder builder(DataSource dataSource) {
        return new JdbcSpoolBuilder(requireNonNull(dataSource, "dataSource"));
    }

    /** {@inheritDoc} It asks nothing of the database yet. */
    @Override
    public SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException {
        requireNonNull(envelope, "envelope");
        requireNonNull(receivedAt, "receivedAt");
        database.checkOpen();
        return new JdbcSpoolWriter(uploads, ids.next(receivedAt), envelope, receivedAt, chunkBytes);
    }

    @Override
    public List<SpoolLane> lanes() throws SpoolException {
        return leases.lanes();
    }

    @Override
    public Optional<Instant> nextDue(MailDomain domain) throws SpoolException {
        return leases.nextDue(requireNonNull(domain, "domain"));
    }

    /** {@inheritDoc} Damaged messages are passed over until such a lease would end, and logged. */
    @Override
    public List<SpoolLease> lease(LeaseRequest request) throws SpoolException {
        return lease(request, LeaseOrder.OLDEST);
    }

    /**
     * {@inheritDoc} On PostgreSQL {@link LeaseOrder#SMALLEST} sorts the lane each time, unless somebody made an index of the
     * lanes' table that begins with {@code domain, held, size_bytes}.
     */
    @Override
    public List<SpoolLease> lease(LeaseRequest request, LeaseOrder order) throws SpoolException {
        return leases.lease(requireNonNull(request, "request"), requireNonNull(order, "order"));
    }

    @Override
    public SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException {
        return leases.renew(requireNonNull(lease, "lease"), now, until);
    }

    @Override
    public InputStream read(SpoolId id) throws SpoolException {
        return chunks.open(requireNonNull(id, "id"));
    }

    @Override
    public void settle(SpoolLease lease, Settlement settlement) throws SpoolException {
        leases.settle(requireNonNull(lease, "lease"), requireNonNull(settlement, "settlement"));
    }

    @Override
    public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        browser.scan(requireNonNull(visitor, "visitor"));
    }

    /**
     * {@inheritDoc} After the database was full or out of reach it refuses for {@link JdbcSpoolBuilder#refuseFor}, or
     * until a later call succeeds (if it was full: stores something).
     */
    @Override
    public SpoolHealth health() {
        return database.isClosed() ? SpoolHealth.refusing("the spool is closed") : health.now();
    }

    @Override
    public Optional<QueuedMessage> find(SpoolId id) throws SpoolException {
        return browser.find(requireNonNull(id, "id"));
    }

    @Override
    public List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException {
        return browser.find(requireNonNull(filter, "filter"), requireNonNull(after, "after"), limit);
    }

    @Override
    public List<QueuedMessage> readableBy(Mailbox recipient, Optional<SpoolId> after, int limit) throws SpoolException {
        return browser.readableBy(requireNonNull(recipient, "recipient"), requireNonNull(after, "after"), limit);
    }

    @Override
    public boolean hold(SpoolId id) throws SpoolException {
        return leases.hold(requireNonNull(id, "id"), true);
    }

    @Override
    public boolean release(SpoolId id) throws SpoolException {
        return leases.hold(requireNonNull(id, "id"), false);
    }

    @Override
    public boolean delete(SpoolId id) throws SpoolException {
        return leases.delete(requireNonNull(id, "id"));
    }

    @Override
    public boolean reschedule(SpoolId id, Instant due) throws SpoolException {
        return leases.reschedule(requireNonNull(id, "id"), requireNonNull(due, "due"));
    }

    @Override
    public boolean resetAttempts(SpoolId id, Instant due) throws SpoolException {
        return leases.resetAttempts(requireNonNull(id, "id"), requireNonNull(due, "due"));
    }

    @Override
    public long reschedule(MailDomain domain, Instant due) throws SpoolException {
        return leases.reschedule(requireNonNull(domain, "domain"), requireNonNull(due, "due"));
    }

    @Override
    public void close() throws SpoolException {
        if (!database.isClosed()) {
            uploads.abandonAll();
        }
        database.close(connection -> {
            uploads.condemnAll(connection);
            leases.giveUp(connection);
            // A durable commit that writes carries all earlier ones with it, those that were to be durable soon.
            return Database.update(connection, database.sql.touchVersion);
        });
    }
}
