package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.backupmx.mail.MailDomain;
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

/** Sparse segments are copied and removed, and whatever happens meanwhile nothing of a message changes. */
class CompactorIT {

    private static final long DISK_BYTES = 64L << 20;
    private static final int SEGMENT_BYTES = FileSpoolBuilder.MIN_SEGMENT_BYTES;

    private static SpoolId put(FileSpool spool, int bytes, String... to) throws SpoolException {
        return store(spool, Envelopes.to(to), START, octets(bytes, bytes));
    }

    private static void relayAll(FileSpool spool, String domain) throws SpoolException {
        for (SpoolLease lease : lease(spool, domain, START)) {
            spool.settle(lease, relayed(lease, START));
        }
    }

    /** Fills about so many segments with mail that goes at once. */
    private static void churn(FileSpool spool, int segments) throws SpoolException {
        for (int i = 0; i < segments * 3; i++) {
            put(spool, 20_000, "x@churn.example");
            relayAll(spool, "churn.example");
        }
    }

    private static ConditionFactory soon(String what) {
        return Awaitility.await(what).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(5));
    }

    private static boolean isCompactor() {
        return Thread.currentThread().getName().equals("backupmx-compact");
    }

    private static SimulatedDisk.Fault noCompaction() {
        return (call, file, bytes) -> {
            if (isCompactor()) {
                throw new IOException("not now");
            }
            return bytes;
        };
    }

    /** Returns the segments with an intact record of some type of a message, and where in them. */
    private static Map<String, Integer> hosts(SimulatedDisk disk, SpoolId id, RecordType type) {
        Map<String, Integer> hosts = new LinkedHashMap<>();
        for (String name : disk.segments()) {
            byte[] bytes = disk.bytes(name);
            for (int at = RecordFormat.SEGMENT_HEADER_BYTES; at + RecordFormat.HEADER_BYTES <= bytes.length; at += 8) {
                RecordHeader header = RecordFormat.header(bytes, at);
                if (header != null && header.id() == Ids.number(id) && header.type() == type) {
                    hosts.put(name, at);
                }
            }
        }
        return hosts;
    }

    private static Map<SpoolId, QueuedMessage> byId(Collection<QueuedMessage> messages) {
        Map<SpoolId, QueuedMessage> byId = new HashMap<>();
        messages.forEach(message -> assertThat(byId.put(message.id(), message))
                .as("twice: " + message.id())
                .isNull());
        return byId;
    }

    @Test
    void sparseSegmentsAreCopiedAndRemoved() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.fault(noCompaction());
        Map<SpoolId, Integer> kept = new HashMap<>();
        List<String> before;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            for (int i = 0; i < 6; i++) {
                kept.put(put(spool, 9_000 + i, "k@kept.example"), 9_000 + i);
                put(spool, 20_000, "x@go.example");
                put(spool, 25_000, "x@go.example");
            }
            before = disk.segments();
            assertThat(before).hasSize(6);
            relayAll(spool, "go.example");
        }
        assertThat(disk.segments()).isEqualTo(before);
        disk.noFault();
        try (FileSpool spool = SimulatedDisk.spool(disk, 2).open()) {
            soon("").until(() -> disk.segments().stream().noneMatch(before::contains));
            assertThat(disk.segments()).hasSizeLessThanOrEqualTo(3);
            for (Map.Entry<SpoolId, Integer> one : kept.entrySet()) {
                assertThat(hosts(disk, one.getKey(), RecordType.MESSAGE)).hasSize(1);
                assertThat(read(spool, one.getKey())).isEqualTo(octets(one.getValue(), one.getValue()));
            }
        }
        try (FileSpool spool = SimulatedDisk.spool(disk, 3).open()) {
            assertThat(byId(scan(spool)).keySet()).isEqualTo(kept.keySet());
        }
    }

    @ParameterizedTest(name = "slack of {0} segments")
    @ValueSource(ints = {0, CompactionPolicy.SLACK_SEGMENTS})
    void constantContentStaysBoundedAndReadableOverALongRun(int slack) throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        int messages = 60;
        long contentBytes = messages * (5_000L + 300);
        // half of what is sealed is needed; one is appended to, one compacted, one copied to, two are spares
        long bound = 2 * contentBytes + (5L + slack) * SEGMENT_BYTES + SegmentFiles.RESERVE_BYTES;
        AtomicBoolean ended = new AtomicBoolean();
        CompletableFuture<Integer> reads;
        try (FileSpool spool =
                SimulatedDisk.spool(disk, seed).slackSegments(slack).open()) {
            List<SpoolId> still = new ArrayList<>();
            List<SpoolId> content = new ArrayList<>();
            for (int i = 0; i < messages; i++) {
                SpoolId id = put(spool, 5_000, "k@kept.example");
                (i % 6 == 0 ? still : content).add(id);
            }
            reads = CompletableFuture.supplyAsync(() -> {
                int count = 0;
                for (; !ended.get(); count++) {
                    try {
                        SpoolId id = still.get(count % still.size());
                        assertThat(read(spool, id)).isEqualTo(octets(5_000, 5_000));
                    } catch (IOException e) {
                        throw new AssertionError("seed " + seed, e);
                    }
                }
                return count;
            });
            for (int i = 1; i <= 2_000; i++) {
                SpoolId gone = content.set(
                        random.nextInt(content.size()), put(spool, 4_000 + random.nextInt(1_001), "k@kept.example"));
                assertThat(spool.delete(gone)).isTrue();
                if (i % 250 == 0) {
                    soon("seed " + seed).until(() -> disk.usedBytes() <= bound);
                }
            }
            ended.set(true);
            assertThat(reads.get(10, TimeUnit.SECONDS)).isGreaterThan(100);
            assertThat(scan(spool)).hasSize(messages);
        }
        try (FileSpool spool = SimulatedDisk.spool(disk, seed + 1).open()) {
            assertThat(scan(spool)).hasSize(messages);
        }
    }

    /** Makes a spool with something of everything in segments that are to be compacted, and nothing compacted yet. */
    private static SimulatedDisk sparse(Map<SpoolId, QueuedMessage> queued, Map<SpoolId, Integer> sizes)
            throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.fault(noCompaction());
        try (FileSpool spool =
                SimulatedDisk.spool(disk, 1).segmentBytes(320 << 10).open()) {
            int size = 1_000;
            Map<String, SpoolId> byName = new HashMap<>();
            for (String name : List.of("plain", "held", "released", "deferred", "rescheduled", "both", "dead")) {
                SpoolId id = put(spool, ++size, name + "@" + name + ".example", name + "@other.example");
                byName.put(name, id);
                sizes.put(id, size);
                put(spool, 80_000, "x@go.example");
            }
            SpoolId large = put(spool, 131_500, "l@large.example");
            put(spool, 80_000, "x@go.example");
            sizes.put(large, 131_500);
            spool.hold(byName.get("held"));
            spool.hold(byName.get("released"));
            put(spool, 80_000, "x@go.example");
            spool.release(byName.get("released"));
            for (String domain : List.of("deferred.example", "both.example")) {
                SpoolLease lease = lease(spool, domain, START).get(0);
                spool.settle(lease, deferred(lease, START, START.plusSeconds(60)));
                lease = lease(spool, domain, START.plusSeconds(60)).get(0);
                spool.settle(lease, deferred(lease, START.plusSeconds(60), START.plusSeconds(600)));
                put(spool, 80_000, "x@go.example");
            }
            relayAll(spool, "plain.example");
            spool.reschedule(byName.get("rescheduled"), START.plusSeconds(77));
            put(spool, 80_000, "x@go.example");
            spool.reschedule(MailDomain.of("both.example"), START.plusSeconds(99));
            put(spool, 80_000, "x@go.example");
            assertThat(spool.delete(byName.get("dead"))).isTrue();
            sizes.remove(byName.get("dead"));
            relayAll(spool, "go.example");
            put(spool, 130_000, "x@go.example");
            put(spool, 130_000, "x@go.example");
            relayAll(spool, "go.example");
        }
        disk.noFault();
        SimulatedDisk copy = disk.copy();
        copy.fault(noCompaction());
        try (FileSpool spool =
                SimulatedDisk.spool(copy, 2).segmentBytes(320 << 10).open()) {
            queued.putAll(byId(scan(spool)));
        }
        assertThat(queued.keySet()).isEqualTo(sizes.keySet());
        return disk;
    }

    private static void same(
            FileSpool spool, Map<SpoolId, QueuedMessage> queued, Map<SpoolId, Integer> sizes, String what)
            throws IOException {
        assertThat(byId(scan(spool))).as(what).isEqualTo(queued);
        for (Map.Entry<SpoolId, Integer> one : sizes.entrySet()) {
            assertThat(read(spool, one.getKey())).as(what).isEqualTo(octets(one.getValue(), one.getValue()));
        }
    }

    @Test
    void powerMayGoAtEveryStepOfACompaction() throws Exception {
        Map<SpoolId, QueuedMessage> queued = new HashMap<>();
        Map<SpoolId, Integer> sizes = new HashMap<>();
        SimulatedDisk sparse = sparse(queued, sizes);
        List<String> old = sparse.segments();
        SimulatedDisk calm = sparse.copy();
        try (FileSpool spool =
                SimulatedDisk.spool(calm, 3).segmentBytes(320 << 10).open()) {
            soon("").until(() -> calm.segments().stream().noneMatch(old::contains));
            same(spool, queued, sizes, "calm");
        }
        int steps = calm.steps();
        assertThat(steps).isGreaterThan(20);
        for (int step = 1; step <= steps; step++) {
            crashAt(step, sparse.copy(), old, queued, sizes);
        }
    }

    private static void crashAt(
            int step,
            SimulatedDisk disk,
            List<String> old,
            Map<SpoolId, QueuedMessage> queued,
            Map<SpoolId, Integer> sizes)
            throws Exception {
        String what = "power lost at step " + step;
        Random random = new Random(step * 37L);
        CountDownLatch lost = new CountDownLatch(1);
        disk.fault((call, file, bytes) -> {
            if (disk.steps() >= step && call != Call.READ && call != Call.LIST) {
                if (call == Call.WRITE && bytes > 1 && random.nextBoolean()) {
                    return random.nextInt(bytes);
                }
                disk.losePower();
                lost.countDown();
                throw new SimulatedDisk.PowerLost();
            }
            return bytes;
        });
        FileSpool spool = null;
        try {
            spool = SimulatedDisk.spool(disk, step).segmentBytes(320 << 10).open();
            soon(what)
                    .until(() ->
                            lost.getCount() == 0 || disk.segments().stream().noneMatch(old::contains));
        } catch (SpoolException e) {
            // lost before anything was compacted
        }
        SimulatedDisk after = disk.afterCrash(random);
        closeQuietly(spool);
        SimulatedDisk once = after.copy();
        once.fault(noCompaction());
        try (FileSpool again =
                SimulatedDisk.spool(once, step).segmentBytes(320 << 10).open()) {
            same(again, queued, sizes, what);
        }
        Map<SpoolId, QueuedMessage> left = new HashMap<>(queued);
        try (FileSpool again =
                SimulatedDisk.spool(after, step).segmentBytes(320 << 10).open()) {
            SpoolId gone = queued.keySet().stream()
                    .skip(random.nextInt(queued.size()))
                    .findFirst()
                    .orElseThrow();
            assertThat(again.delete(gone)).as(what).isTrue();
            left.remove(gone);
            soon(what).until(() -> after.segments().stream().noneMatch(old::contains));
        }
        try (FileSpool again =
                SimulatedDisk.spool(after, step).segmentBytes(320 << 10).open()) {
            assertThat(byId(scan(again))).as(what + ", compacted after all").isEqualTo(left);
        }
    }

    private static void closeQuietly(FileSpool spool) {
        try {
            if (spool != null) {
                spool.close();
            }
        } catch (SpoolException e) {
            // it has no disk any more
        }
    }

    @Test
    void heldMessageDoesNotPinALargeSegment() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (FileSpool spool =
                SimulatedDisk.spool(disk, 1).segmentBytes(2 << 20).open()) {
            SpoolId held = put(spool, 1_000, "h@held.example");
            spool.hold(held);
            SpoolId poison = put(spool, 1_100, "p@poison.example");
            SpoolLease lease = lease(spool, "poison.example", START).get(0);
            spool.settle(lease, deferred(lease, START, START.plusSeconds(5)));
            String first = disk.segments().get(0);
            for (int i = 0; i < 20; i++) {
                put(spool, 120_000, "x@go.example");
            }
            relayAll(spool, "go.example");
            soon("").until(() -> !disk.segments().contains(first));
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactlyInAnyOrder(held, poison);
        }
        try (FileSpool spool = SimulatedDisk.spool(disk, 2).open()) {
            Map<SpoolId, QueuedMessage> all = byId(scan(spool));
            assertThat(all.values()).filteredOn(QueuedMessage::held).hasSize(1);
            assertThat(all.values())
                    .flatExtracting(QueuedMessage::lanes)
                    .extracting("attempts")
                    .contains(0, 1);
        }
    }

    @Test
    void compactionKeepsToItsBudget() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.fault(noCompaction());
        FileSpoolBuilder settings =
                SimulatedDisk.spool(disk, 1).segmentBytes(1 << 20).slackSegments(8);
        List<String> old;
        try (FileSpool spool = settings.open()) {
            for (int i = 0; i < 6; i++) {
                put(spool, 1_000, "k@kept.example");
                for (int k = 0; k < 7; k++) {
                    put(spool, 130_000, "x@go.example");
                }
            }
            relayAll(spool, "go.example");
            old = disk.segments();
        }
        long budget = 2L << 20;
        settings.compactionBytesPerSecond(budget);
        disk.noFault();
        long began = System.nanoTime();
        try (FileSpool spool = settings.open()) {
            soon("").until(() -> disk.segments().stream().noneMatch(old::contains));
            assertThat(scan(spool)).hasSize(6);
        }
        long least = 6 * 7 * 130_000L - budget; // all was read, and a second's worth was free
        assertThat(System.nanoTime() - began).isGreaterThan(TimeUnit.SECONDS.toNanos(least) / budget);
    }

    /** To ask for the room costs a look at the file system: too much for each record of those that are read. */
    @Test
    void compactionDoesNotAskForTheRoomWithEachRecord() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.fault(noCompaction());
        FileSpoolBuilder settings =
                SimulatedDisk.spool(disk, 1).segmentBytes(1 << 20).slackSegments(8);
        List<String> old;
        try (FileSpool spool = settings.open()) {
            for (int i = 0; i < 2_000; i++) {
                put(spool, 1_000, i % 500 == 0 ? "k@kept.example" : "x@go.example");
                relayAll(spool, "go.example");
            }
            old = disk.segments();
        }
        AtomicInteger asked = new AtomicInteger();
        settings.compactionBytesPerSecond(1 << 20).io(new PassThroughIo(disk) {
            @Override
            public long freeBytes(Path directory) throws IOException {
                if (isCompactor()) {
                    asked.incrementAndGet();
                }
                return super.freeBytes(directory);
            }
        });
        disk.noFault();
        try (FileSpool spool = settings.open()) {
            soon("").until(() -> disk.segments().stream().noneMatch(old::contains));
            assertThat(scan(spool)).hasSize(4);
        }
        assertThat(asked.get()).isLessThan(50);
    }

    @Test
    void openStreamsAndLeasesGoOnWhileTheirSegmentsGo() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (FileSpool spool =
                SimulatedDisk.spool(disk, 1).segmentBytes(2 << 20).open()) {
            SpoolId large = put(spool, 600_000, "l@large.example");
            SpoolLease lease = lease(spool, "large.example", START).get(0);
            List<String> old = disk.segments();
            try (InputStream in = spool.read(large)) {
                byte[] start = in.readNBytes(100_000);
                for (int i = 0; i < 36; i++) {
                    put(spool, 120_000, "x@go.example");
                }
                relayAll(spool, "go.example");
                soon("").until(() -> disk.segments().stream().noneMatch(old::contains));
                churn(spool, 40);
                byte[] rest = in.readAllBytes();
                assertThat(start).isEqualTo(Arrays.copyOf(octets(600_000, 600_000), 100_000));
                assertThat(rest).isEqualTo(Arrays.copyOfRange(octets(600_000, 600_000), 100_000, 600_000));
            }
            assertThat(lease(spool, "large.example", START)).isEmpty();
            spool.settle(lease, deferred(lease, START, START.plusSeconds(60)));
            assertThat(lease(spool, "large.example", START.plusSeconds(60))).hasSize(1);
        }
    }

    @Test
    void copyLeftBehindNeverComesBack() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        SpoolId moved;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            moved = put(spool, 1_000, "m@moved.example");
            SpoolId damaged = put(spool, 2_000, "d@damaged.example");
            String first = disk.segments().get(0);
            byte[] bytes = disk.bytes(first);
            bytes[hosts(disk, damaged, RecordType.MESSAGE).get(first) + 1_000] ^= 1; // keeps the segment
            disk.put(first, bytes);
            churn(spool, 2);
            soon("").until(() -> hosts(disk, moved, RecordType.MESSAGE).size() == 2);
            String second =
                    List.copyOf(hosts(disk, moved, RecordType.MESSAGE).keySet()).get(1);
            assertThat(spool.delete(moved)).isTrue();
            churn(spool, 3);
            soon("").until(() -> !disk.segments().contains(second));
            churn(spool, 3);
        }
        try (FileSpool spool = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(spool.find(moved)).isEmpty();
        }
    }

    @Test
    void releaseUnderWayIsNotUndoneByAMovedHold() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        disk.fault(noCompaction());
        SpoolId held;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            held = put(spool, 1_000, "h@held.example");
            spool.hold(held);
            churn(spool, 1);
        }
        disk.noFault();
        CountDownLatch compactorMayRead = new CountDownLatch(1);
        CountDownLatch committerMayForce = new CountDownLatch(1);
        CountDownLatch committerForces = new CountDownLatch(1);
        AtomicReference<Thread> compactor = new AtomicReference<>();
        AtomicBoolean blocking = new AtomicBoolean();
        disk.faultOutside((call, file, bytes) -> {
            if (isCompactor()) {
                compactor.set(Thread.currentThread());
                pass(compactorMayRead);
            } else if (call == Call.FORCE && blocking.get()) {
                committerForces.countDown();
                pass(committerMayForce);
            }
            return bytes;
        });
        try (FileSpool spool = SimulatedDisk.spool(disk, 2).open()) {
            soon("").until(() -> compactor.get() != null); // before that it may need the committer
            blocking.set(true);
            try (SpoolWriter writer = spool.begin(Envelopes.to("x@other.example"), START)) {
                CompletionStage<SpoolId> commit = writer.commit();
                pass(committerForces);
                Thread releasing = new Thread(() -> {
                    try {
                        spool.release(held);
                    } catch (SpoolException e) {
                        throw new AssertionError(e);
                    }
                });
                releasing.start();
                soon("").until(() -> releasing.getState() == Thread.State.WAITING);
                compactorMayRead.countDown();
                soon("").until(() -> compactor.get().getState() == Thread.State.WAITING);
                blocking.set(false);
                committerMayForce.countDown();
                releasing.join();
                commit.toCompletableFuture().get(10, TimeUnit.SECONDS);
            }
            soon("").until(() -> !disk.segments().contains("segment-0000000001"));
            assertThat(spool.find(held).orElseThrow().held()).isFalse();
        }
        try (FileSpool spool = SimulatedDisk.spool(disk, 3).open()) {
            assertThat(spool.find(held).orElseThrow().held()).isFalse();
        }
    }

    private static void pass(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void segmentsDoNotGoBeforeTheOutcomesThatMadeThemNeedlessAreOnDisk() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        CountDownLatch committerMayForce = new CountDownLatch(1);
        AtomicBoolean blocking = new AtomicBoolean();
        AtomicBoolean early = new AtomicBoolean();
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            put(spool, 50_000, "x@go.example");
            put(spool, 50_000, "x@stays.example");
            disk.faultOutside((call, file, bytes) -> {
                if (isCompactor()) {
                    early.compareAndSet(false, blocking.get() && (call == Call.DELETE || call == Call.RENAME));
                } else if (call == Call.FORCE && blocking.get()) {
                    pass(committerMayForce);
                }
                return bytes;
            });
            List<Thread> threads = new ArrayList<>(Thread.getAllStackTraces().keySet());
            Thread thread = threads.stream()
                    .filter(one -> one.getName().equals("backupmx-compact"))
                    .findFirst()
                    .orElseThrow();
            blocking.set(true);
            relayAll(spool, "go.example");
            soon("").until(() -> early.get() || thread.getState() == Thread.State.WAITING);
            assertThat(early).isFalse();
            blocking.set(false);
            committerMayForce.countDown();
            soon("").until(() -> !disk.segments().contains("segment-0000000001"));
        }
    }

    @Test
    void forceOfTheDirectoryThatFailsIsTriedAgain() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        AtomicInteger failures = new AtomicInteger(2);
        disk.fault((call, file, bytes) -> {
            if (call == Call.FORCE_DIRECTORY && isCompactor() && failures.getAndDecrement() > 0) {
                throw new IOException("Input/output error");
            }
            return bytes;
        });
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            churn(spool, 4);
            soon("").until(() -> {
                churn(spool, 1);
                return failures.get() < 0 && disk.segments().size() <= 3;
            });
        }
    }
}
