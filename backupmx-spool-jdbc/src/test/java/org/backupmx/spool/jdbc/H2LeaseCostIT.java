package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;

import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How many rows H2 reads for a lease. */
class H2LeaseCostIT {

    private static final Instant NOW = START.plusSeconds(3600);
    private static final int LIMIT = 50;

    /** Of each message: a lane's row to pick it, it and the end of its range to lock it, a message's row, a recipient's. */
    private static final long OWN = 5 * LIMIT + 5;

    private final H2Scans scans = new H2Scans();

    private static int lease(JdbcSpool spool, LeaseOrder order, int limit) throws Exception {
        LeaseRequest request = new LeaseRequest(MailDomain.of("a.example"), NOW, NOW, NOW.plus(LEASE), limit);
        return spool.lease(request, order).size();
    }

    private JdbcSpool open(TestDatabase database) throws Exception {
        return JdbcSpool.builder(scans.on(database.dataSource))
                .tablePrefix(database.prefix)
                .open();
    }

    @ParameterizedTest
    @EnumSource
    void leaseReadsWhatItLeasesHoweverLongTheLane(LeaseOrder order) throws Exception {
        for (int messages : new int[] {200, 10_000}) {
            try (TestDatabase database = TestDatabase.h2InMemory(2);
                    JdbcSpool spool = open(database)) {
                database.fill(messages);
                scans.take();
                assertThat(lease(spool, order, LIMIT)).isEqualTo(LIMIT);
                assertThat(scans.take())
                        .as("rows read of %s messages", messages)
                        .isBetween((long) LIMIT, OWN);
            }
        }
    }

    /** Connections keep the plans of statements that they ran when the tables were small. */
    @ParameterizedTest
    @EnumSource
    void laneMayGrow(LeaseOrder order) throws Exception {
        try (TestDatabase database = TestDatabase.h2InMemory(1);
                JdbcSpool spool = open(database)) {
            database.fill(1, 100);
            for (int i = 0; i < 3; i++) {
                assertThat(lease(spool, order, 3)).isEqualTo(3);
            }
            database.fill(101, 10_000);
            for (int i = 0; i < 3; i++) {
                scans.take();
                assertThat(lease(spool, order, LIMIT)).isEqualTo(LIMIT);
                assertThat(scans.take()).isLessThanOrEqualTo(OWN + 9 + (long) i * LIMIT);
            }
        }
    }

    /** The table's statistics, which H2 renews by itself now and then, change nothing. */
    @ParameterizedTest
    @EnumSource
    void statisticsDoNotLeadAstray(LeaseOrder order) throws Exception {
        try (TestDatabase database = TestDatabase.h2InMemory(2);
                JdbcSpool spool = open(database)) {
            database.fill(5_000);
            database.execute("ANALYZE");
            scans.take();
            assertThat(lease(spool, order, LIMIT)).isEqualTo(LIMIT);
            assertThat(scans.take()).isLessThanOrEqualTo(OWN);
        }
    }

    /** No index tells what is leased: each such row in front of the first free one is read, but once a lease. */
    @ParameterizedTest
    @EnumSource
    void whatIsLeasedInFrontIsReadOnceALease(LeaseOrder order) throws Exception {
        int leased = 5_000;
        try (TestDatabase database = TestDatabase.h2InMemory(2);
                JdbcSpool other = database.open();
                JdbcSpool spool = open(database)) {
            database.fill(2 * leased);
            assertThat(lease(other, order, leased)).isEqualTo(leased);
            scans.take();
            assertThat(lease(spool, order, LIMIT)).isEqualTo(LIMIT);
            assertThat(scans.take()).isBetween((long) leased, leased + OWN);
        }
    }

    /** All are due at one instant, as after a flush, and of one size; others are at work on those behind the leased ones. */
    @ParameterizedTest
    @EnumSource
    void whatIsLeasedInFrontIsReadOnceALeaseBesideOthers(LeaseOrder order) throws Exception {
        int leased = 5_000;
        int locked = 400;
        try (TestDatabase database = TestDatabase.h2InMemory(2);
                JdbcSpool other = database.open();
                JdbcSpool spool = open(database)) {
            database.fill(2 * leased);
            String at = String.valueOf(Micros.floor(START));
            database.execute("UPDATE ${prefix}lane SET due = " + at + ", received_at = " + at + ", size_bytes = 7");
            assertThat(lease(other, order, leased)).isEqualTo(leased);
            try (Connection connection = database.dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                int changed = statement.executeUpdate(
                        "UPDATE " + database.prefix + "lane SET attempts = 0 WHERE message_id BETWEEN "
                                + (order == LeaseOrder.NEWEST
                                        ? "'000000004601' AND '000000005000'"
                                        : "'000000005001' AND '000000005400'"));
                assertThat(changed).isEqualTo(locked);
                scans.take();
                assertThat(lease(spool, order, LIMIT)).isEqualTo(LIMIT);
                assertThat(scans.take())
                        .as("rows of others are picked once, and tried to lock")
                        .isBetween((long) leased, leased + 3 * locked + 2 * OWN);
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    @Test
    void whatIsDueNextIsToldByOneRowHoweverLongTheLane() throws Exception {
        try (TestDatabase database = TestDatabase.h2InMemory(2);
                JdbcSpool spool = open(database)) {
            database.fill(10_000);
            scans.take();
            assertThat(spool.nextDue(MailDomain.of("a.example"))).contains(START.plusMillis(1));
            assertThat(scans.take()).isBetween(1L, 4L);
        }
    }
}
