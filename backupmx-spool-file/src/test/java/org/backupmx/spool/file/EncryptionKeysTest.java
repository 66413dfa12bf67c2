package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;

/** Which keys an encrypted spool takes, and what goes with them. */
class EncryptionKeysTest {

    private static final long DISK_BYTES = 64 << 20;

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
            EncryptionTest.relayAll(spool, "old.example", START);
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
            EncryptionTest.relayAll(spool, "go.example", START);
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
            EncryptionTest.relayAll(spool, "go.example", START);
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
}
