package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolHealth;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.SpoolActions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the spool does when a call to the disk fails. */
class FaultTest {

    private static final long DISK_BYTES = 64 << 20;

    private static final SpoolId FIRST = Ids.text(1L << Ids.COUNTER_BITS);

    private static SpoolId put(FileSpool spool, int bytes) throws SpoolException {
        return store(spool, Envelopes.to("x@a.example"), START, octets(bytes, bytes));
    }

    private static SimulatedDisk.Fault once(Call failing) {
        AtomicBoolean failed = new AtomicBoolean();
        return (call, file, bytes) -> {
            if (call == failing && failed.compareAndSet(false, true)) {
                throw new IOException("Input/output error");
            }
            return bytes;
        };
    }

    @ParameterizedTest
    @EnumSource(
            value = Call.class,
            names = {"WRITE", "FORCE"})
    void failedWriteIsFinalAndTheSpoolGoesOnInAnotherSegment(Call failing) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        SpoolId before;
        SpoolId after;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            before = put(spool, 100);
            int segments = disk.segments().size();
            disk.fault(once(failing));

            assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolUnavailableException.class);

            assertThat(spool.health().isAccepting()).isTrue();
            after = put(spool, 300);
            assertThat(disk.segments()).hasSize(segments + 1);
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactlyInAnyOrder(before, after);
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(scan(again))
                    .as("what was refused does not come back")
                    .extracting(QueuedMessage::id)
                    .containsExactlyInAnyOrder(before, after);
            assertThat(read(again, after)).isEqualTo(octets(300, 300));
        }
    }

    /** After a failed force readers see pages that are not on the disk, and that no later force writes. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
    void whatAFailedForceLeftInThePageCacheIsWrittenAgainOrForgotten(int seed) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES, seed);
        AtomicBoolean failing = new AtomicBoolean();
        disk.fault((call, file, bytes) -> {
            if (failing.get() && (call == Call.FORCE || call == Call.RENAME)) {
                throw new IOException("Input/output error");
            }
            return bytes;
        });
        FileSpool dying = SimulatedDisk.spool(disk, 1).open();
        SpoolId before = put(dying, 100);
        failing.set(true);
        assertThatThrownBy(() -> put(dying, 20_000)).isInstanceOf(SpoolUnavailableException.class);
        assertThat(dying.health().isAccepting()).isFalse();
        assertThat(dying.health().toString()).contains("Input/output error");
        assertThatThrownBy(() -> put(dying, 1)).isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(dying::close).isInstanceOf(SpoolException.class);
        failing.set(false);

        List<SpoolId> found;
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            found = scan(again).stream().map(QueuedMessage::id).toList();
        }
        assertThat(found).contains(before);
        try (FileSpool afterwards =
                SimulatedDisk.spool(disk.afterCrash(new Random(seed)), 3).open()) {
            assertThat(scan(afterwards)).extracting(QueuedMessage::id).containsExactlyElementsOf(found);
            for (SpoolId id : found) {
                assertThat(read(afterwards, id)).hasSize(id.equals(before) ? 100 : 20_000);
            }
        }
    }

    @Test
    void settledOutcomeSurvivesTheFailureOfItsWrite() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        SpoolId kept;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            put(spool, 100);
            SpoolLease gone = lease(spool, "a.example", START).get(0);
            kept = put(spool, 200);
            disk.fault(once(Call.FORCE));
            spool.settle(gone, relayed(gone, START));
            try {
                put(spool, 300);
            } catch (SpoolUnavailableException e) {
                // or the outcome's own batch has met the fault
            }
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).contains(kept).doesNotContain(FIRST);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 512, 5000})
    void shortWritesAndReadsChangeNothing(int most) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.fault((call, file, bytes) -> {
            boolean isCut = call == Call.WRITE && !file.startsWith("reserve"); // of zeros, and large
            return isCut ? Math.min(bytes, most) : bytes;
        });
        SpoolId id;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            id = put(spool, 20_000);
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(read(again, id)).isEqualTo(octets(20_000, 20_000));
        }
    }

    @Test
    void fullDiskIsToldAndTheSpoolRecoversByItself() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        AtomicLong nanos = new AtomicLong();
        AtomicBoolean full = new AtomicBoolean(true);
        List<SpoolId> stored = new ArrayList<>();
        try (FileSpool spool = SimulatedDisk.spool(disk, 1)
                .nanoTime(() -> nanos.addAndGet(50_000_000))
                .open()) {
            stored.add(put(spool, 100));
            disk.fault((call, file, bytes) -> {
                if (call == Call.WRITE && full.get()) {
                    throw new FileIo.NoSpaceException("No space left on device", null);
                }
                return bytes;
            });

            assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolFullException.class);
            assertThat(spool.health().isAccepting()).isFalse();
            assertThatThrownBy(() -> put(spool, 300)).isInstanceOf(SpoolFullException.class);
            SpoolLease lease = lease(spool, "a.example", START).get(0);
            assertThat(read(spool, lease.id())).isEqualTo(octets(100, 100));
            spool.settle(lease, relayed(lease, START));
            full.set(false);

            await().until(() -> spool.health().isAccepting());
            stored.set(0, put(spool, 400));
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactlyElementsOf(stored);
        }
    }

    @Test
    void tooLittleFreeSpaceRefusesNewMailOnly() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(FileSpoolBuilder.MIN_MINIMUM_FREE_BYTES + 200_000);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1)
                .minimumFreePercent(90)
                .nanoTime(new AtomicInteger()::incrementAndGet)
                .open()) {
            assertThat(spool.health().isAccepting()).isTrue();
        }
        disk = new SimulatedDisk(DISK_BYTES);
        disk.put("something else", new byte[10 << 20]);
        try (FileSpool spool =
                SimulatedDisk.spool(disk, 1).minimumFreePercent(90).open()) {
            assertThat(spool.health().isAccepting()).isFalse();
            assertThat(spool.health().toString()).contains("expected: at least " + (long) (DISK_BYTES * 0.9));
            assertThatThrownBy(() -> put(spool, 1)).isInstanceOf(SpoolFullException.class);
        }
    }

    @Test
    void afterAMomentOfQuietTheSegmentSaysThatAllWasForced() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            put(spool, 100);
            String segment = disk.segments().get(0);
            await().until(() -> {
                byte[] bytes = disk.bytes(segment);
                for (int at = RecordFormat.SEGMENT_HEADER_BYTES;
                        at + RecordFormat.HEADER_BYTES <= bytes.length;
                        at += 8) {
                    RecordHeader header = RecordFormat.header(bytes, at);
                    if (header != null && header.type() == RecordType.MARK) {
                        return true;
                    }
                }
                return false;
            });
        }
    }

    @Test
    void markIsOnDiskOnlyAfterTheOutcomesThatAFailedForcePutOff() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        Turns turns = new Turns();
        AtomicBoolean fails = new AtomicBoolean(true);
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            SpoolId id = put(spool, 100);
            SpoolLease lease = lease(spool, "a.example", START).get(0);
            disk.fault((call, file, bytes) -> {
                if (call == Call.FORCE && fails.getAndSet(false)) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            turns.gather();
            spool.settle(lease, relayed(lease, START));
            List<CompletableFuture<SpoolId>> refused = new ArrayList<>();
            for (int i = 0; i < 2; i++) { // the second does not fit into the segment: a force in the midst of a batch
                try (SpoolWriter writer = spool.begin(Envelopes.to("b@b.example"), START)) {
                    writer.write(ByteBuffer.wrap(octets(50_000, i)));
                    refused.add(writer.commit().toCompletableFuture());
                }
            }
            CompletableFuture<Void> mark = turns.mark();
            turns.release();
            assertThat(refused).allMatch(CompletableFuture::isCompletedExceptionally);
            assertThat(mark).isNotDone();
            turns.rest();
            assertThat(mark).isCompleted();
            assertThat(spool.find(id)).isEmpty();
        }
    }

    @Test
    void spoolIsExhaustedBelowHalfOfTheFreeSpaceAskedFor() throws Exception {
        AtomicLong nanos = new AtomicLong();
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.put("something else", new byte[(int) (DISK_BYTES / 2)]);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1)
                .minimumFreePercent(90)
                .nanoTime(() -> nanos.addAndGet(50_000_000))
                .open()) {
            assertThat(spool.health()).isInstanceOf(SpoolHealth.Full.class);
            disk.put("something else", new byte[(int) (DISK_BYTES / 5 * 3)]);
            await().until(() -> spool.health() instanceof SpoolHealth.Exhausted);
            assertThatThrownBy(() -> put(spool, 1)).isInstanceOf(SpoolFullException.class);
            disk.put("something else", new byte[0]);
            await().until(() -> spool.health().isAccepting());
            put(spool, 1);
        }
    }

    @Test
    void messageThatCannotBeReadStandsAside() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            SpoolId bad = put(spool, 60_000);
            SpoolId good = put(spool, 50_000);
            String first = disk.segments().get(0);
            disk.fault((call, file, bytes) -> {
                if (call == Call.READ && file.equals(first)) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });

            assertThat(lease(spool, "a.example", START))
                    .extracting(SpoolLease::id)
                    .containsExactly(good);

            List<SpoolId> damaged = new ArrayList<>();
            spool.scan(entry -> {
                if (entry instanceof SpoolEntry.Damaged one) {
                    damaged.add(one.id().orElseThrow());
                }
            });
            assertThat(damaged).containsExactly(bad);
            assertThat(spool.delete(bad)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Call.class,
            names = {"OPEN", "RENAME", "LIST", "FORCE_DIRECTORY", "WRITE", "FORCE", "TRUNCATE"})
    void failedOpeningIsToldAndLeavesNothingLocked(Call failing) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        SpoolId id;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            id = put(spool, 100);
        }
        disk.fault(once(failing));
        assertThatThrownBy(() -> SimulatedDisk.spool(disk, 2).open()).isInstanceOf(SpoolException.class);
        try (FileSpool again = SimulatedDisk.spool(disk, 3).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactly(id);
        }
    }

    @Test
    void segmentThatCannotBeRemovedIsRemovedLater() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            disk.fault((call, file, bytes) -> {
                if (call == Call.DELETE || call == Call.RENAME && file.startsWith("segment-")) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            for (int i = 0; i < 12; i++) {
                put(spool, 30_000);
                SpoolLease lease = lease(spool, "a.example", START).get(0);
                spool.settle(lease, relayed(lease, START));
            }
            assertThat(disk.segments()).hasSizeGreaterThan(5);
            disk.noFault();
            put(spool, 60_000);
            SpoolLease lease = lease(spool, "a.example", START).get(0);
            spool.settle(lease, relayed(lease, START));
            put(spool, 60_000);
            await().until(() -> disk.segments().size() < 4);
        }
    }

    @Test
    void failedForceIsNeverTriedAgainAndAllWhoWaitedAreTold() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        Turns turns = new Turns();
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            SpoolId before = put(spool, 100);
            String failed = disk.segments().get(0);
            List<Call> afterwards = new ArrayList<>();
            AtomicBoolean told = new AtomicBoolean();
            disk.fault((call, file, bytes) -> {
                if (file.equals(failed) && told.get()) {
                    afterwards.add(call);
                }
                if (call == Call.FORCE && told.compareAndSet(false, true)) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            List<CompletionStage<SpoolId>> waiting = new ArrayList<>();
            turns.gather();
            for (int i = 0; i < 5; i++) {
                try (SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START)) {
                    writer.write(ByteBuffer.wrap(octets(200, i)));
                    waiting.add(writer.commit());
                }
            }
            turns.release();

            for (CompletionStage<SpoolId> one : waiting) {
                assertThatThrownBy(() -> SpoolActions.await(one))
                        .isInstanceOf(SpoolUnavailableException.class)
                        .hasMessageContaining("Input/output error");
            }
            SpoolId after = put(spool, 300);
            assertThat(read(spool, before)).isEqualTo(octets(100, 100));
            assertThat(afterwards).isNotEmpty().containsOnly(Call.READ);
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(before, after);
        }
    }

    @Test
    void whatAFailedForceRefusedDoesNotComeBackWhenLaterSegmentsAreGone() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES, 7);
        Turns turns = new Turns();
        SpoolId before;
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            before = put(spool, 40_000);
            AtomicBoolean failed = new AtomicBoolean();
            disk.fault((call, file, bytes) -> {
                if (call == Call.FORCE && failed.compareAndSet(false, true)) {
                    disk.forceAll();
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolUnavailableException.class);
            for (int i = 0; i < 6; i++) {
                SpoolId gone = put(spool, 30_000);
                assertThat(spool.delete(gone)).isTrue();
            }
            turns.compact();
        }
        try (FileSpool again =
                SimulatedDisk.spool(disk.afterCrash(new Random(1)), 2).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactly(before);
        }
    }

    @Test
    void whatWasRefusedBehindAMarkDoesNotComeBackEither() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES, 7);
        Turns turns = new Turns();
        SpoolId before;
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            before = put(spool, 40_000);
            assertThat(turns.mark()).isCompleted();
            AtomicBoolean failed = new AtomicBoolean();
            disk.fault((call, file, bytes) -> {
                if (call == Call.FORCE && failed.compareAndSet(false, true)) {
                    disk.forceAll();
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolUnavailableException.class);
        }
        try (FileSpool again = turns.taken(SimulatedDisk.spool(disk, 2)).open()) {
            for (int i = 0; i < 6; i++) {
                SpoolId gone = put(again, 30_000);
                assertThat(again.delete(gone)).isTrue();
            }
            turns.compact();
        }
        try (FileSpool third =
                SimulatedDisk.spool(disk.afterCrash(new Random(1)), 3).open()) {
            assertThat(scan(third)).extracting(QueuedMessage::id).containsExactly(before);
        }
    }

    /** A disk that has no byte left. */
    private static void fill(SimulatedDisk disk) {
        disk.put("something else", new byte[(int) (DISK_BYTES - disk.usedBytes())]);
    }

    @Test
    void deliveryGoesOnAndGivesRoomBackWhenNoByteIsLeft() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        Turns turns = new Turns();
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            for (int i = 0; i < 12; i++) {
                put(spool, 30_000);
            }
            fill(disk);
            long full = disk.usedBytes();
            assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolFullException.class);
            for (SpoolLease lease : lease(spool, "a.example", START)) {
                assertThat(read(spool, lease.id())).hasSize(30_000);
                spool.settle(lease, relayed(lease, START));
            }
            turns.compact();
            assertThat(disk.usedBytes()).isLessThan(full - 200_000);
            assertThat(scan(spool)).isEmpty();
            for (int i = 0; i < 150; i++) {
                turns.rest(); // a second and more passes: there is room for a segment
            }
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(scan(again)).isEmpty();
        }
    }

    @Test
    void deletionGoesOnAndGivesRoomBackWhenNoByteIsLeft() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        Turns turns = new Turns();
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            List<SpoolId> stored = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                stored.add(put(spool, 30_000));
            }
            fill(disk);
            long full = disk.usedBytes();
            assertThatThrownBy(() -> put(spool, 200)).isInstanceOf(SpoolFullException.class);
            for (SpoolId id : stored) {
                assertThat(spool.delete(id)).isTrue();
            }
            turns.compact();
            assertThat(disk.usedBytes()).isLessThan(full - 200_000);
            assertThat(scan(spool)).isEmpty();
        }
        try (FileSpool again =
                SimulatedDisk.spool(disk.afterCrash(new Random(1)), 2).open()) {
            assertThat(scan(again)).isEmpty();
        }
    }

    /** Perhaps its place on the disk is bad: mail is taken without it. */
    @ParameterizedTest
    @EnumSource(
            value = Call.class,
            names = {"WRITE", "FORCE"})
    void spareThatCannotBeWrittenGoesAndNobodyIsRefused(Call failing) throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        Turns turns = new Turns();
        List<SpoolId> stored = new ArrayList<>();
        String spare;
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            for (int i = 0; i < 2; i++) {
                assertThat(spool.delete(put(spool, 70_000))).isTrue();
            }
            stored.add(put(spool, 40_000));
            turns.compact();
            spare = spare(disk).orElseThrow();
            disk.fault((call, file, bytes) -> {
                if (call == failing && file.equals(spare)) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            for (int i = 0; i < 4; i++) {
                stored.add(put(spool, 50_000));
            }
            assertThat(disk.files()).doesNotContain(spare);
        }
        disk.noFault();
        try (FileSpool again = turns.taken(SimulatedDisk.spool(disk, 2)).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactlyElementsOf(stored);
        }
    }

    private static Optional<String> spare(SimulatedDisk disk) {
        return disk.files().stream().filter(name -> name.startsWith("spare-")).findFirst();
    }
}
