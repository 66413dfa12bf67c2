package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power goes at every step of a history: what was committed is there once and whole, nothing else is. What fails is
 * repeated with {@code -Dcrash.seed}. The profile {@code crash} has 100,000 losses of power.
 */
class CrashIT {

    private static final int POINTS = Integer.getInteger("crash.points", 2_500);
    private static final long FIRST_SEED = Long.getLong("crash.seed", 1);
    private static final int OPERATIONS = 40;
    private static final int MOST_POINTS_TO_FIND_A_FAULT = 5000;

    /** What somebody outside knows of a spool. */
    private static final class Ledger {
        final Map<SpoolId, byte[]> committed = new HashMap<>();
        final Map<SpoolId, byte[]> inDoubt = new HashMap<>();
        final Set<SpoolId> settled = new HashSet<>();
        final Set<SpoolId> deleted = new HashSet<>();
        final Set<SpoolId> deletionInDoubt = new HashSet<>();
    }

    private static SpoolId store(FileSpool spool, Ledger ledger, int bytes, int seed, String... to)
            throws SpoolException {
        byte[] mailData = octets(bytes, seed);
        try (SpoolWriter writer = spool.begin(Envelopes.to(to), START)) {
            ledger.inDoubt.put(writer.id(), mailData);
            writer.write(ByteBuffer.wrap(mailData));
            SpoolId id = await(writer.commit());
            ledger.inDoubt.remove(id);
            ledger.committed.put(id, mailData);
            return id;
        }
    }

    /** Some of everything, and enough of it that segments fill, go, and are compacted. */
    private static void history(FileSpool spool, Ledger ledger) throws SpoolException {
        SpoolId kept = store(spool, ledger, 9_000, 1, "a@kept.example");
        SpoolId two = store(spool, ledger, 500, 2, "a@two.example", "b@three.example");
        for (int i = 0; i < 9; i++) {
            store(spool, ledger, 19_000, 10 + i, "x@go.example");
        }
        SpoolWriter abandoned = spool.begin(Envelopes.to("never@kept.example"), START);
        abandoned.write(ByteBuffer.wrap(octets(200_000, 5)));
        abandoned.close();
        store(spool, ledger, 300_000, 3, "long@kept.example");
        spool.hold(kept);
        for (SpoolLease lease : lease(spool, "two.example", START)) {
            spool.settle(lease, deferred(lease, START, START.plusSeconds(60)));
        }
        for (SpoolLease lease : lease(spool, "three.example", START)) {
            spool.settle(lease, relayed(lease, START));
        }
        for (SpoolLease lease : lease(spool, "go.example", START)) {
            ledger.settled.add(lease.id());
            spool.settle(lease, relayed(lease, START));
        }
        spool.reschedule(two, START.plusSeconds(90));
        spool.release(kept);
        SpoolId deleted = store(spool, ledger, 100, 4, "d@kept.example");
        ledger.deletionInDoubt.add(deleted);
        spool.delete(deleted);
        ledger.deleted.add(deleted);
        for (int i = 0; i < 3; i++) {
            store(spool, ledger, 15_000, 30 + i, "x@late.example");
        }
    }

    private static void check(FileSpool spool, Ledger ledger, String what) throws Exception {
        Map<SpoolId, QueuedMessage> found = new HashMap<>();
        spool.scan(entry -> {
            assertThat(entry).as(what).isInstanceOf(SpoolEntry.Intact.class);
            QueuedMessage message = ((SpoolEntry.Intact) entry).message();
            assertThat(found.put(message.id(), message)).as(what + ": twice").isNull();
        });
        Set<SpoolId> mustBe = new HashSet<>(ledger.committed.keySet());
        mustBe.removeAll(ledger.settled);
        mustBe.removeAll(ledger.deletionInDoubt);
        Set<SpoolId> mayBe = new HashSet<>(ledger.committed.keySet());
        mayBe.addAll(ledger.inDoubt.keySet());
        mayBe.removeAll(ledger.deleted);
        assertThat(found.keySet()).as(what).containsAll(mustBe);
        assertThat(mayBe).as(what).containsAll(found.keySet());
        for (SpoolId id : found.keySet()) {
            byte[] mailData = ledger.committed.getOrDefault(id, ledger.inDoubt.get(id));
            assertThat(read(spool, id)).as(what).isEqualTo(mailData);
        }
    }

