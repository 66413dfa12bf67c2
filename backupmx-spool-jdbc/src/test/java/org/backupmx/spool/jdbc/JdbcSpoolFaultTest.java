package org.backupmx.spool.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.everything;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.jdbc.FaultyDataSource.Fault;
import org.backupmx.spool.jdbc.FaultyDataSource.Moment;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The database fails in every way that can be played; no message is lost, invented or delivered against the rules. */
class JdbcSpoolFaultTest {

    private static final int CHUNK = JdbcSpoolBuilder.MIN_CHUNK_BYTES;

    private static final SQLException IO_ERROR = new SQLException("played", "58030");

    private static final SQLException CONNECTION_LOST = new SQLNonTransientConnectionException("played", "08006");

    private final AtomicLong nanos = new AtomicLong();
    private TestDatabase database;
    private FaultyDataSource faults;
    private JdbcSpool spool;

    @BeforeEach
    void open() throws SpoolException {
        database = TestDatabase.h2InMemory(2);
        faults = database.dataSource;
        spool = builder().open();
    }

    private JdbcSpoolBuilder builder() {
        return database.builder().chunkBytes(CHUNK).nanoTime(nanos::get);
    }

    @AfterEach
    void everythingIsGivenBack() throws SpoolException {
        faults.fault(FaultyDataSource.NONE);
        spool.close();
        assertThat(faults.openConnections()).isZero();
        assertThat(faults.openStatements()).isZero();
        database.close();
    }

    private static Fault atExecution(int number, SQLException e) {
        AtomicInteger left = new AtomicInteger(number);
        return (moment, sql) -> {
            if (moment == Moment.EXECUTE && left.getAndDecrement() == 0) {
                throw e;
            }
        };
    }

    private static Fault always(Moment when, SQLException e) {
        return (moment, sql) -> {
            if (moment == when) {
                throw e;
            }
        };
    }

    private long rows(String table) throws SQLException {
        return database.count("SELECT COUNT(*) FROM ${prefix}" + table);
    }

    private void assertNothingStored() throws SQLException {
        for (String table : new String[] {"message", "recipient", "lane", "chunk"}) {
            assertThat(rows(table)).as(table).isZero();
        }
    }

    private CompletionStage<SpoolId> tryToCommit(Envelope envelope, int size) throws SpoolException {
        try (SpoolWriter writer = spool.begin(envelope, START)) {
            writer.write(ByteBuffer.wrap(octets(size, 1)));
            return writer.commit();
        }
    }

    @Test
    void refusedConnectionIsUnavailableUntilItWorksAgain() throws Exception {
        faults.fault(always(Moment.CONNECT, CONNECTION_LOST));

        assertThatThrownBy(() -> store(spool, "x@a.example")).isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(spool::lanes).isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(() -> spool.lease(everything("a.example", START)))
                .isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(() -> builder().open()).isInstanceOf(SpoolUnavailableException.class);
        assertThat(spool.health()).isInstanceOf(SpoolHealth.Refusing.class);

        nanos.addAndGet(JdbcSpoolBuilder.DEFAULT_REFUSE_FOR.toNanos() - 1);
        assertThat(spool.health().isAccepting()).isFalse();
        nanos.incrementAndGet();
        assertThat(spool.health().isAccepting())
                .as("after the window someone may try")
                .isTrue();
        assertThatThrownBy(spool::lanes).isInstanceOf(SpoolUnavailableException.class);
        assertThat(spool.health().isAccepting()).isFalse();

        faults.fault(FaultyDataSource.NONE);
        assertThat(spool.lanes()).isEmpty();
        assertThat(spool.health().isAccepting()).isTrue();
    }

    @Test
    void fullDatabaseIsToldAndRefusesUntilSomethingIsStored() throws Exception {
        SpoolId before = store(spool, "x@a.example");
        faults.failNext(
                Moment.EXECUTE, new SQLException("IO Exception", "90028", new IOException("No space left on device")));

        assertThatThrownBy(() -> await(tryToCommit(Envelopes.to("y@a.example"), 100)))
                .isInstanceOf(SpoolFullException.class);
        assertThat(spool.health().isAccepting()).isFalse();
        assertThat(read(spool, before)).isNotEmpty();
        assertThat(spool.health().isAccepting()).as("reading frees no room").isFalse();
        store(spool, "y@a.example");
        assertThat(spool.health().isAccepting()).isTrue();
    }

    @Test
    void fullPostgreSqlIsRecognised() {
        assertThat(SqlFaults.translate(
                        SpoolDialect.postgreSql(), "commit", new SQLException("could not extend file", "53100")))
                .isInstanceOf(SpoolFullException.class);
    }

