package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the spool does when pages of the disk cannot be read: one message stands aside at most, nothing is forgotten. */
class ReadFaultTest {

    private static final String FIRST = SegmentFiles.name(1);

    private final SimulatedDisk disk = new SimulatedDisk(64 << 20);
    private final Turns turns = new Turns();

    private FileSpool open(long seed) throws SpoolException {
        return turns.taken(SimulatedDisk.spool(disk, seed)).open();
    }

    private static SpoolId put(FileSpool spool, int bytes) throws SpoolException {
        return store(spool, Envelopes.to("x@a.example"), START, octets(bytes, bytes));
    }

    private static List<String> damaged(FileSpool spool) throws SpoolException {
        List<String> reasons = new ArrayList<>();
        spool.scan(entry -> {
            if (entry instanceof SpoolEntry.Damaged one) {
                reasons.add(one.reason());
            }
        });
        return reasons;
    }

    private static List<SpoolId> intact(FileSpool spool) throws SpoolException {
        List<SpoolId> ids = new ArrayList<>();
        spool.scan(entry -> {
            if (entry instanceof SpoolEntry.Intact one) {
                ids.add(one.message().id());
            }
        });
        return ids;
    }

    private void removeCheckpoints() throws IOException {
        for (String file : disk.files()) {
            if (file.startsWith("checkpoint-")) {
                disk.delete(Path.of(file));
            }
        }
    }

    private int page(SpoolId id) {
        byte[] bytes = disk.bytes(FIRST);
        for (int at = RecordFormat.SEGMENT_HEADER_BYTES; at < bytes.length; at += 4) {
            RecordHeader header = RecordFormat.header(bytes, at);
            if (header != null && header.id() == Ids.number(id)) {
                return at / FileContent.PAGE;
            }
        }
        throw new AssertionError("no record of " + id);
    }

