package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the spool prepares while nothing comes. */
class QuietTimeTest {

    private static final long DISK_BYTES = 64 << 20;
    private static final int SEGMENT_BYTES = FileSpoolBuilder.MIN_SEGMENT_BYTES;
    private static final String BEGUN = "spare.new";

    private final SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
    private final Turns turns = new Turns();
    private int lives;

    private FileSpoolBuilder settings() {
        return SimulatedDisk.spool(disk, ++lives).segmentBytes(SEGMENT_BYTES);
    }

    private static SpoolId put(FileSpool spool, int bytes) throws SpoolException {
        return store(spool, Envelopes.to("x@a.example"), START, octets(bytes, bytes));
    }

    private List<String> spares() {
        return disk.files().stream().filter(name -> name.startsWith("spare-")).toList();
    }

    private void prepareAll() {
        for (int i = 0; i < 10; i++) {
            turns.prepare();
        }
    }

    private long checkpoints() {
        return disk.files().stream()
                .filter(name -> name.startsWith("checkpoint-"))
                .count();
    }

    private void putUntilThereAre(FileSpool spool, int segments) throws SpoolException {
        while (disk.segments().size() < segments) {
            put(spool, 100_000);
        }
    }

    private long written() {
        return disk.files().stream().mapToLong(disk::size).sum();
    }

    /** A checkpoint takes a core and the disk for most of a second: commits come first, and a start reads a little more. */
    @Test
    void checkpointsWaitForAQuietSecondUnlessFourDo() throws Exception {
        try (FileSpool spool = turns.taken(settings().spareSegments(0)).open()) {
            putUntilThereAre(spool, 4);
            turns.compact();
            assertThat(checkpoints()).as("three segments want one").isZero();

            turns.prepare();
            turns.compact();
            assertThat(checkpoints()).as("in a quiet second").isEqualTo(3);

            putUntilThereAre(spool, 9);
            turns.compact();
            assertThat(checkpoints()).as("of five more, three may wait").isEqualTo(5);
        }
        assertThat(checkpoints()).as("after a close").isEqualTo(9);
    }

    @Test
    void commitsGoWhereZerosAre() throws Exception {
        List<SpoolId> stored = new ArrayList<>();
        try (FileSpool spool = turns.taken(settings()).open()) {
            prepareAll();
            String first = disk.segments().get(0);
            assertThat(disk.size(first)).isEqualTo(SEGMENT_BYTES);
            assertThat(spares())
                    .hasSize(2)
                    .allSatisfy(name -> assertThat(disk.size(name)).isEqualTo(SEGMENT_BYTES));
            assertThat(disk.files()).doesNotContain(BEGUN);
            long prepared = written();
            disk.fault((call, file, bytes) -> {
                throw new AssertionError(call + " " + file + ": all is ready");
            });
            turns.prepare();
            disk.noFault();

            for (int i = 0; i < 45; i++) {
                stored.add(put(spool, 4000 + i));
            }

            assertThat(disk.segments()).hasSize(3);
            assertThat(spares()).isEmpty();
            assertThat(written()).as("no file has grown").isEqualTo(prepared);
        }
        disk.losePower();
        try (FileSpool again =
                SimulatedDisk.spool(disk.afterCrash(new Random(1)), 2).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactlyElementsOf(stored);
            assertThat(read(again, stored.get(44))).isEqualTo(octets(4044, 4044));
        }
    }

    @Test
    void sparesStayForTheNextOpening() throws Exception {
        try (FileSpool spool = turns.taken(settings().spareSegments(3)).open()) {
            prepareAll();
            assertThat(spares()).hasSize(3);
            assertThat(scan(spool)).isEmpty();
        }
        try (FileSpool again = turns.taken(settings().spareSegments(3)).open()) {
            assertThat(spares()).as("one is the segment of now").hasSize(2);
            assertThat(disk.size(disk.segments().get(1))).isEqualTo(SEGMENT_BYTES);
            prepareAll();
            assertThat(spares()).hasSize(3).doesNotHaveDuplicates();
            assertThat(scan(again)).isEmpty();
        }
    }