    @Test
    void commitThatFailsAtAnyStatementLeavesNothing() throws Exception {
        Envelope envelope = Envelopes.toMany(5, "a.example", "b.example");
        for (SQLException fault : new SQLException[] {IO_ERROR, CONNECTION_LOST}) {
            int failed = 0;
            for (boolean fails = true; fails; failed++) {
                faults.fault(atExecution(failed, fault));
                CompletionStage<SpoolId> commit = tryToCommit(envelope, 100);
                faults.fault(FaultyDataSource.NONE);
                fails = commit.handle((id, e) -> e != null)
                        .toCompletableFuture()
                        .join();
                // The last statement is the force to disk: what it fails for may be stored.
                if (fails && rows("message") == 0) {
                    assertNothingStored();
                }
                assertThat(spool.lease(everything("a.example", START))).hasSize(fails ? 0 : 1);
            }
            assertThat(failed).as("statements that failed, and the one after").isEqualTo(6);
            spool.delete(scan(spool).get(0).id());
            assertNothingStored();
        }
    }

    @Test
    void longMessageThatFailsAtAnyStatementLeavesNothing() throws Exception {
        for (int failed = 0; ; failed++) {
            SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
            faults.fault(atExecution(failed, IO_ERROR));
            boolean told = false;
            try {
                writer.write(ByteBuffer.wrap(octets(3 * CHUNK + 5, 1)));
                writer.commit().toCompletableFuture().join();
            } catch (SpoolException | CompletionException e) {
                told = true;
            }
            faults.fault(FaultyDataSource.NONE);
            writer.close();
            assertThat(spool.lease(everything("a.example", START))).hasSize(told ? 0 : 1);
            if (!told) {
                assertThat(failed).isGreaterThan(8);
                break;
            }
            assertNothingStored();
        }
    }

    @Test
    void writerThatFailedCanOnlyBeAbandoned() throws Exception {
        SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
        writer.write(ByteBuffer.wrap(octets(2 * CHUNK, 1)));
        faults.failNext(Moment.EXECUTE, IO_ERROR);
        assertThatThrownBy(() -> writer.write(ByteBuffer.wrap(octets(CHUNK, 1))))
                .isInstanceOf(SpoolException.class);

        assertThatThrownBy(() -> writer.write(ByteBuffer.wrap(octets(1, 1)))).isInstanceOf(SpoolException.class);
        assertThatThrownBy(writer::commit).isInstanceOf(SpoolException.class);
        writer.close();
        assertNothingStored();
    }

    @Test
    void commitThatNeverHappenedLeavesNothing() throws Exception {
        faults.failNext(Moment.BEFORE_COMMIT, CONNECTION_LOST);

        assertThatThrownBy(() -> await(tryToCommit(Envelopes.to("x@a.example"), 100)))
                .isInstanceOf(SpoolUnavailableException.class);
        assertNothingStored();
    }

    @Test
    void commitThatHappenedUnheardFailsAndIsNeverLeased() throws Exception {
        for (int size : new int[] {100, 3 * CHUNK}) {
            SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
            writer.write(ByteBuffer.wrap(octets(size, 1)));
            SpoolId id = writer.id();
            // Of a long message the chunks are committed before.
            AtomicInteger commits = new AtomicInteger();
            faults.fault((moment, sql) -> {
                if (moment == Moment.AFTER_COMMIT && commits.getAndIncrement() == 0) {
                    throw CONNECTION_LOST;
                }
            });
            CompletionStage<SpoolId> commit = writer.commit();
            faults.fault(FaultyDataSource.NONE);
            assertThatThrownBy(() -> await(commit)).isInstanceOf(SpoolUnavailableException.class);
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(id);

            assertThat(spool.lease(everything("a.example", START))).isEmpty();
            assertThat(spool.nextDue(
                            Envelopes.to("x@a.example").recipients().get(0).domain()))
                    .isEmpty();
            assertNothingStored();
        }
    }

    @Test
    void commitNotForcedToDiskFailsAndIsNeverLeased() throws Exception {
        faults.fault((moment, sql) -> {
            if (sql.contains("CHECKPOINT")) {
                throw IO_ERROR;
            }
        });
        CompletionStage<SpoolId> commit = tryToCommit(Envelopes.to("x@a.example"), 100);
        faults.fault(FaultyDataSource.NONE);

        assertThatThrownBy(() -> await(commit)).isInstanceOf(SpoolException.class);
        assertThat(spool.lease(everything("a.example", START))).isEmpty();
        assertNothingStored();
    }

    @Test
    void transactionThatLostToAnotherIsTriedAgain() throws Exception {
        faults.failNext(Moment.EXECUTE, new SQLException("played", "40001"));
        SpoolId id = store(spool, "x@a.example");
        faults.failNext(Moment.BEFORE_COMMIT, new SQLException("played", "40P01"));
        SpoolLease lease = leaseOne(spool, "a.example", START);
        assertThat(lease.id()).isEqualTo(id);

        faults.fault(always(Moment.EXECUTE, new SQLException("played", "40001")));
        assertThatThrownBy(() -> spool.settle(lease, relayed(lease, START)))
                .isInstanceOf(SpoolUnavailableException.class);
    }

