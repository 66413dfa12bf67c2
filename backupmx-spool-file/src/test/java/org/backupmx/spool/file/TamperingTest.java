package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damage to an encrypted spool, by chance and on purpose. */
class TamperingTest {

    private static final long DISK_BYTES = 64 << 20;
    private static final int LENGTHS_AT = 28;

    private final SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);

    private FileSpool open(String current, String... others) throws SpoolException {
        return SimulatedDisk.spool(disk.encrypted(TestKeys.of(current, others)), 1)
                .open();
    }

    /** Returns where the records of a type are in an encrypted segment. */
    static List<Integer> places(byte[] bytes, RecordType type) {
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
