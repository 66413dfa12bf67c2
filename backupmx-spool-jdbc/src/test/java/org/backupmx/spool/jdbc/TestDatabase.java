package org.backupmx.spool.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.testkit.SpoolActions;
import org.h2.api.ErrorCode;
import org.h2.jdbcx.JdbcDataSource;
import org.jspecify.annotations.Nullable;

/** The storage of one spool: a pool of connections to a database, and a table prefix of its own in it. */
final class TestDatabase implements AutoCloseable {

    private static final AtomicInteger COUNT = new AtomicInteger();

    /** One server for all tests of a JVM; its own shutdown hook ends it. */
    private static final class Server {
        static final EmbeddedPostgres POSTGRES = start();

        private static EmbeddedPostgres start() {
            try {
                return EmbeddedPostgres.builder()
                        .setServerConfig("synchronous_commit", "on")
                        .setServerConfig("fsync", "on")
                        .start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private final HikariDataSource pool;
    final FaultyDataSource dataSource;
    final String prefix;
    private final @Nullable Path directory;

    private TestDatabase(DataSource real, String prefix, int connections, @Nullable Path directory) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(real);
        config.setMaximumPoolSize(connections);
        config.setConnectionTimeout(20_000);
        pool = new HikariDataSource(config);
        dataSource = new FaultyDataSource(pool);
        this.prefix = prefix;
        this.directory = directory;
    }

    static TestDatabase h2InMemory(int connections) {
        return h2("mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", connections, null);
    }

    static TestDatabase h2InFile(int connections) {
        try {
            Path directory = Files.createTempDirectory("backupmx-h2-");
            return h2("file:" + directory.resolve("spool") + ";DB_CLOSE_ON_EXIT=FALSE", connections, directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TestDatabase h2(String url, int connections, @Nullable Path directory) {
        JdbcDataSource h2 = new JdbcDataSource();
        h2.setURL("jdbc:h2:" + url);
        h2.setUser("sa");
        return new TestDatabase(h2, JdbcSpoolBuilder.DEFAULT_TABLE_PREFIX, connections, directory);
    }

    static TestDatabase postgreSql(int connections) {
        return new TestDatabase(
                Server.POSTGRES.getPostgresDatabase(), "t" + COUNT.incrementAndGet() + "_", connections, null);
    }

    /** Returns the server for another user, without a pool. */
    static DataSource postgreSqlAs(String user) {
        return Server.POSTGRES.getDatabase(user, "postgres");
    }

    JdbcSpoolBuilder builder() {
        return JdbcSpool.builder(dataSource).tablePrefix(prefix);
    }

    JdbcSpool open() throws SpoolException {
        return builder().open();
    }

    /** Runs a statement, {@code ${prefix}} replaced. */
    int execute(String sql) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql.replace("${prefix}", prefix));
            return statement.getUpdateCount();
        }
    }

    long count(String query) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery(query.replace("${prefix}", prefix))) {
            rows.next();
            return rows.getLong(1);
        }
    }

    /**
     * Queues so many messages for {@code x@a.example} without a spool: received a millisecond apart from
     * {@code SpoolActions.START} on, of sizes in no order. The spool's tables have to be there.
     */
    void fill(int messages) throws SQLException {
        fill(1, messages);
    }

    /** Queues those of them that have these numbers. */
    void fill(int first, int last) throws SQLException {
        long start = Micros.floor(SpoolActions.START);
        String numbers = isH2()
                ? "(SELECT x AS i FROM SYSTEM_RANGE(" + first + ", " + last + ")) numbers"
                : "(SELECT i FROM GENERATE_SERIES(" + first + ", " + last + ") AS i) numbers";
        String id = "LPAD(CAST(i AS VARCHAR), 12, '0')";
        String receivedAt = start + " + CAST(i AS BIGINT) * 1000";
        String size = "MOD(CAST(i AS BIGINT) * 7919, 100003)";
        execute(
                "INSERT INTO ${prefix}message (id, committed, begun_at, received_at, reverse_path, body_type, smtp_utf8,"
                        + " recipient_count, size_bytes, chunk_count) SELECT " + id + ", TRUE, 1, " + receivedAt
                        + ", 'sender@example.net', '7BIT', FALSE, 1, " + size + ", 0 FROM " + numbers);
        execute(
                "INSERT INTO ${prefix}recipient (message_id, recipient_no, local_part, domain, notify_on, state) SELECT "
                        + id + ", 0, 'x', 'a.example', '', 'pending' FROM " + numbers);
        execute("INSERT INTO ${prefix}lane (message_id, domain, held, due, attempts, lease_until, lease_token,"
                + " lease_owner, received_at, size_bytes) SELECT " + id + ", 'a.example', FALSE, " + receivedAt
                + ", 0, "
                + Sql.NOT_LEASED + ", 0, 0, " + receivedAt + ", " + size + " FROM " + numbers);
    }

    private boolean isH2() throws SQLException {
        return pool.getDataSource().isWrapperFor(JdbcDataSource.class);
    }

    /** Returns the same H2 database for another user, without a pool. */
    DataSource as(String user) throws SQLException {
        JdbcDataSource h2 = new JdbcDataSource();
        h2.setURL(pool.getDataSource().unwrap(JdbcDataSource.class).getURL().replaceAll(";.*", ""));
        h2.setUser(user);
        return h2;
    }

    /** Closes H2's files without writing what is still to be written. */
    void crashH2() throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SHUTDOWN IMMEDIATELY");
        } catch (SQLException e) {
            if (e.getErrorCode() != ErrorCode.DATABASE_CALLED_AT_SHUTDOWN) {
                throw e;
            }
        }
        pool.getHikariPoolMXBean().softEvictConnections();
    }

    @Override
    public void close() {
        pool.close();
        if (directory != null) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