    @Test
    void settlementThatFailsAtAnyStatementChangesNothing() throws Exception {
        store(spool, Envelopes.to("x@a.example", "y@b.example"), START, octets(10, 1));
        SpoolLease lease = leaseOne(spool, "a.example", START);
        QueuedMessage before = scan(spool).get(0);
        for (int settlement = 0; settlement < 2; settlement++) {
            for (int failed = 0; ; failed++) {
                faults.fault(atExecution(failed, CONNECTION_LOST));
                try {
                    if (settlement == 0) {
                        spool.settle(lease, deferred(lease, START, START.plusSeconds(9)));
                    } else {
                        spool.settle(lease, relayed(lease, START));
                    }
                    break;
                } catch (SpoolUnavailableException e) {
                    faults.fault(FaultyDataSource.NONE);
                    assertThat(scan(spool)).containsExactly(before);
                }
            }
            faults.fault(FaultyDataSource.NONE);
            if (settlement == 0) {
                assertThat(scan(spool).get(0).lanes().get(0).due()).isEqualTo(START.plusSeconds(9));
                lease = leaseOne(spool, "a.example", START.plusSeconds(9));
                before = scan(spool).get(0);
            }
        }
        assertThat(scan(spool).get(0).lanes()).hasSize(1);
    }

    @Test
    void leaseThatFailsAtAnyStatementLeasesNothing() throws Exception {
        store(spool, "x@a.example");
        for (int failed = 0; ; failed++) {
            faults.fault(atExecution(failed, CONNECTION_LOST));
            try {
                assertThat(spool.lease(everything("a.example", START))).hasSize(1);
                break;
            } catch (SpoolUnavailableException e) {
                assertThat(failed).isLessThan(10);
            }
        }
    }

    private interface Ending {
        void of(SpoolLease lease) throws SpoolException;
    }

    @Test
    void largeMailDataGoesAfterItsMessageInTransactionsOfItsOwn() throws Exception {
        List<Ending> endings = List.of(
                lease -> assertThat(spool.delete(lease.id())).isTrue(),
                lease -> spool.settle(lease, relayed(lease, START)));
        for (Ending ending : endings) {
            SpoolId id = await(tryToCommit(Envelopes.to("x@a.example"), Removals.AT_ONCE_BYTES + 3 * CHUNK));
            SpoolLease lease = leaseOne(spool, "a.example", START);
            faults.fault((moment, sql) -> {
                if (moment == Moment.EXECUTE && sql.startsWith("DELETE") && sql.contains("chunk")) {
                    throw CONNECTION_LOST;
                }
            });
            ending.of(lease);
            assertThat(scan(spool)).isEmpty();
            assertThat(spool.lanes()).isEmpty();
            assertThat(spool.delete(id)).isFalse();
            assertThatThrownBy(() -> spool.read(id)).isInstanceOf(SpoolException.class);
            assertThat(rows("chunk")).isGreaterThan(1);

            faults.fault(FaultyDataSource.NONE);
            builder().open().close();
            assertNothingStored();
        }
    }

    @Test
    void whatNobodyFinishedIsSweptAndItsWriterFails() throws Exception {
        SpoolWriter slow = spool.begin(Envelopes.to("x@a.example"), START);
        slow.write(ByteBuffer.wrap(octets(2 * CHUNK, 1)));
        SpoolWriter fresh = spool.begin(Envelopes.to("x@a.example"), START);
        fresh.write(ByteBuffer.wrap(octets(2 * CHUNK, 1)));
        assertThat(rows("message")).isEqualTo(2);
        database.execute(
                "UPDATE ${prefix}message SET begun_at = begun_at - 90000000000 WHERE id = '" + slow.id() + "'");
        // Another engine sweeps when it opens the spool.
        builder().open().close();
        assertThat(rows("message")).isEqualTo(1);

        assertThatThrownBy(() -> await(slow.commit())).isInstanceOf(SpoolException.class);
        slow.close();
        await(fresh.commit());
        assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(fresh.id());
    }

    @Test
    void spoolSweepsOnceAnHour() throws Exception {
        SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
        writer.write(ByteBuffer.wrap(octets(2 * CHUNK, 1)));
        database.execute("UPDATE ${prefix}message SET begun_at = begun_at - 90000000000");
        tryToCommit(Envelopes.to("y@a.example"), 2 * CHUNK)
                .toCompletableFuture()
                .join();
        assertThat(rows("message")).isEqualTo(2);

        nanos.addAndGet(Duration.ofHours(1).toNanos());
        tryToCommit(Envelopes.to("z@a.example"), 2 * CHUNK)
                .toCompletableFuture()
                .join();
        assertThat(rows("message")).isEqualTo(2);
        assertThatThrownBy(() -> writer.write(ByteBuffer.wrap(octets(2 * CHUNK, 1))))
                .isInstanceOf(SpoolException.class);
        writer.close();
    }