    @Test
    void whatIsKeptReadyIsDescribed() throws Exception {
        int segmentBytes = 5 << 19;
        try (FileSpool spool =
                turns.taken(settings().segmentBytes(segmentBytes)).open()) {
            for (int piece = 0; piece < 3 + 3 + 2; piece++) {
                turns.prepare();
            }
            SpoolDescription seen = SpoolInspector.inspect(Path.of("spool"), disk, disk.encryption(), true)
                    .description();
            assertThat(seen.spareBytes()).as("one, and two pieces").isEqualTo(segmentBytes + (2 << 20));
            assertThat(seen.fileBytes()).isEqualTo(segmentBytes);
            assertThat(scan(spool)).isEmpty();
        }
    }

    @Test
    void sparesOfZerosServeEncryptedMail() throws Exception {
        try (FileSpool spool = turns.taken(settings()).open()) {
            prepareAll();
            assertThat(scan(spool)).isEmpty();
        }
        disk.encrypted(TestKeys.of("a"));
        try (FileSpool encrypted = turns.taken(settings()).open()) {
            assertThat(spares()).as("one is the segment of now").hasSize(1);
            SpoolId stored = put(encrypted, 50_000);
            put(encrypted, 50_001);
            assertThat(spares()).isEmpty();
            assertThat(read(encrypted, stored)).isEqualTo(octets(50_000, 50_000));
        }
    }

    @Test
    void aSpareIsMadeInPieces() throws Exception {
        int segmentBytes = 5 << 19;
        try (FileSpool spool = turns.taken(settings().segmentBytes(segmentBytes).spareSegments(1))
                .open()) {
            for (int piece = 1; piece <= 3; piece++) {
                turns.prepare();
                assertThat(disk.size(disk.segments().get(0)))
                        .isLessThanOrEqualTo(Math.min(segmentBytes, (piece << 20) + (1 << 19)));
            }
            turns.prepare();
            assertThat(disk.size(BEGUN)).isEqualTo(1 << 20);
            assertThat(spool.health().isAccepting()).isTrue();
        }
        try (FileSpool again = turns.taken(settings().segmentBytes(segmentBytes).spareSegments(1))
                .open()) {
            for (int i = 0; i < 3; i++) {
                turns.prepare();
            }
            turns.prepare();
            assertThat(disk.size(BEGUN)).as("goes on where it was").isEqualTo(2 << 20);
            turns.prepare();
            assertThat(spares())
                    .singleElement()
                    .satisfies(name -> assertThat(disk.size(name)).isEqualTo(segmentBytes));
            assertThat(scan(again)).isEmpty();
        }
    }

    @Test
    void deadSegmentsComeFirst() throws Exception {
        try (FileSpool spool =
                turns.taken(settings().segmentBytes(5 << 19).spareSegments(1)).open()) {
            for (int i = 0; i < 4; i++) {
                turns.prepare();
            }
            assertThat(disk.files()).contains(BEGUN);
            for (int i = 0; i < 2; i++) {
                assertThat(spool.delete(put(spool, 2 << 20))).isTrue();
            }
            put(spool, 100);
            turns.compact();
            assertThat(spares()).singleElement().asString().startsWith("spare-0");

            prepareAll();

            assertThat(disk.files()).doesNotContain(BEGUN);
            assertThat(spares()).hasSize(1);
        }
    }

    @Test
    void nothingIsPreparedWithoutSparesOrForMeasurements() throws Exception {
        for (FileSpoolBuilder settings :
                List.of(settings().spareSegments(0), settings().syncMode(SyncMode.NONE))) {
            try (FileSpool spool = turns.taken(settings).open()) {
                List<String> files = disk.files();
                long before = written();
                prepareAll();
                assertThat(disk.files()).isEqualTo(files);
                assertThat(written()).isEqualTo(before);
                assertThat(spool.health().isAccepting()).isTrue();
            }
        }
    }

    @Test
    void sparesThatAreNotKeptAnyMoreGo() throws Exception {
        int segmentBytes = 5 << 19;
        try (FileSpool spool =
                turns.taken(settings().segmentBytes(segmentBytes)).open()) {
            for (int piece = 0; piece < 3 + 3 + 1; piece++) {
                turns.prepare();
            }
            assertThat(spool.health().isAccepting()).isTrue();
        }
        assertThat(disk.files()).contains(BEGUN);
        assertThat(spares()).hasSize(1);
        try (FileSpool spool = turns.taken(settings().spareSegments(0)).open()) {
            assertThat(disk.files()).doesNotContain(BEGUN);
            assertThat(spares()).isEmpty();
            put(spool, 100);
        }
    }

