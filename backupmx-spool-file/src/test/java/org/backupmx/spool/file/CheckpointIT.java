package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;

/** A start from checkpoints finds what a start from every record finds, whatever became of the checkpoints. */
class CheckpointIT {

    private static final long SEED = 41;
    private static final String[] DOMAINS = {"a.example", "b.example", "c.example"};

    private static void step(FileSpool spool, Random random, List<SpoolId> ids) throws SpoolException {
        String domain = DOMAINS[random.nextInt(3)];
        Instant now = START.plusSeconds(random.nextInt(600));
        switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> {
                int size = random.nextInt(8) == 0 ? 140_000 + random.nextInt(300_000) : random.nextInt(12_000);
                ids.add(store(
                        spool,
                        Envelopes.toMany(1 + random.nextInt(4), domain, DOMAINS[random.nextInt(3)]),
                        now,
                        octets(size, random.nextLong())));
            }
            case 4, 5, 6 -> {
                for (SpoolLease lease : lease(spool, domain, now)) {
                    spool.settle(
                            lease,
                            random.nextBoolean()
                                    ? relayed(lease, now)
                                    : deferred(lease, now, now.plusSeconds(random.nextInt(300))));
                }
            }
            case 7 -> {
                if (!ids.isEmpty()) {
                    SpoolId id = ids.get(random.nextInt(ids.size()));
                    if (random.nextBoolean()) {
                        spool.hold(id);
                    } else {
                        spool.release(id);
                    }
                }
            }
            case 8 -> {
                if (!ids.isEmpty()) {
                    spool.delete(ids.remove(random.nextInt(ids.size())));
                }
            }
            default -> {
                spool.reschedule(MailDomain.of(domain), now);
                try (SpoolWriter abandoned = spool.begin(Envelopes.to("never@" + domain), now)) {
                    abandoned.write(ByteBuffer.wrap(octets(random.nextInt(500_000), 1)));
                }
            }
        }
    }

    @Property(tries = 12, shrinking = ShrinkingMode.OFF)
    void theIndexIsTheSame(@ForAll long seed) throws Exception {
        theIndexIsTheSame(seed, new SimulatedDisk(64 << 20));
    }

    @Property(tries = 6, shrinking = ShrinkingMode.OFF)
    void alsoInAnEncryptedSpool(@ForAll long seed) throws Exception {
        theIndexIsTheSame(seed, new SimulatedDisk(64 << 20).encrypted(TestKeys.of("a")));
    }

    private static void theIndexIsTheSame(long seed, SimulatedDisk empty) throws Exception {
        Random random = new Random(seed);
        SimulatedDisk disk = empty;
        List<SpoolId> ids = new ArrayList<>();
        int used = 0;
        for (int life = 0; life < 6; life++) {
            FileSpool spool = SimulatedDisk.spool(disk, random.nextLong()).open();
            for (int i = 0; i < 50; i++) {
                step(spool, random, ids);
            }
            if (random.nextBoolean()) {
                spool.close();
            } else {
                SimulatedDisk after = disk.afterCrash(random);
                try {
                    spool.close();
                } catch (SpoolException e) {
                    assertThat(disk.isPowerLost()).isTrue();
                }
                disk = after;
            }
            IndexText found = IndexText.fromCheckpoints(disk);
            assertThat(found.lines())
                    .as("seed %d, life %d", seed, life)
                    .isEqualTo(IndexText.ofEveryRecord(disk).lines());
            used += found.checkpoints();
        }
        assertThat(used).as("checkpoints used, seed %d", seed).isPositive();
    }

    /** A closed spool of one segment with some of every record, and its checkpoint. */
    private static SimulatedDisk smallSpool() throws SpoolException {
        return smallSpool(new SimulatedDisk(64 << 20));
    }

    private static SimulatedDisk smallSpool(SimulatedDisk disk) throws SpoolException {
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            store(spool, Envelopes.to("first@a.example"), START, octets(40, 1));
            store(spool, Envelopes.from("", "second@b.example", "other@c.example"), START, octets(90, 2));
            SpoolId held = store(spool, Envelopes.to("third@d.example"), START, octets(30, 3));
            for (SpoolLease lease : lease(spool, "b.example", START)) {
                spool.settle(lease, deferred(lease, START, START.plusSeconds(60)));
            }
            for (SpoolLease lease : lease(spool, "a.example", START)) {
                spool.settle(lease, relayed(lease, START));
            }
            spool.hold(held);
            spool.reschedule(held, START.plusSeconds(5));
        }
        assertThat(disk.segments()).containsExactly(SegmentFiles.name(1));
        return disk;
    }

    @Test
    void oneThatEndsAtAnyByteIsIgnored() throws Exception {
        SimulatedDisk disk = smallSpool();
        IndexText right = IndexText.ofEveryRecord(disk);
        byte[] bytes = disk.bytes(Checkpoints.name(1));
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(new IndexText(right.lines(), 1));
        for (int end = 0; end < bytes.length; end++) {
            disk.put(Checkpoints.name(1), Arrays.copyOf(bytes, end));
            assertThat(IndexText.fromCheckpoints(disk)).as("end " + end).isEqualTo(right);
        }
    }

    @Test
    void aTurnedBitIsFound() throws Exception {
        SimulatedDisk disk = smallSpool();
        IndexText right = IndexText.ofEveryRecord(disk);
        byte[] bytes = disk.bytes(Checkpoints.name(1));
        int used = 0;
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            byte[] turned = bytes.clone();
            turned[bit / 8] ^= (byte) (1 << bit % 8);
            disk.put(Checkpoints.name(1), turned);
            IndexText found = IndexText.fromCheckpoints(disk);
            assertThat(found.lines()).as("bit " + bit).isEqualTo(right.lines());
            used += found.checkpoints();
        }
        assertThat(used).as("only zeros between records are not checked").isLessThan(2 * 7 * 8);
    }

    @Test
    void aTurnedBitOfAnEncryptedOneIsFound() throws Exception {
        SimulatedDisk disk = smallSpool(new SimulatedDisk(64 << 20).encrypted(TestKeys.of("a")));
        IndexText right = IndexText.ofEveryRecord(disk);
        byte[] bytes = disk.bytes(Checkpoints.name(1));
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(new IndexText(right.lines(), 1));
        int used = 0;
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            if (bit == RecordFormat.BLOCK_BYTES * 8) {
                bit = RecordFormat.ENCRYPTED_HEADER_BYTES * 8; // zeros
            }
            byte[] turned = bytes.clone();
            turned[bit / 8] ^= (byte) (1 << bit % 8);
            disk.put(Checkpoints.name(1), turned);
            IndexText found = IndexText.fromCheckpoints(disk);
            assertThat(found.lines()).as("bit " + bit).isEqualTo(right.lines());
            used += found.checkpoints();
        }
        assertThat(used).as("only zeros between records are not checked").isLessThan(2 * 7 * 8);
    }

    @Test
    void oneWithAGapIsIgnored() throws Exception {
        SimulatedDisk disk = smallSpool();
        IndexText right = IndexText.ofEveryRecord(disk);
        byte[] bytes = disk.bytes(Checkpoints.name(1));
        byte[] gap = new byte[bytes.length + 8];
        System.arraycopy(bytes, 0, gap, 0, RecordFormat.SEGMENT_HEADER_BYTES);
        System.arraycopy(
                bytes,
                RecordFormat.SEGMENT_HEADER_BYTES,
                gap,
                RecordFormat.SEGMENT_HEADER_BYTES + 8,
                bytes.length - RecordFormat.SEGMENT_HEADER_BYTES);
        disk.put(Checkpoints.name(1), gap);

        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(right);
    }

    @Test
    void oneWithARecordTooManyOrTooFewIsIgnored() throws Exception {
        SimulatedDisk disk = smallSpool();
        IndexText right = IndexText.ofEveryRecord(disk);
        byte[] bytes = disk.bytes(Checkpoints.name(1));
        int first = RecordFormat.SEGMENT_HEADER_BYTES;
        int length = (int) RecordFormat.header(bytes, first).length();
        assertThat(first + length).as("a SUMMARY and a COVERED").isLessThan(bytes.length);

        byte[] more = Arrays.copyOf(bytes, bytes.length + length);
        System.arraycopy(bytes, first, more, bytes.length, length);
        disk.put(Checkpoints.name(1), more);
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(right);

        byte[] less = Arrays.copyOf(bytes, bytes.length - length);
        System.arraycopy(bytes, first + length, less, first, less.length - first);
        disk.put(Checkpoints.name(1), less);
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(right);
    }

    @Test
    void whatDoesNotFitTheSegmentIsIgnoredAndGoes() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            for (int i = 0; i < 8; i++) {
                store(spool, Envelopes.to("x@a.example"), START, octets(20_000, i));
            }
        }
        byte[] first = disk.bytes(Checkpoints.name(1));
        byte[] second = disk.bytes(Checkpoints.name(2));
        IndexText right = IndexText.ofEveryRecord(disk);
        assertThat(IndexText.fromCheckpoints(disk).checkpoints()).isEqualTo(3);

        disk.put(Checkpoints.name(2), first); // another segment's
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(new IndexText(right.lines(), 2));
        SegmentHeader header = RecordFormat.segmentHeader(first);
        System.arraycopy(
                RecordFormat.encode(new SegmentHeader(2, header.key(), 0, 0, 0)),
                0,
                first,
                0,
                RecordFormat.SEGMENT_HEADER_BYTES);
        disk.put(Checkpoints.name(2), first); // of segment 2 by its header, but of another key
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(new IndexText(right.lines(), 2));

        disk.put(Checkpoints.name(7), second);
        disk.put("checkpoint.new", Arrays.copyOf(second, 100));
        SimulatedDisk.spool(disk, SEED + 1).open().close();
        assertThatThrownBy(() -> disk.bytes(Checkpoints.name(7))).isInstanceOf(AssertionError.class);
        assertThat(IndexText.fromCheckpoints(disk).checkpoints())
                .as("written anew")
                .isEqualTo(3);
    }

    @Test
    void oneOfAnotherVersionIsIgnored() throws Exception {
        SimulatedDisk disk = smallSpool();
        IndexText right = IndexText.ofEveryRecord(disk);
        byte[] bytes = disk.bytes(Checkpoints.name(1));
        int length = RecordFormat.padded(RecordFormat.HEADER_BYTES + 23);
        byte[] last = Arrays.copyOfRange(bytes, bytes.length - length, bytes.length);
        assertThat(RecordFormat.header(last, 0).type()).isEqualTo(RecordType.COVERED);
        RecordFormat.putShort(last, RecordFormat.HEADER_BYTES, Checkpoint.VERSION + 1);
        long key = RecordFormat.header(last, 0).key();
        RecordFormat.putHeader(last, RecordType.COVERED, 0, 23, 0);
        RecordFormat.seal(last, key, 0);
        System.arraycopy(last, 0, bytes, bytes.length - length, length);
        disk.put(Checkpoints.name(1), bytes);

        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(right);
    }

    @Test
    void aSegmentThatIsShorterThanItsCheckpointIsReadAndTold() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            for (int i = 0; i < 8; i++) {
                store(spool, Envelopes.to("x@a.example"), START, octets(20_000, i));
            }
        }
        disk.put(SegmentFiles.name(1), Arrays.copyOf(disk.bytes(SegmentFiles.name(1)), 30_000));

        IndexText found = IndexText.fromCheckpoints(disk);

        assertThat(found.checkpoints()).isEqualTo(2);
        assertThat(found.lines()).isEqualTo(IndexText.ofEveryRecord(disk).lines());
        assertThat(found.lines().get("recovery")).contains("the file ends too early");
    }

    /** Damage behind a checkpoint is found when the message is read, and told by each start from then on. */
    @Test
    void damageBehindACheckpointIsFoundWhenItIsRead() throws Exception {
        SimulatedDisk disk = smallSpool();
        byte[] bytes = disk.bytes(SegmentFiles.name(1));
        RecordHeader first = RecordFormat.header(bytes, RecordFormat.SEGMENT_HEADER_BYTES);
        RecordHeader second = RecordFormat.header(bytes, RecordFormat.SEGMENT_HEADER_BYTES + (int) first.length());
        bytes[RecordFormat.SEGMENT_HEADER_BYTES + (int) first.length() + RecordFormat.HEADER_BYTES] ^= 1;
        disk.put(SegmentFiles.name(1), bytes);
        assertThat(SpoolInspector.inspect(Path.of("spool"), disk).isIntact()).isFalse();

        try (FileSpool spool = SimulatedDisk.spool(disk, SEED + 1).open()) {
            assertThatThrownBy(() -> read(spool, Ids.text(second.id()))).isInstanceOf(SpoolDamagedException.class);
            assertThat(lease(spool, "c.example", START.plusSeconds(600))).isEmpty();
            assertThat(lease(spool, "d.example", START.plusSeconds(600)))
                    .as("held")
                    .isEmpty();
        }

        IndexText found = IndexText.fromCheckpoints(disk);
        assertThat(found.lines()).isEqualTo(IndexText.ofEveryRecord(disk).lines());
        assertThat(found.lines()).containsKey("damaged " + second.id());
    }

    @Test
    void powerMayGoAtEveryStepOfAClose() throws Exception {
        SimulatedDisk calm = new SimulatedDisk(64 << 20);
        int before = fill(calm, new ArrayList<>());
        int steps = calm.steps();
        assertThat(steps).isGreaterThan(before + 6);
        int cut = 0;
        for (int step = before; step < steps; step++) {
            for (int draw = 0; draw < 4; draw++) {
                cut += powerGoesAt(step, new Random(step * 7L + draw)) ? 1 : 0;
            }
        }
        assertThat(cut)
                .as("checkpoints are not forced: some have a name and no end")
                .isPositive();
    }

    /** Fills and closes a spool; returns the steps before its close. */
    private static int fill(SimulatedDisk disk, List<SpoolId> ids) throws IOException {
        Turns turns = new Turns();
        FileSpool spool = turns.taken(SimulatedDisk.spool(disk, SEED)).open();
        for (int i = 0; i < 7; i++) {
            ids.add(store(spool, Envelopes.to("x@a.example"), START, octets(15_000, i)));
        }
        turns.prepare(); // a quiet second
        turns.compact();
        assertThat(disk.has(Checkpoints.name(1))).isTrue();
        int steps = disk.steps();
        spool.close();
        return steps;
    }

    private static boolean powerGoesAt(int step, Random random) throws IOException {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        disk.fault((call, file, bytes) -> {
            if (disk.steps() >= step && call != SimulatedDisk.Call.READ && call != SimulatedDisk.Call.LIST) {
                if (call == SimulatedDisk.Call.WRITE && random.nextBoolean() && bytes > 1) {
                    return random.nextInt(bytes); // torn: the next call finds no power
                }
                disk.losePower();
                throw new SimulatedDisk.PowerLost();
            }
            return bytes;
        });
        List<SpoolId> ids = new ArrayList<>();
        try {
            fill(disk, ids);
        } catch (SpoolException e) {
            assertThat(disk.isPowerLost()).isTrue();
        }
        SimulatedDisk after = disk.afterCrash(random);
        String what = "power lost at step " + step;
        IndexText found = IndexText.fromCheckpoints(after);
        assertThat(found.lines())
                .as(what)
                .isEqualTo(IndexText.ofEveryRecord(after).lines());
        boolean isAnyCut = found.checkpoints()
                < after.segments().stream()
                        .filter(name -> after.has(name.replace("segment", "checkpoint")))
                        .count();
        try (FileSpool spool = SimulatedDisk.spool(after, step).open()) {
            assertThat(scan(spool))
                    .as(what)
                    .extracting(one -> one.message().id())
                    .containsExactlyElementsOf(ids);
        }
        return isAnyCut;
    }

    /** Checkpoints are written while the spool runs, and go with their segments. */
    @Test
    void theyComeAndGoWithTheirSegments() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            for (int i = 0; i < 7; i++) {
                store(spool, Envelopes.to("x@a.example"), START, octets(19_000, i));
            }
            await().until(() -> disk.has(Checkpoints.name(1)) && disk.has(Checkpoints.name(2)));
            assertThat(disk.has(Checkpoints.name(3)))
                    .as("of the segment that is written")
                    .isFalse();
            for (SpoolLease lease : lease(spool, "a.example", START)) {
                spool.settle(lease, relayed(lease, START));
            }
            await().until(() -> !disk.has(Checkpoints.name(1)) && !disk.has(Checkpoints.name(2)));
            assertThat(disk.segments()).doesNotContain(SegmentFiles.name(1), SegmentFiles.name(2));
        }
    }

    /** A disk that takes no checkpoint takes mail, and a close says nothing of it. */
    @Test
    void aCheckpointThatCannotBeWrittenIsNoFault() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        disk.fault((call, file, bytes) -> {
            if (file.startsWith("checkpoint")) {
                throw new IOException("Input/output error");
            }
            return bytes;
        });
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            for (int i = 0; i < 7; i++) {
                store(spool, Envelopes.to("x@a.example"), START, octets(19_000, i));
            }
            assertThat(spool.health().isAccepting()).isTrue();
        }
        assertThat(IndexText.fromCheckpoints(disk)).isEqualTo(IndexText.ofEveryRecord(disk));
        disk.noFault();
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED + 1).open()) {
            assertThat(scan(spool)).hasSize(7);
        }
    }
}