    @Test
    void abandonedMessageThatCannotBeRemovedIsSweptLater() throws Exception {
        SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
        writer.write(ByteBuffer.wrap(octets(2 * CHUNK, 1)));
        SpoolWriter open = spool.begin(Envelopes.to("x@a.example"), START);
        open.write(ByteBuffer.wrap(octets(2 * CHUNK, 1)));
        faults.failNext(Moment.CONNECT, CONNECTION_LOST);
        writer.close();
        assertThat(rows("message")).isEqualTo(2);

        spool.close();
        assertThat(rows("message")).as("of the writer that was open").isEqualTo(1);
        open.close();
        database.execute("UPDATE ${prefix}message SET begun_at = begun_at - 90000000000");
        builder().open().close();
        assertNothingStored();
    }

    @Test
    void writersAndStreamsHoldNoConnection() throws Exception {
        SpoolWriter[] writers = new SpoolWriter[10];
        for (int i = 0; i < writers.length; i++) {
            writers[i] = spool.begin(Envelopes.to("x@a.example"), START);
            writers[i].write(ByteBuffer.wrap(octets(2 * CHUNK + 1, i)));
            assertThat(faults.openConnections()).isZero();
        }
        for (SpoolWriter writer : writers) {
            try (InputStream in = spool.read(await(writer.commit()))) {
                assertThat(in.read()).isNotEqualTo(-1);
                assertThat(faults.openConnections()).isZero();
            }
        }
        assertThat(faults.mostConnections()).isEqualTo(1);
        assertThat(faults.largestOctets()).isEqualTo(CHUNK);
    }

    @Test
    void closeThatFailsIsTold() throws Exception {
        faults.failNext(Moment.CONNECT, CONNECTION_LOST);

        assertThatThrownBy(spool::close).isInstanceOf(SpoolUnavailableException.class);
        spool.close();
        assertThatThrownBy(spool::lanes).isInstanceOf(SpoolUnavailableException.class);
    }

    @Test
    void damageIsToldAndOtherMessagesAreServed() throws Exception {
        SpoolId noRecipient = store(spool, "x@a.example");
        SpoolId badPath = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(1), octets(10, 1));
        SpoolId noChunk = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(2), octets(3 * CHUNK, 1));
        SpoolId shorter = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(3), octets(3 * CHUNK, 1));
        SpoolId whole = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(4), octets(3 * CHUNK, 1));
        database.execute("DELETE FROM ${prefix}recipient WHERE message_id = '" + noRecipient + "'");
        database.execute("UPDATE ${prefix}message SET reverse_path = 'no mailbox' WHERE id = '" + badPath + "'");
        database.execute("DELETE FROM ${prefix}chunk WHERE chunk_no = 1 AND message_id = '" + noChunk + "'");
        database.execute("UPDATE ${prefix}message SET size_bytes = size_bytes - 1 WHERE id = '" + shorter + "'");

        AtomicInteger intact = new AtomicInteger();
        StringBuilder damaged = new StringBuilder();
        spool.scan(entry -> {
            if (entry instanceof org.backupmx.spool.SpoolEntry.Damaged found) {
                damaged.append(found).append('\n');
            } else {
                intact.incrementAndGet();
            }
        });
        assertThat(intact).hasValue(3);
        assertThat(damaged.toString())
                .contains(noRecipient.value(), "0 recipients (expected: 1)", badPath.value(), "no mailbox");
        assertThatThrownBy(() -> spool.find(badPath)).isInstanceOf(SpoolDamagedException.class);
        assertThatThrownBy(() -> read(spool, noChunk)).isInstanceOf(SpoolDamagedException.class);
        assertThatThrownBy(() -> read(spool, shorter)).isInstanceOf(SpoolDamagedException.class);
        assertThat(read(spool, whole)).isEqualTo(octets(3 * CHUNK, 1));
        assertThat(spool.lease(everything("a.example", START)))
                .extracting(SpoolLease::id)
                .containsExactly(noChunk, shorter, whole);
    }

    @Test
    void leaseOfAnotherSpoolIsNotGivenUpByAClose() throws Exception {
        store(spool, "x@a.example");
        SpoolLease lease = leaseOne(spool, "a.example", START);
        JdbcSpool other = builder().open();
        assertThat(other.lease(everything("a.example", START))).isEmpty();
        other.close();
        spool.settle(lease, relayed(lease, START));
        assertThatThrownBy(() -> spool.settle(lease, relayed(lease, START)))
                .isInstanceOf(SpoolLeaseLostException.class);
    }
}