    /** Stores messages of which the second begins where a page does, and whose first ends just before. */
    private List<SpoolId> messagesOnPagesOfTheirOwn(FileSpool spool) throws SpoolException {
        List<SpoolId> ids = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            ids.add(put(spool, 3_000 + i));
            ids.add(put(spool, 300 + i));
        }
        return ids;
    }

    @Test
    void messageIsReadAlthoughThePageBehindItCannotBe() throws Exception {
        try (FileSpool spool = open(1)) {
            put(spool, 3_000);
            SpoolId good = put(spool, 200);
            SpoolId bad = put(spool, 6_000);
            put(spool, 5_000);
            assertThat(page(good)).isZero();
            disk.spoil(FIRST, 1);

            assertThat(lease(spool, "a.example", START))
                    .extracting(SpoolLease::id)
                    .contains(good);
            assertThat(read(spool, good)).isEqualTo(octets(200, 200));
            assertThatThrownBy(() -> read(spool, bad)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void openingLosesNoMessageOfAnotherPage() throws Exception {
        List<SpoolId> ids;
        try (FileSpool spool = open(1)) {
            ids = messagesOnPagesOfTheirOwn(spool);
            put(spool, 9_000);
        }
        List<SpoolId> first = ids.stream().filter(id -> page(id) == 0).toList();
        assertThat(first).hasSizeGreaterThan(1);
        disk.spoil(FIRST, 1);
        SpoolId over = first.get(first.size() - 1); // reaches into the next page
        try (FileSpool spool = open(2)) {
            assertThat(intact(spool)).containsAll(first.subList(0, first.size() - 1));
            assertThat(damaged(spool)).isNotEmpty().allMatch(reason -> reason.contains("Input/output error"));
            disk.heal();
        }
        try (FileSpool spool = open(3)) {
            assertThat(intact(spool)).contains(over).hasSize(7);
            assertThat(damaged(spool)).isEmpty();
        }
    }

    @Test
    void openingThatCannotReadWhereTheLastSegmentEndsIsRefused() throws Exception {
        List<SpoolId> ids = new ArrayList<>();
        try (FileSpool spool = open(1)) {
            for (int i = 0; i < 8; i++) {
                ids.add(put(spool, 2_000 + i));
            }
        }
        removeCheckpoints();
        byte[] before = disk.bytes(FIRST);
        disk.spoil(FIRST, before.length / FileContent.PAGE);

        assertThatThrownBy(() -> open(2))
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining(FIRST)
                .hasMessageContaining("Input/output error");

        assertThat(disk.bytes(FIRST)).isEqualTo(before);
        disk.heal();
        try (FileSpool spool = open(3)) {
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactlyElementsOf(ids);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void openingThatCannotReadASegmentsHeaderIsRefused(boolean encrypted) throws Exception {
        if (encrypted) {
            disk.encrypted(TestKeys.of("a"));
        }
        List<SpoolId> ids = new ArrayList<>();
        try (FileSpool spool = open(1)) {
            for (int i = 0; i < 5; i++) {
                ids.add(put(spool, 40_000 + i));
            }
        }
        removeCheckpoints();
        String second = disk.segments().get(1);
        disk.spoil(second, 0);
        if (encrypted) {
            disk.spoil(second, RecordFormat.COPY_AT / FileContent.PAGE);
        }

        assertThatThrownBy(() -> open(2))
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining(second)
                .hasMessageContaining("Input/output error");

        disk.heal();
        try (FileSpool spool = open(3)) {
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactlyElementsOf(ids);
        }
    }

    @Test
    void secondHeaderOfAnEncryptedSegmentDoesWhereTheFirstCannotBeRead() throws Exception {
        disk.encrypted(TestKeys.of("a"));
        SpoolId id;
        try (FileSpool spool = open(1)) {
            id = put(spool, 40_000);
            put(spool, 40_001);
        }
        disk.spoil(FIRST, 0);
        try (FileSpool spool = open(2)) {
            assertThat(intact(spool)).contains(id);
        }
    }

    /** The chunks of a long message stand in segments of which nothing else is needed. */
    @Test
    void whatBelongsToAMessageThatCannotBeReadStaysWhereItIs() throws Exception {
        SpoolId id;
        try (FileSpool spool = open(1)) {
            id = put(spool, 300_000);
            put(spool, 20_000);
            put(spool, 60_000);
        }
        String host = disk.segments().stream()
                .filter(name -> hasLong(disk.bytes(name)))
                .findFirst()
                .orElseThrow();
        removeCheckpoints();
        disk.spoil(host, longAt(disk.bytes(host)) / FileContent.PAGE);
        try (FileSpool spool = open(2)) {
            assertThat(intact(spool)).doesNotContain(id);
            assertThat(damaged(spool)).isNotEmpty();
            turns.compact();
        }
        disk.heal();
        try (FileSpool spool = open(3)) {
            assertThat(read(spool, id)).isEqualTo(octets(300_000, 300_000));
        }
    }

    private static boolean hasLong(byte[] bytes) {
        return longAt(bytes) >= 0;
    }

    private static int longAt(byte[] bytes) {
        for (int at = RecordFormat.SEGMENT_HEADER_BYTES; at + RecordFormat.HEADER_BYTES <= bytes.length; at += 4) {
            RecordHeader header = RecordFormat.header(bytes, at);
            if (header != null && header.type() == RecordType.LONG) {
                return at;
            }
        }
        return -1;
    }

    private static int endOfMark(byte[] bytes) {
        for (int at = RecordFormat.SEGMENT_HEADER_BYTES; at + RecordFormat.HEADER_BYTES <= bytes.length; at += 4) {
            RecordHeader header = RecordFormat.header(bytes, at);
            if (header != null && header.type() == RecordType.MARK) {
                return at + (int) header.length();
            }
        }
        throw new AssertionError("no MARK");
    }

    /** Returns the size of a message behind which the MARK ends where a page does. */
    private static int sizeThatFillsPages() throws SpoolException {
        SimulatedDisk scratch = new SimulatedDisk(64 << 20);
        Turns turns = new Turns();
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(scratch, 1)).open()) {
            put(spool, 40_000);
            assertThat(turns.mark()).isCompleted();
            turns.rest();
            int end = endOfMark(scratch.bytes(FIRST));
            return 40_000 + FileContent.PAGE - end % FileContent.PAGE;
        }
    }

    /** Behind the end of a segment that was set aside stands what was refused; only the next one tells of that end. */
    @Test
    void whatWasRefusedDoesNotComeBackWhenItCouldNotBeReadForAWhile() throws Exception {
        int size = sizeThatFillsPages();
        SpoolId before;
        int end;
        try (FileSpool spool = open(1)) {
            before = put(spool, size);
            assertThat(turns.mark()).isCompleted();
            turns.rest();
            end = endOfMark(disk.bytes(FIRST));
            assertThat(end % FileContent.PAGE).isZero();
            AtomicBoolean failed = new AtomicBoolean();
            disk.fault((call, file, bytes) -> {
                if (call == Call.FORCE && failed.compareAndSet(false, true)) {
                    disk.forceAll();
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            assertThatThrownBy(() -> put(spool, 9_000)).isInstanceOf(SpoolUnavailableException.class);
        }
        for (int page = end / FileContent.PAGE; page * FileContent.PAGE < disk.bytes(FIRST).length; page++) {
            disk.spoil(FIRST, page);
        }
        try (FileSpool spool = open(2)) {
            for (int i = 0; i < 6; i++) {
                assertThat(spool.delete(put(spool, 30_000))).isTrue();
            }
            turns.compact();
        }
        disk.heal();
        try (FileSpool spool = open(3)) {
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(before);
        }
    }
}
