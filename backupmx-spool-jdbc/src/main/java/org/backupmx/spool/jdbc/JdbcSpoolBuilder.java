package org.backupmx.spool.jdbc;

import static java.util.Objects.requireNonNull;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import javax.sql.DataSource;
import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;

/** Collects the settings of a {@link JdbcSpool}. Not thread-safe. */
public final class JdbcSpoolBuilder {

    /** The table prefix unless set: {@value}. */
    public static final String DEFAULT_TABLE_PREFIX = "backupmx_";

    /** The size of a chunk unless set: {@value} bytes. */
    public static final int DEFAULT_CHUNK_BYTES = 256 * 1024;

    /** The smallest chunk: {@value} bytes. */
    public static final int MIN_CHUNK_BYTES = 4 * 1024;

    /** The greatest chunk: {@value} bytes. */
    public static final int MAX_CHUNK_BYTES = 16 * 1024 * 1024;

    /** How long a message may take to arrive unless set: a day. */
    public static final Duration DEFAULT_ABANDONED_AFTER = Duration.ofDays(1);

    /** How long the spool refuses after a fault unless set: 5 seconds. */
    public static final Duration DEFAULT_REFUSE_FOR = Duration.ofSeconds(5);

    private final DataSource dataSource;
    private @Nullable SpoolDialect dialect;
    private String tablePrefix = DEFAULT_TABLE_PREFIX;
    private boolean createSchema = true;
    private int chunkBytes = DEFAULT_CHUNK_BYTES;
    private Duration abandonedAfter = DEFAULT_ABANDONED_AFTER;
    private Duration refuseFor = DEFAULT_REFUSE_FOR;
    private RandomGenerator random = new SecureRandom();
    private LongSupplier nanoTime = System::nanoTime;

    JdbcSpoolBuilder(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * Sets the dialect. Unless set, opening asks the database for its name. Set it for an engine that speaks another
     * one's protocol and SQL under its own name.
     *
     * @param value the dialect
     * @return this builder
     */
    public JdbcSpoolBuilder dialect(SpoolDialect value) {
        dialect = requireNonNull(value, "dialect");
        return this;
    }

    /**
     * Sets what the names of the spool's tables and indexes begin with; {@link #DEFAULT_TABLE_PREFIX} unless set. Spools
     * with different prefixes are different spools. The schema is the connection's default one.
     *
     * @param value a letter, then up to 29 letters, digits and underscores
     * @return this builder
     * @throws IllegalArgumentException if {@code value} has another form
     */
    public JdbcSpoolBuilder tablePrefix(String value) {
        tablePrefix = SpoolDialect.checkPrefix(value);
        return this;
    }

    /**
     * Sets whether opening makes the tables if they are missing; true unless set. Without it they have to be there,
     * made from {@link SpoolDialect#schemaSql}, and the spool's user needs no right to make tables.
     *
     * @param value whether to make them
     * @return this builder
     */
    public JdbcSpoolBuilder createSchema(boolean value) {
        createSchema = value;
        return this;
    }

    /**
     * Sets the size of the pieces in which mail data is stored; {@link #DEFAULT_CHUNK_BYTES} unless set. Each open
     * writer and each open stream holds at most one piece in the heap, and a writer no more than its message has so
     * far. A message of at most one piece is stored in one transaction. It may differ from one open to the next.
     *
     * @param value the size in bytes, {@link #MIN_CHUNK_BYTES} to {@link #MAX_CHUNK_BYTES}
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public JdbcSpoolBuilder chunkBytes(int value) {
        if (value < MIN_CHUNK_BYTES || value > MAX_CHUNK_BYTES) {
            throw new IllegalArgumentException(
                    "chunkBytes: " + value + " (expected: " + MIN_CHUNK_BYTES + " to " + MAX_CHUNK_BYTES + ")");
        }
        chunkBytes = value;
        return this;
    }

    /**
     * Sets how long a message of several pieces may take to arrive; {@link #DEFAULT_ABANDONED_AFTER} unless set. Of
     * what began to arrive earlier, by the database's clock, the remains are removed, at opening and about once an
     * hour; a writer that is still at it then fails. It is for writers whose engine died.
     *
     * @param value how long, one minute to 30 days
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public JdbcSpoolBuilder abandonedAfter(Duration value) {
        abandonedAfter = checkRange("abandonedAfter", value, Duration.ofMinutes(1), Duration.ofDays(30));
        return this;
    }

    /**
     * Sets how long {@link JdbcSpool#health()} refuses after the database was full or out of reach, unless something
     * succeeds earlier; {@link #DEFAULT_REFUSE_FOR} unless set. Longer spares clients and the pool futile attempts,
     * shorter finds out sooner that the database is back.
     *
     * @param value how long, 0 to one hour; 0 never refuses
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public JdbcSpoolBuilder refuseFor(Duration value) {
        refuseFor = checkRange("refuseFor", value, Duration.ZERO, Duration.ofHours(1));
        return this;
    }

    /**
     * Sets where identities and lease tokens come from; a {@link SecureRandom} unless set. The spool uses it from one
     * thread at a time. Engines that share a database need generators that differ.
     *
     * @param value the generator
     * @return this builder
     */
    public JdbcSpoolBuilder random(RandomGenerator value) {
        random = requireNonNull(value, "random");
        return this;
    }

    /**
     * Sets the clock for intervals; {@link System#nanoTime()} unless set.
     *
     * @param value nanoseconds since some instant; thread-safe
     * @return this builder
     */
    public JdbcSpoolBuilder nanoTime(LongSupplier value) {
        nanoTime = requireNonNull(value, "nanoTime");
        return this;
    }

    private static Duration checkRange(String name, Duration value, Duration least, Duration most) {
        requireNonNull(value, name);
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + least + " to " + most + ")");
        }
        return value;
    }

    /**
     * Connects, checks or makes the tables, and opens the spool.
     *
     * @return an open spool, which the caller closes before the data source
     * @throws org.backupmx.spool.SpoolUnavailableException if the database cannot be reached
     * @throws SpoolException if the database is not as expected; the message says what to do
     */
    public JdbcSpool open() throws SpoolException {
        Sql sql = new Sql(tablePrefix);
        SpoolDialect used = dialect == null ? SpoolDialect.postgreSql() : dialect;
        try (Connection connection = dataSource.getConnection()) {
            used = dialect == null ? SpoolDialect.of(connection) : dialect;
            used.checkDurability(connection);
            new Schema(used, sql, tablePrefix, Schema.VERSION).open(connection, createSchema);
        } catch (SQLException e) {
            throw SqlFaults.translate(used, "open the spool", e);
        }
        Health health = new Health(nanoTime, refuseFor.toNanos());
        Database database = new Database(dataSource, used, sql, health);
        MessageTable messages = new MessageTable(sql);
        ChunkTable chunks = new ChunkTable(database);
        Ids ids = new Ids(random);
        Removals removals = new Removals(database, chunkBytes);
        Doubtful doubtful = new Doubtful();
        LeasableRows leasable = new LeasableRows(database, doubtful, removals);
        LeaseTable leases = new LeaseTable(database, messages, removals, leasable, ids);
        Uploads uploads = new Uploads(database, messages, chunks, doubtful, removals, abandonedAfter, nanoTime);
        uploads.sweep();
        return new JdbcSpool(
                database, health, ids, leases, uploads, chunks, new Browser(database, messages), chunkBytes);
    }
}
