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
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What encryption hides, which keys it takes, and what goes with the keys. */
class EncryptionTest {

    private static final long DISK_BYTES = 64 << 20;
    private static final String MARKER = "xmarkerx";
    private static final int LENGTHS_AT = 28;

    private final SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);

    private FileSpool open(String current, String... others) throws SpoolException {
        return SimulatedDisk.spool(disk.encrypted(TestKeys.of(current, others)), 1)
                .open();
    }

    private SpoolDescription describe(String current, String... others) throws SpoolException {
        return SpoolInspector.inspect(
                        Path.of("spool"),
                        disk,
                        disk.encrypted(TestKeys.of(current, others)).encryption(),
                        true)
                .description();
    }

    private static void relayAll(FileSpool spool, String domain, Instant now) throws SpoolException {
        for (SpoolLease lease : lease(spool, domain, now)) {
            spool.settle(lease, relayed(lease, now));
        }
    }

    // what is hidden

    private static Envelope marked() {
        return Envelope.from(ReversePath.parse(MARKER + "-from@" + MARKER + "-client.example"))
                .dsn(DsnParameters.none().withEnvid(MARKER))
                .to(Recipient.of(ForwardPath.parse(MARKER + "-to@" + MARKER + ".example"))
                        .withOrcpt("rfc822;" + MARKER + "@a.example"))
                .to(Recipient.of(ForwardPath.parse("other@b.example")))
                .build();
    }

    private static byte[] markedData(int length) {
        byte[] data = new byte[length];
        byte[] marker = (MARKER + "-data\r\n").getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < length; i++) {
            data[i] = marker[i % marker.length];
        }
        return data;
    }

    /** Some of everything, and so much of it that segments die, become spares and are compacted. */
    private void liveThrough(SimulatedDisk where) throws Exception {
        try (FileSpool spool = SimulatedDisk.spool(where, 1).open()) {
            SpoolId kept = store(spool, marked(), START, markedData(500));
            store(spool, marked(), START, markedData(300_000));
            SmtpReply reply = SmtpReply.of(451, "4.3.2", MARKER + "-reply");
            for (SpoolLease lease : lease(spool, MARKER + ".example", START)) {
                spool.settle(
                        lease,
                        Settlement.attempted(
                                START, Map.of(0, new RecipientState.Deferred(reply, START)), START.plusSeconds(9)));
            }
            spool.reschedule(kept, START.plusSeconds(60));
            spool.hold(kept);
            for (int i = 0; i < 8; i++) {
                store(spool, Envelopes.to(MARKER + "@go.example"), START, markedData(70_000));
            }
            relayAll(spool, "go.example", START);
            store(spool, Envelopes.to("x@stay.example"), START, markedData(60_000));
            await().until(() -> where.files().stream().anyMatch(name -> name.startsWith("spare-")));
        }
    }

    private static Set<String> filesWithMarker(SimulatedDisk where) {
        Set<String> found = new HashSet<>();
        for (String name : where.files()) {
            if (new String(where.bytes(name), StandardCharsets.ISO_8859_1).contains(MARKER) || name.contains(MARKER)) {
                found.add(name);
            }
        }
        return found;
    }

    @Test
    void markerIsNowhereOnDisk() throws Exception {
        SimulatedDisk plain = new SimulatedDisk(DISK_BYTES);
        liveThrough(plain);
        assertThat(filesWithMarker(plain)).as("without encryption").isNotEmpty();

        liveThrough(disk.encrypted(TestKeys.of("a")));

        assertThat(filesWithMarker(disk)).isEmpty();
        assertThat(filesWithMarker(plain)).as("domains").anyMatch(name -> name.startsWith("checkpoint-"));
        assertThat(disk.files()).anyMatch(name -> name.startsWith("checkpoint-"));
        assertThat(disk.files()).anyMatch(name -> name.startsWith("spare-"));
        try (FileSpool again = open("a")) {
            QueuedMessage first = scan(again).get(0);
            assertThat(first.message().envelope()).isEqualTo(marked());
            assertThat(first.toString()).contains(MARKER + "-reply");
            assertThat(read(again, first.id())).isEqualTo(markedData(500));
        }
    }

    @Test
    void twoEqualMessagesLookDifferent() throws Exception {
        try (FileSpool spool = open("a")) {
            store(spool, Envelopes.to("x@a.example"), START, markedData(64));
            store(spool, Envelopes.to("x@a.example"), START, markedData(64));
        }
        byte[] bytes = disk.bytes(disk.segments().get(0));
        List<Integer> places = places(bytes, RecordType.MESSAGE);
        RecordHeader header = RecordFormat.header(bytes, places.get(0));
        int metaAt = RecordFormat.HEADER_BYTES;
        int dataAt = metaAt + header.metaBytes();

        for (int at : List.of(metaAt, dataAt)) { // without the tags: those are of the identity, too
            assertThat(sixteen(bytes, places.get(0) + at)).isNotEqualTo(sixteen(bytes, places.get(1) + at));
        }
    }

    private static byte[] sixteen(byte[] bytes, int at) {
        return Arrays.copyOfRange(bytes, at, at + 16);
    }

    // keys

    @Test
    void newSegmentsUseTheCurrentKeyAndOldOnesStayReadable() throws Exception {
        SpoolId old;
        try (FileSpool spool = open("a")) {
            old = store(spool, Envelopes.to("x@old.example"), START, octets(100, 1));
        }
        SpoolId fresh;
        try (FileSpool spool = open("b", "a")) {
            fresh = store(spool, Envelopes.to("x@new.example"), START, octets(100, 2));
            assertThat(read(spool, old)).isEqualTo(octets(100, 1));
        }
        assertThat(describe("b", "a").encryptedSegments()).isEqualTo(Map.of("a", 1L, "b", 1L));
        assertThatThrownBy(() -> open("b"))
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("segment-0000000001: encrypted under key a, which is not among the keys")
                .hasMessageContaining("put it back");
        try (FileSpool spool = open("c", "b", "a")) {
            relayAll(spool, "old.example", START);
            assertThat(read(spool, fresh)).isEqualTo(octets(100, 2));
            await().until(() -> !disk.segments().contains("segment-0000000001"));
        }
        assertThat(describe("c", "b").encryptedSegments()).containsOnlyKeys("b", "c");
        try (FileSpool spool = open("c", "b")) {
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(fresh);
        }
    }

    @Test
    void otherKeyOfTheSameIdIsRefused() throws Exception {
        try (FileSpool spool = open("a")) {
            store(spool, Envelopes.to("x@a.example"), START, octets(100, 1));
        }
        disk.encrypted(new TestKeys("a", Map.of("a", TestKeys.key(99))));

        assertThatThrownBy(() -> SimulatedDisk.spool(disk, 2).open())
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("under key a, and the key of that id does not open it")
                .hasMessageContaining("put the right key back");
    }

    @Test
    void encryptedSpoolWithoutKeysIsRefusedAndNotTouched() throws Exception {
        try (FileSpool spool = open("a")) {
            store(spool, Envelopes.to("x@a.example"), START, octets(100, 1));
        }
        disk.encrypted(null);
        int steps = disk.steps();

        assertThatThrownBy(() -> SimulatedDisk.spool(disk, 2).open())
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("encrypted under key a, and no keys are given")
                .hasMessageContaining("encryptionKeys");
        assertThatThrownBy(() -> SpoolInspector.inspect(Path.of("spool"), disk))
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("no keys are given");
        assertThat(disk.steps()).isEqualTo(steps);
    }

    @Test
    void spoolThatWasNotEncryptedGoesOnEncrypted() throws Exception {
        liveThrough(disk);
        List<QueuedMessage> before;
        try (FileSpool spool = SimulatedDisk.spool(disk, 2).open()) {
            before = scan(spool);
        }
        assertThat(disk.files()).anyMatch(name -> name.startsWith("spare-"));
        List<String> old = disk.files();
        try (FileSpool spool = open("a")) {
            assertThat(scan(spool)).containsExactlyElementsOf(before);
            assertThat(disk.files()).as("spares with readable mail").noneMatch(name -> name.startsWith("spare-"));
            store(spool, Envelopes.to(MARKER + "@new.example"), START, markedData(500));
            assertThat(filesWithMarker(disk)).isSubsetOf(old);
            for (QueuedMessage message : before) {
                spool.delete(message.id());
            }
            await().until(() -> disk.segments().stream().noneMatch(old::contains));
            assertThat(disk.files()).as("no old segment is kept").noneMatch(name -> name.startsWith("spare-"));
        }
        assertThat(filesWithMarker(disk)).isEmpty();
    }

    @Test
    void keyOfAnotherLengthOrNameIsRefused() {
        Map<String, SecretKey> shorter = Map.of("a", new SecretKeySpec(new byte[16], "AES"));
        disk.encrypted(new TestKeys("a", shorter));
        assertThatThrownBy(() -> SimulatedDisk.spool(disk, 1).open())
                .hasMessage("key a: 16 octets (expected: 32, for AES-256)");
        assertThatThrownBy(() -> open("a b")).hasMessageContaining("key id: a b (expected: 1 to 64 ASCII letters");
        assertThatThrownBy(() -> open("x".repeat(65))).hasMessageContaining("key id: xxx");
        disk.encrypted(new TestKeys("b", Map.of("a", TestKeys.key(1))));
        assertThatThrownBy(() -> SimulatedDisk.spool(disk, 1).open()).hasMessageContaining("key b: not known");
    }

    /** Keys that can be told to fail, as those of a service that cannot be reached. */
    private static final class FailingKeys implements SpoolKeys {
        volatile boolean fails;

        @Override
        public String currentId() throws IOException {
            if (fails) {
                throw new IOException("no answer");
            }
            return "a";
        }

        @Override
        public Optional<SecretKey> find(String id) {
            return TestKeys.of("a").find(id);
        }
    }

    @Test
    void keysThatCannotBeHadRefuseNewMailUntilTheyCan() throws Exception {
        FailingKeys keys = new FailingKeys();
        disk.encrypted(keys);
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            store(spool, Envelopes.to("x@a.example"), START, octets(40_000, 1));
            keys.fails = true;
            assertThatThrownBy(() -> store(spool, Envelopes.to("x@a.example"), START, octets(40_000, 2)))
                    .isInstanceOf(SpoolUnavailableException.class);
            assertThat(spool.health().isAccepting()).isFalse();
            keys.fails = false;
            await().until(() -> spool.health().isAccepting());
            store(spool, Envelopes.to("x@a.example"), START, octets(40_000, 3));
            assertThat(scan(spool)).hasSize(2);
        }
    }

    // the end of a key

    @Test
    void keyOfADeadSegmentIsOverwritten() throws Exception {
        Map<String, WrappedKey> keys = new HashMap<>();
        disk.faultOutside((call, file, bytes) -> {
            if (call == SimulatedDisk.Call.RENAME && file.startsWith("segment-0")) {
                assertThat(RecordFormat.segmentHeader(disk.bytes(file)).isErased())
                        .isTrue();
            }
            return bytes;
        });
        try (FileSpool spool = open("a")) {
            for (int i = 0; i < 4; i++) {
                store(spool, Envelopes.to("x@go.example"), START, octets(60_000, i));
            }
            for (String name : disk.segments()) {
                keys.put(name, RecordFormat.segmentHeader(disk.bytes(name)).wrappedKey());
            }
            relayAll(spool, "go.example", START);
            await().until(() -> disk.segments().size() < 3);
        }
        List<String> spares =
                disk.files().stream().filter(name -> name.startsWith("spare-")).toList();
        assertThat(spares).isNotEmpty();
        for (String spare : spares) {
            WrappedKey wrapped = keys.get(spare.replace("spare-", "segment-"));
            String bytes = new String(disk.bytes(spare), StandardCharsets.ISO_8859_1);
            assertThat(bytes).doesNotContain(new String(wrapped.sealed(), StandardCharsets.ISO_8859_1));
            assertThat(bytes).doesNotContain(new String(wrapped.nonce(), StandardCharsets.ISO_8859_1));
        }
    }

    @Test
    void segmentWithoutItsKeyIsRemovedAtTheNextOpening() throws Exception {
        disk.encrypted(TestKeys.of("a"));
        SpoolId kept;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            for (int i = 0; i < 3; i++) {
                store(spool, Envelopes.to("x@go.example"), START, octets(60_000, i));
            }
            kept = store(spool, Envelopes.to("x@stay.example"), START, octets(60_000, 9));
            disk.fault((call, file, bytes) -> {
                if (call == SimulatedDisk.Call.RENAME && file.startsWith("segment-0")
                        || call == SimulatedDisk.Call.DELETE) {
                    throw new IOException("Input/output error");
                }
                return bytes;
            });
            relayAll(spool, "go.example", START);
            await().until(() ->
                    RecordFormat.segmentHeader(disk.bytes("segment-0000000001")).isErased());
        }
        disk.noFault();
        assertThat(disk.segments()).contains("segment-0000000001");
        assertThat(Recovered.from(disk).damage()).isEmpty();
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactly(kept);
            await().until(() -> !disk.segments().contains("segment-0000000001"));
        }
    }

    // damage and tampering

    private static List<Integer> places(byte[] bytes, RecordType type) {
        ArrayList<Integer> places = new ArrayList<>();
        int at = RecordFormat.ENCRYPTED_HEADER_BYTES;
        while (at + RecordFormat.HEADER_BYTES <= bytes.length) {
            RecordHeader header = RecordFormat.header(bytes, at);
            assertThat(header).isNotNull();
            if (header.type() == type) {
                places.add(at);
            }
            at += (int) header.length();
        }
        return places;
    }

    /** Three messages, the second of which is {@code hit}. */
    private void threeMessages() throws SpoolException {
        try (FileSpool spool = open("a")) {
            for (int i = 0; i < 3; i++) {
                store(spool, Envelopes.to("x@a.example"), START, octets(200, i));
            }
        }
    }

    /** Makes the CRCs of a record fit what it is now, as somebody who changes it on purpose does. */
    private static void fitCrcs(byte[] bytes, int at, RecordHeader header) {
        int metaAt = at + RecordFormat.HEADER_BYTES;
        RecordFormat.putInt(bytes, at + 36, RecordFormat.crc(bytes, metaAt, header.metaBytes()));
        RecordFormat.putInt(bytes, at + 40, RecordFormat.crc(bytes, metaAt + header.metaBytes(), header.dataBytes()));
        RecordFormat.putInt(bytes, at + 44, RecordFormat.crc(bytes, at, 44));
    }

    @Test
    void everyOctetThatIsChangedOnPurposeIsTold() throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        int at = places(bytes, RecordType.MESSAGE).get(1);
        RecordHeader header = RecordFormat.header(bytes, at);
        Recovered whole = Recovered.from(disk);
        assertThat(whole.messages()).hasSize(3);
        for (int i = 0; i < header.bytes(); i++) {
            boolean crc = i >= RecordFormat.AUTHENTICATED_BYTES && i < RecordFormat.HEADER_BYTES;
            if (crc) {
                continue; // it is made to fit again
            }
            byte[] changed = bytes.clone();
            changed[at + i] ^= 1;
            fitCrcs(changed, at, header);
            disk.put(name, changed);

            Recovered found = Recovered.from(disk);

            Map<Long, String> others = new HashMap<>(whole.mailData());
            others.remove(header.id());
            if (i >= LENGTHS_AT && i < RecordFormat.AUTHENTICATED_BYTES) {
                // a length may hide what follows, as cutting the file does
                assertThat(others).as("octet " + i).containsAllEntriesOf(found.mailData());
                continue;
            }
            assertThat(found.damage()).as("octet " + i).isNotEmpty();
            assertThat(found.mailData()).as("octet " + i).isEqualTo(others);
            if (i >= RecordFormat.HEADER_BYTES) {
                assertThat(found.damagedMessages()).as("octet " + i).containsOnlyKeys(header.id());
                assertThat(found.damage().get(0).reason()).as("octet " + i).contains("does not fit its tag");
            }
        }
    }

    @Test
    void mailDataThatWasChangedOnPurposeIsFoundWhenItIsRead() throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        int at = places(bytes, RecordType.MESSAGE).get(1);
        RecordHeader header = RecordFormat.header(bytes, at);
        bytes[at + RecordFormat.HEADER_BYTES + header.metaBytes() + 7] ^= 1;
        fitCrcs(bytes, at, header);
        disk.put(name, bytes);
        try (FileSpool spool = open("a")) {
            assertThatThrownBy(() -> read(spool, Ids.text(header.id())))
                    .hasMessageContaining("data does not fit its tag");
            for (QueuedMessage message : scan(spool)) {
                if (!message.id().equals(Ids.text(header.id()))) {
                    assertThat(read(spool, message.id())).hasSize(200);
                }
            }
        }
    }

    @Test
    void recordsThatChangePlacesAreTold() throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        List<Integer> places = places(bytes, RecordType.MESSAGE);
        int length = places.get(1) - places.get(0);
        assertThat(places.get(2) - places.get(1)).isEqualTo(length);
        byte[] swapped = bytes.clone();
        System.arraycopy(bytes, places.get(0), swapped, places.get(1), length);
        System.arraycopy(bytes, places.get(1), swapped, places.get(0), length);
        disk.put(name, swapped);

        Recovered found = Recovered.from(disk);

        assertThat(found.damage()).hasSize(2);
        assertThat(found.mailData()).hasSize(1);
    }

    @Test
    void recordThatIsNotEncryptedIsNoneInAnEncryptedSegment() throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        int at = places(bytes, RecordType.MESSAGE).get(1);
        RecordHeader header = RecordFormat.header(bytes, at);
        RecordBuffer forged = DeadItem.record(header.id(), new int[0]);
        RecordFormat.seal(forged.bytes(), header.key(), 0);
        System.arraycopy(forged.bytes(), 0, bytes, at, RecordFormat.padded(forged.length()));
        disk.put(name, bytes);

        Recovered found = Recovered.from(disk);

        assertThat(found.damage().get(0).reason()).contains("not encrypted in an encrypted segment");
        assertThat(found.mailData()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void checkpointThatIsNotUnderTheSegmentsDataKeyIsNotBelieved(boolean encrypted) throws Exception {
        SimulatedDisk other = new SimulatedDisk(DISK_BYTES).encrypted(encrypted ? TestKeys.of("a") : null);
        try (FileSpool spool = SimulatedDisk.spool(other, 1).open()) {
            store(spool, Envelopes.to("x@forged.example"), START, octets(200, 1));
        }
        SpoolId kept;
        try (FileSpool spool = open("a")) {
            kept = store(spool, Envelopes.to("x@queued.example"), START, octets(200, 1));
        }
        String name = Checkpoints.name(1);
        byte[] forged = other.bytes(name);
        assertThat(disk.bytes(name)).isNotEqualTo(forged);
        disk.put(name, forged); // of a segment with the same number, key and length

        try (FileSpool again = open("a")) {
            assertThat(lease(again, "forged.example", START)).isEmpty();
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactly(kept);
        }
        assertThat(disk.bytes(name)).as("written anew").isNotEqualTo(forged);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, RecordFormat.COPY_AT})
    void everyBitOfAHeaderBlockMayTurn(int block) throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        Recovered whole = Recovered.from(disk);
        for (int bit = 0; bit < RecordFormat.BLOCK_BYTES * 8; bit++) {
            byte[] turned = bytes.clone();
            turned[block + bit / 8] ^= (byte) (1 << bit % 8);
            disk.put(name, turned);

            Recovered found = Recovered.from(disk);

            assertThat(found.mailData()).as("bit " + bit).isEqualTo(whole.mailData());
            assertThat(found.damage()).as("bit " + bit).hasSize(1);
            assertThat(found.damage().get(0).reason()).contains("of two segment headers is lost");
        }
    }

    @Test
    void messagesOfASegmentThatLostBothHeadersAreToldOneByOne() throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        bytes[70] ^= 1;
        bytes[RecordFormat.COPY_AT + 70] ^= 1;
        disk.put(name, bytes);

        Recovered found = Recovered.from(disk);

        assertThat(found.mailData()).isEmpty();
        assertThat(found.damagedMessages()).hasSize(3);
        assertThat(found.damagedMessages().values()).allMatch(reason -> reason.contains("key is lost"));
    }

    @Test
    void everyBitOfTheRecordsMayTurn() throws Exception {
        threeMessages();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        Recovered whole = Recovered.from(disk);
        int end = places(bytes, RecordType.MARK).get(0);
        for (int bit = RecordFormat.ENCRYPTED_HEADER_BYTES * 8; bit < end * 8; bit++) {
            byte[] turned = bytes.clone();
            turned[bit / 8] ^= (byte) (1 << bit % 8);
            disk.put(name, turned);

            Recovered found = Recovered.from(disk);

            assertThat(whole.mailData()).as("bit " + bit).containsAllEntriesOf(found.mailData());
            assertThat(found.mailData()).as("bit " + bit).hasSizeGreaterThanOrEqualTo(2);
            assertThat(found.mailData().size() == 3)
                    .as("bit " + bit)
                    .isEqualTo(found.damage().isEmpty());
        }
    }
}