    /** It says nothing of the segment. */
    @Test
    void whoCannotAskForRoomTakesNone() throws Exception {
        try (FileSpool spool = turns.taken(settings()).open()) {
            List<String> files = disk.files();
            long before = written();
            disk.fault((call, file, bytes) -> {
                if (call == Call.SPACE) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            turns.prepare();
            assertThat(disk.files()).isEqualTo(files);
            assertThat(written()).isEqualTo(before);
            disk.noFault();
            assertThat(spool.health().isAccepting()).isTrue();
        }
    }

    @Test
    void roomForMailIsNotTaken() throws Exception {
        try (FileSpool spool = turns.taken(settings().minimumFreeBytes(DISK_BYTES - (16 * SEGMENT_BYTES)))
                .open()) {
            long before = written();
            prepareAll();
            assertThat(written()).isEqualTo(before);
            assertThat(spool.health().isAccepting()).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Call.class,
            names = {"OPEN", "WRITE", "FORCE", "RENAME"})
    void aSpareThatCannotBeMadeIsNotTriedForEver(Call failing) throws Exception {
        AtomicInteger tries = new AtomicInteger();
        try (FileSpool spool = turns.taken(settings()).open()) {
            turns.prepare();
            disk.fault((call, file, bytes) -> {
                if (call == failing && file.startsWith("spare")) {
                    tries.incrementAndGet();
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            prepareAll();
            assertThat(tries).hasValue(1);
            disk.noFault();
            SpoolId stored = put(spool, 100);
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(stored);
        }
        try (FileSpool again = turns.taken(settings()).open()) {
            prepareAll();
            assertThat(spares()).as("tried again").isNotEmpty();
            assertThat(scan(again)).hasSize(1);
        }
    }

    /** Nobody knows what such a force left, of records that were on their way to the disk before, either. */
    @Test
    void aForceThatFailsThereIsFinalForTheSegment() throws Exception {
        try (FileSpool spool = turns.taken(settings()).open()) {
            SpoolId before = put(spool, 100);
            int segments = disk.segments().size();
            String failing = disk.segments().get(segments - 1);
            disk.fault((call, file, bytes) -> {
                if (call == Call.FORCE && file.equals(failing)) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            turns.prepare();
            assertThat(disk.segments()).hasSize(segments + 1);
            SpoolId after = put(spool, 200);
            assertThat(spool.health().isAccepting()).isTrue();
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(before, after);
        }
    }

    @Test
    void aFullDiskIsNoFault() throws Exception {
        try (FileSpool spool = turns.taken(settings()).open()) {
            int segments = disk.segments().size();
            disk.fault((call, file, bytes) -> {
                if (call == Call.WRITE) {
                    throw new FileIo.NoSpaceException("No space left on device", null);
                }
                return bytes;
            });
            prepareAll();
            assertThat(disk.segments()).hasSize(segments);
            assertThat(spares()).isEmpty();
            disk.noFault();
            put(spool, 100);
        }
    }

    /** The thread of the spool itself; its clock stands still between our moves. */
    @Test
    void theFirstSecondIsNotQuietYet() throws Exception {
        AtomicLong clock = new AtomicLong(1);
        AtomicInteger looks = new AtomicInteger();
        disk.fault((call, file, bytes) -> {
            if (call == Call.SPACE && Thread.currentThread().getName().equals("backupmx-commit")) {
                looks.incrementAndGet(); // compaction looks, too
            }
            return bytes;
        });
        try (FileSpool spool = settings().nanoTime(clock::get).open()) {
            put(spool, 100);
            String segment = disk.segments().get(0);
            int before = disk.size(segment);
            int looked = looks.get();
            clock.addAndGet(Duration.ofMillis(999).toNanos());
            await().until(() -> disk.size(segment) > before);
            assertThat(disk.size(segment)).as("a mark only").isEqualTo(before + RecordFormat.HEADER_BYTES);
            assertThat(looks).as("no room asked for").hasValue(looked);

            clock.addAndGet(Duration.ofMillis(101).toNanos());

            await().until(() -> disk.size(segment) == SEGMENT_BYTES);
            clock.addAndGet(Duration.ofMillis(100).toNanos());
            await().until(() -> spares().size() == 1);
        }
    }

    @Test
    void numberOfSparesIsChecked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings().spareSegments(65))
                .withMessage("spareSegments: 65 (expected: 0 to 64)");
        assertThatIllegalArgumentException().isThrownBy(() -> settings().spareSegments(-1));
    }
}
