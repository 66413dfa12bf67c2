package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.jdbc.FaultyDataSource.Fault;
import org.backupmx.spool.jdbc.FaultyDataSource.Moment;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Engines that lease from one lane at once: each message to one of them, and to somebody. */
abstract class JdbcLeaseContract {

    private static final Instant NOW = START.plusSeconds(3600);
    private static final int QUEUED = 60;

    /** What a lease locks by; the moment before it is the last at which another may come between. */
    private static final String LOCK = "FOR UPDATE SKIP LOCKED";

    private TestDatabase database;
    private JdbcSpool one;
    private JdbcSpool other;

    abstract TestDatabase newDatabase();

    @BeforeEach
    void open() throws Exception {
        database = newDatabase();
        one = database.open();
        other = database.open();
    }

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        database.dataSource.fault(FaultyDataSource.NONE);
        one.close();
        other.close();
        assertThat(database.dataSource.openConnections()).isZero();
        assertThat(database.dataSource.openStatements()).isZero();
        database.close();
    }

    /** Does something in the middle of another call, on the thread of that call. */
    private interface Between {
        void run() throws Exception;
    }

    private static Fault once(Moment when, String part, Between between) {
        AtomicInteger left = new AtomicInteger(1);
        return (moment, sql) -> {
            if (moment == when && sql.contains(part) && left.getAndDecrement() > 0) {
                try {
                    between.run();
                } catch (Exception e) {
                    throw new SQLException(e);
                }
            }
        };
    }

    private static List<SpoolId> lease(JdbcSpool spool, LeaseOrder order, int limit) throws Exception {
        return ids(spool.lease(new LeaseRequest(MailDomain.of("a.example"), NOW, NOW, NOW.plus(LEASE), limit), order));
    }

    private static List<SpoolId> ids(List<SpoolLease> leases) {
        return leases.stream().map(SpoolLease::id).toList();
    }

    /** Queues messages; returns them as they are to be leased, in an order. */
    private List<SpoolId> fill(int messages, LeaseOrder order) throws Exception {
        database.fill(messages);
        List<Integer> numbers = new ArrayList<>();
        for (int i = 1; i <= messages; i++) {
            numbers.add(i);
        }
        if (order == LeaseOrder.NEWEST) {
            Collections.reverse(numbers);
        } else if (order == LeaseOrder.SMALLEST) {
            numbers.sort(Comparator.comparingLong(i -> i * 7919L % 100_003));
        }
        return numbers.stream().map(i -> new SpoolId("%012d".formatted(i))).toList();
    }

    private static String quoted(List<SpoolId> ids) {
        return "('" + String.join("', '", ids.stream().map(SpoolId::value).toList()) + "')";
    }

    @ParameterizedTest
    @EnumSource
    void leaseThatIsNotCommittedYetLeavesTheRestToOthers(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        List<SpoolId> others = new ArrayList<>();
        database.dataSource.fault(once(Moment.BEFORE_COMMIT, "", () -> others.addAll(lease(other, order, 15))));
        assertThat(lease(one, order, 10)).isEqualTo(expected.subList(0, 10));
        assertThat(others).isEqualTo(expected.subList(10, 25));
        assertThat(lease(other, order, 100)).isEqualTo(expected.subList(25, QUEUED));
    }

    @ParameterizedTest
    @EnumSource
    void whatAnotherLeasesAMomentBeforeIsPassedOver(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        List<SpoolId> others = new ArrayList<>();
        database.dataSource.fault(once(Moment.EXECUTE, LOCK, () -> others.addAll(lease(other, order, 25))));
        assertThat(lease(one, order, 10)).isEqualTo(expected.subList(25, 35));
        assertThat(others).isEqualTo(expected.subList(0, 25));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsLockedForAnotherPurposeIsPassedOver(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        try (Connection connection = database.dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.executeUpdate("UPDATE " + database.prefix + "lane SET attempts = attempts WHERE message_id IN "
                    + quoted(expected.subList(2, 40)));
            List<SpoolId> free = new ArrayList<>(expected.subList(0, 2));
            free.addAll(expected.subList(40, QUEUED));
            assertThat(lease(one, order, 5)).isEqualTo(free.subList(0, 5));
            assertThat(lease(one, order, 100)).isEqualTo(free.subList(5, free.size()));
            assertThat(lease(one, order, 100)).isEmpty();
            connection.rollback();
            connection.setAutoCommit(true);
        }
        assertThat(lease(one, order, 100)).isEqualTo(expected.subList(2, 40));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsHeldAMomentBeforeIsNotLeased(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        database.dataSource.fault(once(Moment.EXECUTE, LOCK, () -> {
            for (SpoolId id : expected.subList(0, 7)) {
                other.hold(id);
            }
        }));
        assertThat(lease(one, order, 10)).isEqualTo(expected.subList(7, 17));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsDeletedAMomentBeforeIsNotLeased(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        database.dataSource.fault(once(Moment.EXECUTE, LOCK, () -> other.delete(expected.get(3))));
        List<SpoolId> rest = new ArrayList<>(expected);
        rest.remove(3);
        assertThat(lease(one, order, 10)).isEqualTo(rest.subList(0, 10));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsPutOffAMomentBeforeIsNotLeased(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        database.dataSource.fault(
                once(Moment.EXECUTE, LOCK, () -> other.reschedule(expected.get(3), NOW.plusSeconds(1))));
        List<SpoolId> rest = new ArrayList<>(expected);
        rest.remove(3);
        assertThat(lease(one, order, 10)).isEqualTo(rest.subList(0, 10));
    }

    /** It moves behind, where it would be met again. */
    @ParameterizedTest
    @EnumSource
    void whatMovesInTheLaneAMomentBeforeIsLeasedOnce(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        database.dataSource.fault(once(Moment.EXECUTE, LOCK, () -> {
            other.reschedule(expected.get(3), NOW);
            other.hold(expected.get(0));
        }));
        assertThat(lease(one, order, 100))
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(expected.subList(1, QUEUED));
    }

    /** Many due at one instant, as after a flush, and of one size: then by identity, which tells what comes behind the taken ones. */
    @ParameterizedTest
    @EnumSource
    void equalsHaveAnOrderToo(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order == LeaseOrder.NEWEST ? order : LeaseOrder.OLDEST);
        long start = Micros.floor(START);
        database.execute("UPDATE ${prefix}lane SET due = " + start + ", received_at = " + start + ", size_bytes = 5");
        database.execute("UPDATE ${prefix}lane SET due = due + 1, received_at = received_at + 1, size_bytes = 6"
                + " WHERE message_id > '000000000030'");
        List<SpoolId> others = new ArrayList<>();
        database.dataSource.fault(once(Moment.EXECUTE, LOCK, () -> others.addAll(lease(other, order, 25))));
        assertThat(lease(one, order, 20)).isEqualTo(expected.subList(25, 45));
        assertThat(others).isEqualTo(expected.subList(0, 25));
        assertThat(lease(one, order, 100)).isEqualTo(expected.subList(45, QUEUED));
    }

    @ParameterizedTest
    @EnumSource
    void leasesThatEndedAreGivenAgainBesideFreeMail(LeaseOrder order) throws Exception {
        List<SpoolId> expected = fill(QUEUED, order);
        assertThat(lease(one, order, 20)).isEqualTo(expected.subList(0, 20));
        assertThat(lease(other, order, 20)).isEqualTo(expected.subList(20, 40));
        Instant later = NOW.plus(LEASE);
        LeaseRequest request =
                new LeaseRequest(MailDomain.of("a.example"), later, later, later.plus(LEASE), QUEUED + 1);
        assertThat(ids(other.lease(request, order))).isEqualTo(expected);
    }

    /** Their commits failed and may have happened all the same. */
    @ParameterizedTest
    @EnumSource
    void doubtfulMessagesDoNotHideOthers(LeaseOrder order) throws Exception {
        boolean isFirst = order != LeaseOrder.NEWEST;
        SpoolId good = store(one, Envelopes.to("x@a.example"), START.plusSeconds(isFirst ? 10 : 0), octets(500, 1));
        for (int i = 1; i <= 5; i++) {
            database.dataSource.failNext(
                    Moment.AFTER_COMMIT, new SQLNonTransientConnectionException("played", "08006"));
            Instant receivedAt = START.plusSeconds(i);
            assertThatThrownBy(() -> store(one, Envelopes.to("x@a.example"), receivedAt, octets(5, 1)));
        }
        assertThat(database.count("SELECT COUNT(*) FROM ${prefix}lane")).isEqualTo(6);
        assertThat(lease(one, order, 2)).containsExactly(good);
        assertThat(lease(one, order, 2)).isEmpty();
    }

    @Test
    @Timeout(120)
    void enginesExhaustALaneTogether() throws Exception {
        int messages = 3_000;
        int[] limits = {7, 31, 64, 100};
        List<LeaseOrder> orders = List.of(LeaseOrder.OLDEST, LeaseOrder.NEWEST, LeaseOrder.SMALLEST, LeaseOrder.OLDEST);
        List<JdbcSpool> engines = new ArrayList<>(List.of(one, other, database.open(), database.open()));
        database.fill(messages);
        AtomicInteger handedOut = new AtomicInteger();
        int most = Arrays.stream(limits).sum();
        CyclicBarrier start = new CyclicBarrier(limits.length);
        ExecutorService workers = Executors.newFixedThreadPool(limits.length);
        try {
            List<Future<List<SpoolId>>> running = new ArrayList<>();
            for (int i = 0; i < limits.length; i++) {
                JdbcSpool engine = engines.get(i);
                LeaseOrder order = orders.get(i);
                int limit = limits[i];
                running.add(workers.submit(() -> {
                    start.await(30, TimeUnit.SECONDS);
                    List<SpoolId> mine = new ArrayList<>();
                    while (true) {
                        List<SpoolId> leased = lease(engine, order, limit);
                        mine.addAll(leased);
                        int out = handedOut.addAndGet(leased.size());
                        if (leased.size() < limit) {
                            // Of the rest each of the others may be about to get as much as it asked for.
                            assertThat(out)
                                    .as("handed out when %s of %s were given to %s", leased.size(), limit, order)
                                    .isGreaterThanOrEqualTo(messages - (most - limit));
                        }
                        if (leased.isEmpty()) {
                            return mine;
                        }
                    }
                }));
            }
            Map<SpoolId, Integer> times = new HashMap<>();
            for (Future<List<SpoolId>> engine : running) {
                for (SpoolId id : engine.get(100, TimeUnit.SECONDS)) {
                    times.merge(id, 1, Integer::sum);
                }
            }
            assertThat(times).hasSize(messages);
            assertThat(times.values()).containsOnly(1);
        } finally {
            workers.shutdownNow();
            engines.get(2).close();
            engines.get(3).close();
        }
    }
}
