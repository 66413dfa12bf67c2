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
