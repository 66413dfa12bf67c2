package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is left of a spool that could not begin, or whose threads met what they do not know. */
class FaultyLifeTest {

    private static final long DISK_BYTES = 64 << 20;

    private static SpoolId put(FileSpool spool, int bytes) throws SpoolException {
        return store(spool, Envelopes.to("x@a.example"), START, octets(bytes, bytes));
    }

    private static List<SpoolId> ids(FileSpool spool) throws SpoolException {
        return scan(spool).stream().map(QueuedMessage::id).toList();
    }

    private static List<SpoolId> fill(SimulatedDisk disk) throws SpoolException {
        List<SpoolId> stored = new ArrayList<>();
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            for (int i = 0; i < 5; i++) {
                stored.add(put(spool, 20_000 + i));
            }
        }
        disk.put("spare-9000000000", new byte[FileSpoolBuilder.MIN_SEGMENT_BYTES]);
        disk.put("spare.new", new byte[100]);
        disk.put("checkpoint.new", new byte[100]);
        return stored;
    }

    /** Each call of an opening fails once: the next opening finds all, and nothing is held. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anOpeningThatFailsLeavesNothingBehind(boolean encrypted) throws Exception {
        SimulatedDisk made = new SimulatedDisk(DISK_BYTES).encrypted(encrypted ? TestKeys.of("k1") : null);
        List<SpoolId> stored = fill(made);
        int refused = 0;
        for (int calls = 0; ; calls++) {
            SimulatedDisk disk = made.copy();
            HeldFiles files = new HeldFiles(disk).failAfter(calls);
            FileSpoolBuilder builder =
                    new Turns().taken(SimulatedDisk.spool(disk, 2).io(files));
            boolean opened = false;
            try (FileSpool spool = builder.open()) {
                opened = spool.health().isAccepting();
            } catch (SpoolException e) {
                refused += opened ? 0 : 1;
            }
            assertThat(files.held()).as("after a fault at call %d", calls).isZero();
            boolean all = !files.hasFailed();
            try (FileSpool again = SimulatedDisk.spool(disk, 3)
                    .io(files.failAfter(Integer.MAX_VALUE))
                    .open()) {
                assertThat(ids(again)).as("after a fault at call %d", calls).containsExactlyElementsOf(stored);
            }
            assertThat(files.held()).isZero();
            if (all) {
                assertThat(calls).isGreaterThan(30);
                assertThat(refused).isGreaterThan(5);
                return;
            }
        }
    }

    /** A machine that is out of threads. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSpoolWithoutItsThreadsHoldsNothing(boolean committerToo) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        List<SpoolId> stored = fill(disk);
        HeldFiles files = new HeldFiles(disk);
        AtomicReference<Thread> thread = new AtomicReference<>();
        FileSpoolBuilder builder = SimulatedDisk.spool(disk, 2)
                .io(files)
                .turns(
                        (index, writer, space, mode, nanoTime) ->
                                new GroupCommitter(index, writer, space, mode, nanoTime) {
                                    @Override
                                    void begin() {
                                        if (committerToo) {
                                            throw new OutOfMemoryError("unable to create native thread");
                                        }
                                        super.begin();
                                        CompletableFuture<Void> first = new CompletableFuture<>();
                                        CompletableFuture<Void> seen =
                                                first.thenRun(() -> thread.set(Thread.currentThread()));
                                        commit(new MarkItem(first));
                                        seen.join();
                                    }
                                },
                        (index, segments, committer, checkpoints, policy, budget, full) ->
                                new Compactor(index, segments, committer, checkpoints, policy, budget, full) {
                                    @Override
                                    void start() {
                                        throw new OutOfMemoryError("unable to create native thread");
                                    }
                                });
        assertThat(catchThrowable(builder::open)).isInstanceOf(OutOfMemoryError.class);
        assertThat(files.held()).isZero();
        if (!committerToo) {
            Awaitility.await().until(() -> thread.get() != null && !thread.get().isAlive());
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 3).open()) {
            assertThat(ids(again)).containsExactlyElementsOf(stored);
        }
    }

    /** Says nothing, and fails as only a bug can. */
    private static final class Bug extends CommitItem {
        @Override
        RecordBuffer record() {
            throw new IllegalStateException("a bug");
        }

        @Override
        void publish() {}
    }

    @Test
    void whoWaitsForACommitterThatEndsIsTold() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        HeldFiles files = new HeldFiles(disk);
        AtomicReference<GroupCommitter> committer = new AtomicReference<>();
        FileSpool spool = SimulatedDisk.spool(disk, 1)
                .io(files)
                .turns(
                        (index, writer, space, mode, nanoTime) -> {
                            GroupCommitter made = new GroupCommitter(index, writer, space, mode, nanoTime);
                            committer.set(made);
                            return made;
                        },
                        Compactor::new)
                .open();
        SpoolId before = put(spool, 100);
        CompletableFuture<Void> first = new CompletableFuture<>();
        CompletableFuture<Void> behind = new CompletableFuture<>();
        CompletableFuture<Void> handedOver = first.thenRun(() -> {
            // both are of the next batch
            committer.get().commit(new Bug());
            committer.get().commit(new MarkItem(behind));
        });
        committer.get().commit(new MarkItem(first));
        handedOver.get(10, TimeUnit.SECONDS);

        assertThatThrownBy(() -> behind.get(10, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("committer ended");
        assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolException.class);
        assertThat(spool.health().isAccepting()).isFalse();
        assertThatThrownBy(spool::close).isInstanceOf(SpoolException.class);
        assertThat(files.held()).isZero();
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(ids(again)).containsExactly(before);
        }
    }

    /** A lazy item whose first write fails, and that fails as only a bug can when it is written again. */
    private static final class LateBug extends CommitItem {
        private boolean asked;

        @Override
        boolean isLazy() {
            return true;
        }

        @Override
        RecordBuffer record() {
            if (asked) {
                throw new IllegalStateException("a bug");
            }
            asked = true;
            return RecordBuffer.empty(RecordType.MARK, 0);
        }

        @Override
        void publish() {}
    }

    /** After a failed write some wait for their second turn, and some for the next batch: the bug is before or in it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoWaitsForASecondTurnIsTold(boolean endsBefore) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        AtomicReference<GroupCommitter> committer = new AtomicReference<>();
        FileSpool spool = SimulatedDisk.spool(disk, 1)
                .turns(
                        (index, writer, space, mode, nanoTime) -> {
                            GroupCommitter made = new GroupCommitter(index, writer, space, mode, nanoTime);
                            committer.set(made);
                            return made;
                        },
                        Compactor::new)
                .open();
        CompletableFuture<Void> first = new CompletableFuture<>();
        CompletableFuture<Void> behind = new CompletableFuture<>();
        CompletableFuture<Void> next = new CompletableFuture<>();
        AtomicBoolean failed = new AtomicBoolean();
        CompletableFuture<Void> handedOver = first.thenRun(() -> {
            disk.faultOutside((call, file, bytes) -> {
                if (call == Call.FORCE && !failed.getAndSet(true)) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            committer.get().commit(new LateBug());
            committer.get().commit(new Failing(() -> committer.get().commit(new MarkItem(next))));
            committer.get().commit(new MarkItem(behind));
            if (endsBefore) {
                committer.get().commit(new Bug());
            }
        });
        committer.get().commit(new MarkItem(first));
        handedOver.get(10, TimeUnit.SECONDS);

        for (CompletableFuture<Void> waiting : List.of(behind, next)) {
            assertThatThrownBy(() -> waiting.get(10, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasMessageContaining("committer ended");
        }
        assertThatThrownBy(spool::close).isInstanceOf(SpoolException.class);
    }

    /** Forces what is before it, and does something when that fails. */
    private static final class Failing extends CommitItem {
        private final Runnable then;

        Failing(Runnable then) {
            this.then = then;
        }

        @Override
        RecordBuffer record() {
            return RecordBuffer.empty(RecordType.MARK, 0);
        }

        @Override
        boolean isAfterForce() {
            return true;
        }

        @Override
        void publish() {}

        @Override
        void failed(SpoolException cause) {
            then.run();
        }
    }

    /** Each call of a life in which segments end fails once: what was taken is there, and nothing is held. */
    @Test
    void aSegmentThatCannotBeBegunHoldsNothing() throws Exception {
        for (int calls = 0; ; calls++) {
            SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
            HeldFiles files = new HeldFiles(disk);
            List<SpoolId> stored = new ArrayList<>();
            try (FileSpool spool =
                    new Turns().taken(SimulatedDisk.spool(disk, 1).io(files)).open()) {
                files.failAfter(calls);
                for (int i = 0; i < 12; i++) {
                    try {
                        stored.add(put(spool, 20_000 + i));
                    } catch (SpoolException e) {
                        assertThat(files.hasFailed()).isTrue();
                    }
                }
            } catch (SpoolException e) {
                assertThat(files.hasFailed()).isTrue();
            }
            assertThat(files.held()).as("after a fault at call %d", calls).isZero();
            try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
                assertThat(ids(again)).as("after a fault at call %d", calls).containsExactlyElementsOf(stored);
            }
            if (!files.hasFailed()) {
                assertThat(calls).isGreaterThan(30);
                return;
            }
        }
    }

    @Test
    void theCommitterDoesNotWaitForItsOwnEnd() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        CountDownLatch mayForce = new CountDownLatch(1);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            disk.faultOutside((call, file, bytes) -> {
                if (call == Call.FORCE) {
                    await(mayForce);
                }
                return bytes;
            });
            SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
            CompletableFuture<Void> closed =
                    writer.commit().thenAccept(id -> close(spool)).toCompletableFuture();
            mayForce.countDown();
            assertThatThrownBy(() -> closed.get(10, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("backupmx-commit");
            assertThat(put(spool, 100)).as("it is still open").isNotNull();
        }
    }

    private static void close(FileSpool spool) {
        try {
            spool.close();
        } catch (SpoolException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void roomIsGivenBackAfterWhatNobodyForesaw() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        AtomicBoolean thrown = new AtomicBoolean();
        disk.faultOutside((call, file, bytes) -> {
            if (call == Call.DELETE && file.startsWith("segment-") && thrown.compareAndSet(false, true)) {
                throw new IllegalStateException("a bug");
            }
            return bytes;
        });
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).spareSegments(0).open()) {
            for (int i = 0; i < 12; i++) {
                put(spool, 20_000);
            }
            int segments = disk.segments().size();
            while (true) {
                List<SpoolLease> leases = lease(spool, "a.example", START);
                if (leases.isEmpty()) {
                    break;
                }
                for (SpoolLease lease : leases) {
                    spool.settle(lease, relayed(lease, START));
                }
            }
            Awaitility.await().until(thrown::get);
            Awaitility.await().until(() -> disk.segments().size() < segments);
        }
    }

    /** One bad place in what holds nothing must not keep a server from its mail. */
    @Test
    void aSpareThatCannotBeWrittenIsPassedOver() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        List<SpoolId> stored = fill(disk);
        disk.fault((call, file, bytes) -> {
            if (call == Call.WRITE && file.equals("spare-9000000000")) {
                throw new IOException("Input/output error");
            }
            return bytes;
        });
        try (FileSpool spool = new Turns().taken(SimulatedDisk.spool(disk, 2)).open()) {
            assertThat(ids(spool)).containsExactlyElementsOf(stored);
            assertThat(disk.has("spare-9000000000")).isFalse();
        }
    }
}
