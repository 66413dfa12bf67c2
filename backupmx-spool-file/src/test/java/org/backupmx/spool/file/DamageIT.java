package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;

/** Every byte cut off and every bit turned: what is elsewhere survives, nothing is invented, damage is told. */
class DamageIT {

    private record Place(int offset, RecordHeader header) {
        int end() {
            return offset + (int) header.length();
        }

        int payloadEnd() {
            return offset + RecordFormat.HEADER_BYTES + header.metaLength() + header.dataLength();
        }
    }

    private static final long SEED = 77;

    /** A closed spool of one segment: messages, one relayed, one deferred in one of two lanes, one held. */
    private static SimulatedDisk smallSpool() throws SpoolException {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            store(spool, Envelopes.to("first@a.example"), START, octets(40, 1));
            store(spool, Envelopes.from("", "second@b.example", "other@c.example"), START, octets(90, 2));
            SpoolId held = store(spool, Envelopes.to("third@d.example"), START, octets(0, 3));
            store(spool, Envelopes.to("gone@e.example"), START, octets(30, 4));
            SpoolLease gone = leaseOne(spool, "e.example", START);
            spool.settle(gone, relayed(gone, START));
            SpoolLease late = leaseOne(spool, "b.example", START);
            spool.settle(late, deferred(late, START, START.plusSeconds(60)));
            spool.hold(held);
            store(spool, Envelopes.to("last@f.example"), START, octets(25, 5));
        }
        return disk;
    }

    private static List<Place> records(byte[] bytes) {
        List<Place> places = new ArrayList<>();
        int at = RecordFormat.SEGMENT_HEADER_BYTES;
        while (at + RecordFormat.HEADER_BYTES <= bytes.length) {
            RecordHeader header = RecordFormat.header(bytes, at);
            assertThat(header).as("record at " + at).isNotNull();
            places.add(new Place(at, header));
            at += (int) header.length();
        }
        return places;
    }

    @Test
    void lastSegmentMayEndAtEveryByte() throws Exception {
        SimulatedDisk disk = smallSpool();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        List<Place> places = records(bytes);
        for (int cut = RecordFormat.SEGMENT_HEADER_BYTES; cut < bytes.length; cut++) {
            int end = cut;
            disk.put(name, Arrays.copyOf(bytes, cut));
            Map<Long, Boolean> expected = new HashMap<>();
            places.stream().filter(place -> place.payloadEnd() <= end).forEach(place -> {
                if (place.header().type() == RecordType.MESSAGE) {
                    expected.put(place.header().id(), true);
                } else if (place.header().type() == RecordType.DEAD) {
                    expected.remove(place.header().id());
                }
            });

            Recovered found = Recovered.from(disk);

            assertThat(found.messages().keySet()).as("cut at " + cut).isEqualTo(expected.keySet());
            assertThat(found.damage()).as("cut at " + cut).isEmpty();
        }
    }

    @Test
    void everyBitMayTurn() throws Exception {
        SimulatedDisk disk = smallSpool();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        List<Place> places = records(bytes);
        Recovered whole = Recovered.from(disk);
        assertThat(whole.messages()).hasSize(4);
        int lastMark = places.get(places.size() - 1).offset();
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            int at = bit / 8;
            byte[] turned = bytes.clone();
            turned[at] ^= (byte) (1 << bit % 8);
            disk.put(name, turned);

            Recovered found = Recovered.from(disk);

            Place hit = places.stream()
                    .filter(place -> place.offset() <= at && at < place.end())
                    .findFirst()
                    .orElse(null);
            boolean padding = hit != null && at >= hit.payloadEnd();
            long hitId = hit == null || padding ? 0 : hit.header().id();
            boolean resurrected = hit != null && hit.header().type() == RecordType.DEAD;
            if (!padding && at < lastMark
                    ? found.damage().isEmpty()
                    : !found.damage().isEmpty()) {
                throw new AssertionError("bit " + bit + " in " + hit + ": damage " + found.damage());
            }
            if (hitId == 0
                    && found.messages().equals(whole.messages())
                    && found.mailData().equals(whole.mailData())) {
                continue;
            }
            String what = "bit " + bit + " in " + hit;
            for (Map.Entry<Long, String> message : whole.mailData().entrySet()) {
                if (message.getKey() != hitId) {
                    assertThat(found.mailData()).as(what).contains(message);
                    assertThat(found.messages().get(message.getKey()))
                            .as(what)
                            .isEqualTo(whole.messages().get(message.getKey()));
                }
            }
            if (!resurrected) {
                assertThat(whole.mailData()).as(what).containsAllEntriesOf(found.mailData());
            }
        }
    }

    @Test
    void sealedSegmentThatIsCutIsDamaged() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        List<SpoolId> ids = new ArrayList<>();
        try (FileSpool spool = SimulatedDisk.spool(disk, SEED).open()) {
            for (int i = 0; i < 8; i++) {
                ids.add(store(spool, Envelopes.to("x@a.example"), START, octets(20_000, i)));
            }
        }
        String first = disk.segments().get(0);
        byte[] bytes = disk.bytes(first);
        disk.put(first, Arrays.copyOf(bytes, 30_000));

        SpoolVerification found = SpoolInspector.inspect(Path.of("spool"), disk);
        assertThat(found.isIntact()).isFalse();
        assertThat(found.description().messages()).isBetween(5L, 6L);
        try (FileSpool spool = SimulatedDisk.spool(disk, 3).open()) {
            List<String> damaged = new ArrayList<>();
            spool.scan(entry -> {
                if (entry instanceof SpoolEntry.Damaged bad) {
                    damaged.add(bad.reason());
                }
            });
            assertThat(damaged).isNotEmpty();
            assertThat(scanIds(spool)).isSubsetOf(ids).hasSizeBetween(5, 6);
        }
    }

    private static List<SpoolId> scanIds(FileSpool spool) throws SpoolException {
        List<SpoolId> ids = new ArrayList<>();
        spool.scan(entry -> {
            if (entry instanceof SpoolEntry.Intact intact) {
                ids.add(intact.message().id());
            }
        });
        return ids;
    }

    @Test
    void whatLooksLikeARecordInMailDataIsNone() throws Exception {
        SimulatedDisk disk = smallSpool();
        byte[] forged = disk.bytes(disk.segments().get(0));
        SimulatedDisk other = new SimulatedDisk(64 << 20);
        SpoolId carrier;
        try (FileSpool spool = SimulatedDisk.spool(other, SEED + 1).open()) {
            carrier = store(spool, Envelopes.to("x@a.example"), START, forged);
            store(spool, Envelopes.to("y@a.example"), START, octets(10, 1));
        }
        String name = other.segments().get(0);
        byte[] bytes = other.bytes(name);
        bytes[RecordFormat.SEGMENT_HEADER_BYTES + 20] ^= 1; // the carrier's header
        other.put(name, bytes);

        Recovered found = Recovered.from(other);

        assertThat(found.messages()).hasSize(1).doesNotContainKey(Ids.number(carrier));
        assertThat(found.damage()).hasSize(1);
    }

    @Test
    void unknownFormatVersionIsRefusedWithAdvice() throws Exception {
        SimulatedDisk disk = smallSpool();
        String name = disk.segments().get(0);
        byte[] bytes = disk.bytes(name);
        SegmentHeader header = RecordFormat.segmentHeader(bytes);
        byte[] newer = RecordFormat.encode(new SegmentHeader(3, header.number(), header.key(), 1, 0, 0, null));
        System.arraycopy(newer, 0, bytes, 0, newer.length);
        disk.put(name, bytes);

        assertThatThrownBy(() -> SimulatedDisk.spool(disk, 3).open())
                .isInstanceOf(SpoolException.class)
                .hasMessageContaining("format version 3 (expected: 1 or 2)")
                .hasMessageContaining("export");
    }

    @Test
    void statesSurviveWithTheirMessages() throws Exception {
        SimulatedDisk disk = smallSpool();
        try (FileSpool spool = SimulatedDisk.spool(disk, 3).open()) {
            List<QueuedMessage> messages = scan(spool);
            assertThat(messages).hasSize(4);
            assertThat(messages.get(1).lanes().get(0).attempts()).isEqualTo(1);
            assertThat(messages.get(1).lanes().get(0).due()).isEqualTo(START.plusSeconds(60));
            assertThat(messages.get(2).held()).isTrue();
        }
    }
}
