package org.backupmx.benchmarks.spool;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import javax.sql.DataSource;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.jdbc.JdbcSpool;

/**
 * What does it cost to lease a hundred messages from a long lane in a database, in each order, with nothing and with 5,000
 * leased messages in front of them?
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.spool.JdbcSpoolLease URL DEPTH...}; {@code URL} is that of an H2 or PostgreSQL
 * database with no tables of the prefix {@code lease_}, user and password in it; the driver of PostgreSQL is to be added to the
 * class path. The messages are made by SQL, without mail data. What is leased is given back before the next lease,
 * which is not timed. Medians, 90th percentile behind.
 */
public final class JdbcSpoolLease {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final MailDomain DOMAIN = MailDomain.of("example.org");
    private static final String PREFIX = "lease_";
    private static final int LIMIT = 100;
    private static final int LEASED = 5_000;
    private static final int ROUNDS = 100;

    private JdbcSpoolLease() {}

    /**
     * Measures and reports.
     *
     * @param args as above
     * @throws Exception if the database fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length < 2) {
            System.err.println("usage: JdbcSpoolLease URL DEPTH...");
            System.exit(2);
        }
        for (int i = 1; i < args.length; i++) {
            run(args[0], Integer.parseInt(args[i]), LEASED, ROUNDS);
        }
    }

    /** Measures at one depth: at least the leased messages and as many as one lease takes. */
    static void run(String url, int depth, int leased, int rounds) throws IOException, SQLException {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(2);
        try (HikariDataSource dataSource = new HikariDataSource(config)) {
            try (JdbcSpool spool =
                    JdbcSpool.builder(dataSource).tablePrefix(PREFIX).open()) {
                fill(dataSource, depth);
                for (LeaseOrder order : LeaseOrder.values()) {
                    measure(spool, order, rounds); // warms up
                    String alone = measure(spool, order, rounds);
                    List<SpoolLease> others = lease(spool, order, leased);
                    String behind = measure(spool, order, rounds);
                    giveBack(spool, others);
                    System.out.printf(
                            "%,d queued, %s: %s; behind %,d leased: %s%n", depth, order, alone, leased, behind);
                }
            }
            for (String table : new String[] {"chunk", "lane", "recipient", "message", "schema_version"}) {
                execute(dataSource, "DROP TABLE " + PREFIX + table);
            }
        }
    }

    private static String measure(JdbcSpool spool, LeaseOrder order, int rounds) throws IOException {
        long[] nanos = new long[rounds];
        for (int i = 0; i < rounds; i++) {
            long start = System.nanoTime();
            List<SpoolLease> leases = lease(spool, order, LIMIT);
            nanos[i] = System.nanoTime() - start;
            giveBack(spool, leases);
        }
        Arrays.sort(nanos);
        return "%.1f ms (%.1f)".formatted(nanos[rounds / 2] / 1e6, nanos[rounds * 9 / 10] / 1e6);
    }

    private static List<SpoolLease> lease(JdbcSpool spool, LeaseOrder order, int limit) throws IOException {
        List<SpoolLease> leases =
                spool.lease(new LeaseRequest(DOMAIN, NOW, Instant.MAX, NOW.plusSeconds(3600), limit), order);
        if (leases.size() != limit) {
            throw new IOException(leases.size() + " messages leased of " + limit);
        }
        return leases;
    }

    private static void giveBack(JdbcSpool spool, List<SpoolLease> leases) throws IOException {
        for (SpoolLease lease : leases) {
            spool.settle(lease, Settlement.unused(NOW, lease.due()));
        }
    }

    private static void fill(DataSource dataSource, int depth) throws SQLException {
        String numbers = isH2(dataSource)
                ? "(SELECT x AS i FROM SYSTEM_RANGE(1, " + depth + ")) numbers"
                : "(SELECT i FROM GENERATE_SERIES(1, " + depth + ") AS i) numbers";
        String id = "LPAD(CAST(i AS VARCHAR), 26, '0')";
        String receivedAt = "CAST(i AS BIGINT) * 1000";
        String size = "MOD(CAST(i AS BIGINT) * 7919, 100003)";
        execute(
                dataSource,
                "INSERT INTO " + PREFIX
                        + "message (id, committed, begun_at, received_at, reverse_path, body_type, smtp_utf8,"
                        + " recipient_count, size_bytes, chunk_count) SELECT " + id + ", TRUE, 1, " + receivedAt
                        + ", 'sender@example.net', '7BIT', FALSE, 1, " + size + ", 0 FROM " + numbers);
        execute(
                dataSource,
                "INSERT INTO " + PREFIX
                        + "recipient (message_id, recipient_no, local_part, domain, notify_on, state) SELECT " + id
                        + ", 0, 'user', '" + DOMAIN + "', '', 'pending' FROM " + numbers);
        execute(
                dataSource,
                "INSERT INTO " + PREFIX
                        + "lane (message_id, domain, held, due, attempts, lease_until, lease_token, lease_owner,"
                        + " received_at, size_bytes) SELECT " + id + ", '" + DOMAIN + "', FALSE, " + receivedAt
                        + ", 0, "
                        + Long.MIN_VALUE + ", 0, 0, " + receivedAt + ", " + size + " FROM " + numbers);
        execute(dataSource, "ANALYZE");
    }

    private static boolean isH2(DataSource dataSource) throws SQLException {
        try (Connection connection = dataSource.getConnection()) {
            return connection.getMetaData().getDatabaseProductName().equals("H2");
        }
    }

    private static void execute(DataSource dataSource, String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
