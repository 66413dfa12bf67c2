package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;

/** What encryption hides. */
class EncryptionTest {

    private static final long DISK_BYTES = 64 << 20;
    private static final String MARKER = "xmarkerx";

    private final SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);

    private FileSpool open(String current, String... others) throws SpoolException {
        return SimulatedDisk.spool(disk.encrypted(TestKeys.of(current, others)), 1)
                .open();
    }

    static void relayAll(FileSpool spool, String domain, Instant now) throws SpoolException {
        for (SpoolLease lease : lease(spool, domain, now)) {
            spool.settle(lease, relayed(lease, now));
        }
    }

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
        List<Integer> places = TamperingTest.places(bytes, RecordType.MESSAGE);
        RecordHeader header = RecordFormat.header(bytes, places.get(0));
        int metaAt = RecordFormat.HEADER_BYTES;
        int dataAt = metaAt + header.metaBytes();

        for (int at : List.of(metaAt, dataAt)) { // without the tags: those are of the identity, too
            assertThat(sixteen(bytes, places.get(0) + at)).isNotEqualTo(sixteen(bytes, places.get(1) + at));
        }
    }

    /** Tells a spare from one that was made of zeros. */
    private static boolean wasSegment(String name) {
        return name.startsWith("spare-") && !name.startsWith("spare-9");
    }

    private static byte[] sixteen(byte[] bytes, int at) {
        return Arrays.copyOfRange(bytes, at, at + 16);
    }

    @Test
    void spoolThatWasNotEncryptedGoesOnEncrypted() throws Exception {
        liveThrough(disk);
        List<QueuedMessage> before;
        try (FileSpool spool = SimulatedDisk.spool(disk, 2).open()) {
            before = scan(spool);
        }
        assertThat(disk.files()).anyMatch(EncryptionTest::wasSegment);
        List<String> old = disk.files();
        try (FileSpool spool = open("a")) {
            assertThat(scan(spool)).containsExactlyElementsOf(before);
            assertThat(disk.files()).as("spares with readable mail").noneMatch(EncryptionTest::wasSegment);
            store(spool, Envelopes.to(MARKER + "@new.example"), START, markedData(500));
            assertThat(filesWithMarker(disk)).isSubsetOf(old);
            for (QueuedMessage message : before) {
                spool.delete(message.id());
            }
            await().until(() -> disk.segments().stream().noneMatch(old::contains));
            assertThat(disk.files()).as("no old segment is kept").noneMatch(EncryptionTest::wasSegment);
        }
        assertThat(filesWithMarker(disk)).isEmpty();
    }
}
