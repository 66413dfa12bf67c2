package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.file.Deliveries.Place;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is read is all that is needed, at once, and from where it is now. */
class MessageLoaderTest {

    private final SimulatedDisk disk = new SimulatedDisk(64L << 20);
    private final List<Integer> reads = new ArrayList<>();
    private final SegmentFiles files = new SegmentFiles(disk, Path.of("spool"), disk.encryption(), 0);
    private final SpoolIndex index = new SpoolIndex(files, () -> {});
    private final MessageLoader loader = new MessageLoader(files, index);

    private void recover() throws IOException {
        new Recovery(files, index, false).run();
        disk.fault((call, file, bytes) -> {
            if (call == Call.READ) {
                reads.add(bytes);
            }
            return bytes;
        });
    }

    private Place place(SpoolId id) {
        return Deliveries.place(index, index.messages.firstEntry.get(index.messages.find(Ids.number(id))));
    }

    private static Place at(Place place, @Nullable Extent head, @Nullable Extent state) {
        return new Place(place.id(), place.domain(), place.ordinal(), place.due(), head, state, place.unwritten());
    }

    @Test
    void anEnvelopeIsOneReadOfNoMailData() throws Exception {
        String[] many = IntStream.range(0, 1_000)
                .mapToObj(i -> "recipient" + i + "@a.example")
                .toArray(String[]::new);
        SpoolId few;
        SpoolId lots;
        SpoolId large;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            few = store(spool, Envelopes.to("x@a.example"), START, octets(4_096, 1));
            lots = store(spool, Envelopes.to(many), START, octets(4_096, 2));
            large = store(spool, Envelopes.to(many), START, octets(200_000, 3));
        }
        recover();
        assertThat(loader.spooled(place(few)).sizeBytes()).isEqualTo(4_096);
        assertThat(loader.spooled(place(lots)).envelope()).isEqualTo(Envelopes.to(many));
        assertThat(loader.spooled(place(large)).envelope()).isEqualTo(Envelopes.to(many));
        assertThat(reads).hasSize(3).allMatch(bytes -> bytes < 32_000);
        assertThat(reads.get(0)).isLessThan(256);
        reads.clear();
        assertThat(loader.mailData(Ids.number(few)).readAllBytes()).isEqualTo(octets(4_096, 1));
        assertThat(reads).hasSize(1);
    }

    @Test
    void whatIsNoLongerWhereItWasIsLookedUp() throws Exception {
        SpoolId id;
        SpoolId other;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            id = store(spool, "x@a.example");
            SpoolLease lease = lease(spool, "a.example", START).get(0);
            spool.settle(lease, deferred(lease, START, START.plusSeconds(60)));
            other = store(spool, "y@b.example");
        }
        recover();
        Place place = place(id);
        Place elsewhere = place(other);
        assertThat(place.state()).isNotNull();
        Extent gone = new Extent(Location.of(99, 64), 100);
        for (Extent stale : new Extent[] {gone, elsewhere.head()}) {
            Place moved = at(place, stale, stale);
            assertThat(loader.spooled(moved)).isEqualTo(loader.spooled(place));
            assertThat(loader.lane(loader.spooled(place), moved)).isEqualTo(loader.lane(loader.spooled(place), place));
        }
        index.remove(index.messages.find(Ids.number(id)));
        assertThatThrownBy(() -> loader.spooled(at(place, gone, null)))
                .isInstanceOf(MessageLoader.GoneException.class)
                .hasMessageContaining(id.toString());
    }

    @Test
    void lessThanTheRecordHasIsReadOnce() throws Exception {
        SpoolId id;
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            id = store(spool, "x@a.example");
        }
        recover();
        Place place = place(id);
        Extent head = place.head();
        assertThat(head).isNotNull();
        Extent less = new Extent(head.location(), RecordFormat.HEADER_BYTES);
        assertThat(loader.spooled(at(place, less, null))).isEqualTo(loader.spooled(place));
        assertThat(reads).hasSize(3);
    }
}