    private static SimulatedDisk disk(boolean encrypted) {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        return encrypted ? disk.encrypted(TestKeys.of("a")) : disk;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void powerMayGoAtEveryStep(boolean encrypted) throws Exception {
        SimulatedDisk calm = disk(encrypted);
        Ledger all = new Ledger();
        try (FileSpool spool = SimulatedDisk.spool(calm, 1).open()) {
            history(spool, all);
            check(spool, all, "calm");
        }
        int steps = calm.steps();
        assertThat(steps).isGreaterThan(60);
        for (int step = 1; step <= steps; step++) {
            crashAt(step, encrypted, new Random(step * 31L));
        }
    }

    private static void crashAt(int step, boolean encrypted, Random random) throws Exception {
        SimulatedDisk disk = disk(encrypted);
        Ledger ledger = new Ledger();
        disk.fault((call, file, bytes) -> {
            boolean changes = call != SimulatedDisk.Call.READ && call != SimulatedDisk.Call.LIST;
            if (changes && disk.steps() >= step) {
                if (call == SimulatedDisk.Call.WRITE && random.nextBoolean() && bytes > 1) {
                    return random.nextInt(bytes); // torn: the next call finds no power
                }
                disk.losePower();
                throw new SimulatedDisk.PowerLost();
            }
            return bytes;
        });
        String what = "power lost at step " + step;
        FileSpool spool = null;
        try {
            spool = SimulatedDisk.spool(disk, step).open();
            history(spool, ledger);
        } catch (SpoolException e) {
            // from here on nothing is told any more
        }
        SimulatedDisk after = disk.afterCrash(random);
        if (spool != null) {
            try {
                spool.close();
            } catch (SpoolException e) {
                // it has no disk any more
            }
        }
        try (FileSpool again = SimulatedDisk.spool(after, step + 1000L).open()) {
            check(again, ledger, what);
            assertThat(again.health().isAccepting()).as(what).isTrue();
            for (SpoolLease lease : lease(again, "go.example", START.plus(LEASE))) {
                ledger.settled.add(lease.id());
                again.settle(lease, relayed(lease, START.plus(LEASE)));
            }
        }
        try (FileSpool third = SimulatedDisk.spool(after, step + 2000L).open()) {
            check(third, ledger, what + ", opened once more");
            assertThat(lease(third, "go.example", START.plus(LEASE.multipliedBy(2))))
                    .as(what)
                    .isEmpty();
        }
    }

    /**
     * What a failed force refused behind a MARK; an encrypted segment that failed before its first record. And who waited, by
     * these turns, for a turn that never came: a fault in the middle of a batch had put off what was before it.
     */
    @Test
    void historiesThatFoundSomethingOnce() throws Exception {
        CrashTally tally = new CrashTally();
        new CrashHistory(88, io -> io, tally).run(OPERATIONS);
        new CrashHistory(45, io -> io, tally).encrypted().run(OPERATIONS);
        new CrashHistory(137, io -> io, tally).run(OPERATIONS);
        new CrashHistory(116, io -> io, tally).reading().run(OPERATIONS);
        new CrashHistory(233, io -> io, tally).reading().encrypted().run(OPERATIONS);
        assertThat(tally.points()).isGreaterThan(100);
    }

    /** Stops as soon as there were so many losses of power. */
    private static void histories(long firstSeed, int points, UnaryOperator<FileIo> planted, CrashTally tally)
            throws IOException {
        for (long seed = firstSeed; tally.points() < points; seed++) {
            new CrashHistory(seed, planted, tally).run(OPERATIONS);
        }
    }

    @Test
    @Timeout(value = 4, unit = TimeUnit.HOURS)
    void andOfThoseOfAnEncryptedSpool() throws Exception {
        CrashTally tally = new CrashTally();
        for (long seed = FIRST_SEED; tally.points() < POINTS / 5; seed++) {
            new CrashHistory(seed, io -> io, tally).encrypted().run(OPERATIONS);
        }
        System.out.println("encrypted, seeds from " + FIRST_SEED + ": " + tally);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Timeout(value = 4, unit = TimeUnit.HOURS)
    void readsMayFailInRandomHistories(boolean encrypted) throws Exception {
        CrashTally tally = new CrashTally();
        for (long seed = FIRST_SEED; tally.openings() < POINTS / 10; seed++) {
            CrashHistory history = new CrashHistory(seed, io -> io, tally).reading();
            (encrypted ? history.encrypted() : history).run(OPERATIONS);
        }
        System.out.println("reads fail, encrypted: " + encrypted + ", seeds from " + FIRST_SEED + ": " + tally);
        assertThat(tally.refusedOpenings()).isGreaterThan(POINTS / 200);
        assertThat(tally.damagedOpenings()).isGreaterThan(POINTS / 200);
        assertThat(tally.faults()).containsKey(Call.READ);
    }

    @Test
    @Timeout(value = 4, unit = TimeUnit.HOURS)
    void powerMayGoAtEveryStepOfRandomHistories() throws Exception {
        long began = System.nanoTime();
        CrashTally tally = new CrashTally();
        histories(FIRST_SEED, POINTS, io -> io, tally);
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
        String told = "seeds " + FIRST_SEED + " to " + (FIRST_SEED + tally.histories() - 1) + ", " + seconds + " s: "
                + tally + "; lost 0, damaged 0";
        System.out.println(told);
        assertThat(tally.points()).isGreaterThanOrEqualTo(POINTS);
        assertThat(tally.pointsByCall().keySet())
                .containsExactlyInAnyOrder(
                        Call.OPEN,
                        Call.WRITE,
                        Call.FORCE,
                        Call.TRUNCATE,
                        Call.RENAME,
                        Call.DELETE,
                        Call.FORCE_DIRECTORY);
        assertThat(tally.secondPoints()).isGreaterThan(POINTS / 40);
        String report = System.getProperty("crash.report");
        if (report != null) {
            Files.writeString(Path.of(report), told + "\n");
        }
    }

    @ParameterizedTest
    @EnumSource(PlantedFault.class)
    void plantedFaultIsFound(PlantedFault fault) {
        CrashTally tally = new CrashTally();
        assertThatThrownBy(() -> histories(1, MOST_POINTS_TO_FIND_A_FAULT, fault::on, tally))
                .isInstanceOf(AssertionError.class)
                .satisfies(e -> System.out.println(fault + ": found after " + tally.points() + " losses of power: "
                        + e.getCause().getMessage()));
    }
}
