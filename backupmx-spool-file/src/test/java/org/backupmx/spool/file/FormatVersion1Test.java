package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpooledMessage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A spool of format version 1 that was written from {@code docs/file-format.md}: two segments with a record of every
 * type, checked in under {@code format/version-1} and never made anew. Every release that reads version 1 finds in it
 * what the document says.
 */
class FormatVersion1Test {

    private static final String FIRST = "segment-0000000001";
    private static final String SECOND = "segment-0000000003";
    private static final long FIRST_KEY = 0x0123456789abcdefL;
    private static final long SECOND_KEY = 0xfedcba9876543210L;

    /** Identities: session 1 or 2 above a counter of 36 bits. */
    private static final long WHOLE = (1L << 36) + 0;

    private static final long HELD = (1L << 36) + 1;
    private static final long DEAD = (1L << 36) + 2;
    private static final long LONG = (1L << 36) + 3;
    private static final long MOVED = (1L << 36) + 4;
    private static final long UNFINISHED = (1L << 36) + 5;
    private static final long RELEASED = (2L << 36) + 0;

    private static final long NOON = 1_772_366_400L;
    private static final Instant RECEIVED = Instant.ofEpochSecond(NOON, 123_000_000);
    private static final byte[] NO_DATA = {};

    private final SimulatedDisk disk = new SimulatedDisk(64 << 20);

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void oneRecipient(DocumentedSegment meta, int size, int chunks, String localPart, String domain) {
        meta.u64("size of the mail data", size).u32("number of chunks", chunks);
        oneRecipient(meta, "flags: reverse-path not null", 4, localPart, domain);
    }

    private static void oneRecipient(
            DocumentedSegment meta, String flagNames, int flags, String localPart, String domain) {
        meta.instant("received", NOON, 123_000_000)
                .u8(flagNames, flags)
                .u8("BODY: 7BIT", 0)
                .u8("RET: none", 0)
                .u16("number of lanes", 1)
                .text("domain", domain)
                .u64("SIZE", 0)
                .text("ENVID", "")
                .text("local part of the reverse-path", "sender")
                .text("domain of the reverse-path", "client.example")
                .u32("number of recipients", 1)
                .u16("lane", 0)
                .text("local part", localPart)
                .u8("NOTIFY: none", 0)
                .text("ORCPT", "");
    }

    private static void everything(DocumentedSegment meta) {
        meta.u64("size of the mail data", 20)
                .u32("number of chunks", 0)
                .instant("received", NOON, 123_000_000)
                .u8("flags: SMTPUTF8, SIZE given, reverse-path not null", 7)
                .u8("BODY: 8BITMIME", 1)
                .u8("RET: HDRS", 2)
                .u16("number of lanes", 3)
                .text("domain", "a.example")
                .text("domain", "b.example")
                .text("domain", "c.example")
                .u64("SIZE", 5000)
                .text("ENVID", "QQ314159")
                .text("local part of the reverse-path", "jürgen")
                .text("domain of the reverse-path", "client.example")
                .u32("number of recipients", 4)
                .u16("lane", 0)
                .text("local part", "one")
                .u8("NOTIFY: NEVER", 1)
                .text("ORCPT", "rfc822;uno@a.example")
                .u16("lane", 1)
                .text("local part", "two")
                .u8("NOTIFY: SUCCESS, FAILURE, DELAY", 14)
                .text("ORCPT", "")
                .u16("lane", 0)
                .text("local part", "three")
                .u8("NOTIFY: none", 0)
                .text("ORCPT", "")
                .u16("lane", 2)
                .text("local part", "four")
                .u8("NOTIFY: none", 0)
                .text("ORCPT", "");
    }

    private static void nullPath(DocumentedSegment meta) {
        meta.u64("size of the mail data", 3)
                .u32("number of chunks", 0)
                .instant("received", NOON, 123_000_000)
                .u8("flags: none", 0)
                .u8("BODY: BINARYMIME", 2)
                .u8("RET: FULL", 1)
                .u16("number of lanes", 1)
                .text("domain", "held.example")
                .u64("SIZE", 0)
                .text("ENVID", "")
                .text("local part of the reverse-path", "")
                .text("domain of the reverse-path", "")
                .u32("number of recipients", 1)
                .u16("lane", 0)
                .text("local part", "postmaster")
                .u8("NOTIFY: none", 0)
                .text("ORCPT", "");
    }

    private static void state(DocumentedSegment meta, int lane, long due, int attempts, int recipients) {
        meta.u16("lane", lane)
                .instant("due", due, 0)
                .u32("attempts", attempts)
                .u32("number of recipients that are not final", recipients);
    }

    private static DocumentedSegment first() {
        DocumentedSegment segment = new DocumentedSegment(1, FIRST_KEY, 1, 0, 0);
        segment.record("MESSAGE", 1, WHOLE, 64, FormatVersion1Test::everything, ascii("Subject: every field"));
        segment.record("MESSAGE, reverse-path null", 1, HELD, 64, FormatVersion1Test::nullPath, new byte[] {0, 10, -1});
        int forced = segment.length();
        segment.record("HOLD", 6, HELD, forced, meta -> meta.u8("held", 1), NO_DATA);
        segment.record(
                "STATE of the first lane",
                4,
                WHOLE,
                forced,
                meta -> {
                    state(meta, 0, NOON + 300, 1, 2);
                    meta.u32("position in the envelope", 0)
                            .u8("deferred", 1)
                            .instant("deferred at", NOON + 10, 5)
                            .u16("reply code", 451)
                            .u8("class", 4)
                            .u16("subject", 2)
                            .u16("detail", 1)
                            .u8("number of lines", 2)
                            .text("line", "Try")
                            .text("line", "later")
                            .u32("position in the envelope", 2)
                            .u8("pending", 0);
                },
                NO_DATA);
        segment.record("STATE of the second lane", 4, WHOLE, forced, meta -> state(meta, 1, NOON + 300, 1, 0), NO_DATA);
        segment.record(
                "STATE of the third lane",
                4,
                WHOLE,
                forced,
                meta -> {
                    state(meta, 2, NOON + 300, 7, 1);
                    meta.u32("position in the envelope", 3)
                            .u8("deferred", 1)
                            .instant("deferred at", NOON + 20, 0)
                            .u16("reply code", 421)
                            .u8("class: none", 0)
                            .u16("subject", 0)
                            .u16("detail", 0)
                            .u8("number of lines", 1)
                            .text("line", "Full");
                },
                NO_DATA);
        segment.record(
                "MESSAGE that ends",
                1,
                DEAD,
                forced,
                meta -> oneRecipient(meta, 4, 0, "gone", "dead.example"),
                ascii("gone"));
        segment.record("CHUNK", 2, LONG, forced, meta -> meta.u32("position", 0), ascii("a long message "));
        segment.record("CHUNK", 2, LONG, forced, meta -> meta.u32("position", 1), ascii("in two chunks"));
        segment.record("CHUNK without LONG", 2, UNFINISHED, forced, meta -> meta.u32("position", 0), ascii("half"));
        forced = segment.length();
        segment.record("LONG", 3, LONG, forced, meta -> oneRecipient(meta, 28, 2, "long", "long.example"), NO_DATA);
        segment.record(
                "DUES",
                7,
                0,
                forced,
                meta -> meta.instant("new due instant", NOON + 900, 0)
                        .u32("count", 2)
                        .u64("message", WHOLE)
                        .u16("lane", 2)
                        .u64("message", LONG)
                        .u16("lane", 0),
                NO_DATA);
        return segment.record("MARK", 8, 0, segment.length(), meta -> {}, NO_DATA);
    }

    private static DocumentedSegment second(int firstEnd) {
        DocumentedSegment segment = new DocumentedSegment(3, SECOND_KEY, 2, 1, firstEnd);
        segment.record(
                "DEAD", 5, DEAD, 64, meta -> meta.u32("count", 1).u32("segment with a MESSAGE of it", 1), NO_DATA);
        segment.record(
                "STATE that stands before its MESSAGE",
                4,
                MOVED,
                64,
                meta -> {
                    state(meta, 0, NOON + 60, 3, 1);
                    meta.u32("position in the envelope", 0).u8("pending", 0);
                },
                NO_DATA);
        segment.record("PAD over a torn write", 9, 0, 0, meta -> {}, ascii("BMXR: torn, 24 octets.\r\n"));
        segment.record(
                "MESSAGE that compaction moved",
                1,
                MOVED,
                64,
                meta -> oneRecipient(meta, 5, 0, "moved", "a.example"),
                ascii("moved"));
        segment.record("MESSAGE", 1, RELEASED, 64, meta -> oneRecipient(meta, 0, 0, "released", "a.example"), NO_DATA);
        int forced = segment.length();
        segment.record("HOLD", 6, RELEASED, forced, meta -> meta.u8("held", 1), NO_DATA);
        segment.record("HOLD", 6, RELEASED, forced, meta -> meta.u8("released", 0), NO_DATA);
        return segment.record("MARK", 8, 0, segment.length(), meta -> {}, NO_DATA)
                .raw("zeros that the file grew by", new byte[64]);
    }

    private static String resource(String segment) throws IOException {
        try (InputStream in = FormatVersion1Test.class.getResourceAsStream("/format/version-1/" + segment + ".hex")) {
            return new String(Objects.requireNonNull(in, segment).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @BeforeEach
    void putFiles() throws IOException {
        disk.put(FIRST, DocumentedSegment.octets(resource(FIRST)));
        disk.put(SECOND, DocumentedSegment.octets(resource(SECOND)));
    }

    private static MessageLane lane(String domain, int attempts, long due, QueuedRecipient... recipients) {
        return new MessageLane(MailDomain.of(domain), List.of(recipients), attempts, Instant.ofEpochSecond(due));
    }

    private static Recipient to(String path) {
        return Recipient.of(ForwardPath.parse(path));
    }

    private static QueuedMessage simple(long id, String to, int size, int attempts, Instant due) {
        Envelope envelope = Envelope.from(ReversePath.parse("sender@client.example"))
                .to(to(to))
                .build();
        QueuedRecipient pending = new QueuedRecipient(0, envelope.recipients().get(0), RecipientState.Pending.INSTANCE);
        return new QueuedMessage(
                new SpooledMessage(Ids.text(id), envelope, RECEIVED, size),
                List.of(new MessageLane(envelope.recipients().get(0).domain(), List.of(pending), attempts, due)),
                false);
    }

    private static QueuedMessage whole() {
        Envelope envelope = Envelope.from(ReversePath.parse("jürgen@client.example"))
                .bodyType(BodyType.EIGHT_BIT_MIME)
                .smtpUtf8(true)
                .declaredBytes(5000)
                .dsn(DsnParameters.none().withRet(Ret.HDRS).withEnvid("QQ314159"))
                .to(to("one@a.example").withNotify(Set.of(Notify.NEVER)).withOrcpt("rfc822;uno@a.example"))
                .to(to("two@b.example").withNotify(Set.of(Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)))
                .to(to("three@a.example"))
                .to(to("four@c.example"))
                .build();
        List<Recipient> recipients = envelope.recipients();
        SmtpReply later = SmtpReply.of(451, Optional.of(new EnhancedStatusCode(4, 2, 1)), List.of("Try", "later"));
        return new QueuedMessage(
                new SpooledMessage(Ids.text(WHOLE), envelope, RECEIVED, 20),
                List.of(
                        lane(
                                "a.example",
                                1,
                                NOON + 300,
                                new QueuedRecipient(
                                        0,
                                        recipients.get(0),
                                        new RecipientState.Deferred(later, Instant.ofEpochSecond(NOON + 10, 5))),
                                new QueuedRecipient(2, recipients.get(2), RecipientState.Pending.INSTANCE)),
                        lane(
                                "c.example",
                                7,
                                NOON + 900,
                                new QueuedRecipient(
                                        3,
                                        recipients.get(3),
                                        new RecipientState.Deferred(
                                                SmtpReply.of(421, List.of("Full")),
                                                Instant.ofEpochSecond(NOON + 20))))),
                false);
    }

    private static QueuedMessage held() {
        Envelope envelope = Envelope.from(ReversePath.nullPath())
                .bodyType(BodyType.BINARY_MIME)
                .dsn(DsnParameters.none().withRet(Ret.FULL))
                .to(to("postmaster@held.example"))
                .build();
        QueuedMessage fresh = QueuedMessage.of(new SpooledMessage(Ids.text(HELD), envelope, RECEIVED, 3));
        return new QueuedMessage(fresh.message(), fresh.lanes(), true);
    }

    private static List<QueuedMessage> expected() {
        return List.of(
                whole(),
                held(),
                simple(LONG, "long@long.example", 28, 0, Instant.ofEpochSecond(NOON + 900)),
                simple(MOVED, "moved@a.example", 5, 3, Instant.ofEpochSecond(NOON + 60)),
                simple(RELEASED, "released@a.example", 0, 0, RECEIVED));
    }

    @Test
    void fixtureIsWhatTheDocumentSays() throws Exception {
        DocumentedSegment first = first();

        assertThat(resource(FIRST)).isEqualTo(first.text());
        assertThat(resource(SECOND)).isEqualTo(second(first.length()).text());
    }

    @Test
    void spoolFindsWhatTheDocumentSays() throws Exception {
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            assertThat(scan(spool)).containsExactlyInAnyOrderElementsOf(expected());
            assertThat(read(spool, Ids.text(WHOLE))).isEqualTo(ascii("Subject: every field"));
            assertThat(read(spool, Ids.text(HELD))).isEqualTo(new byte[] {0, 10, -1});
            assertThat(read(spool, Ids.text(LONG))).isEqualTo(ascii("a long message in two chunks"));
            assertThat(read(spool, Ids.text(MOVED))).isEqualTo(ascii("moved"));
            assertThat(read(spool, Ids.text(RELEASED))).isEmpty();
        }
    }

    /** The flag came after the fixture: what was written before has none, and the version is the same. */
    @Test
    void requireTlsIsTheFourthFlag() throws Exception {
        DocumentedSegment segment = new DocumentedSegment(1, FIRST_KEY, 1, 0, 0);
        segment.record(
                "MESSAGE",
                1,
                WHOLE,
                64,
                meta -> oneRecipient(
                        meta.u64("size of the mail data", 4).u32("number of chunks", 0),
                        "flags: reverse-path not null, REQUIRETLS",
                        12,
                        "safe",
                        "a.example"),
                ascii("safe"));
        SimulatedDisk other = new SimulatedDisk(64 << 20);
        other.put(FIRST, DocumentedSegment.octets(segment.text()));

        try (FileSpool spool = SimulatedDisk.spool(other, 1).open()) {
            assertThat(scan(spool))
                    .extracting(found -> found.message().envelope())
                    .containsExactly(Envelope.from(ReversePath.parse("sender@client.example"))
                            .requireTls(true)
                            .to(to("safe@a.example"))
                            .build());
        }
    }

    @Test
    void inspectorCountsWhatTheDocumentSays() throws Exception {
        SpoolVerification found = SpoolInspector.inspect(Path.of("spool"), disk);

        assertThat(found.damage()).isEmpty();
        assertThat(found.records()).isEqualTo(13 + 8);
        assertThat(found.description().messages()).isEqualTo(5);
        assertThat(found.description().held()).isEqualTo(1);
        assertThat(found.description().segments()).isEqualTo(2);
    }

    @Test
    void spoolGoesOnFromThere() throws Exception {
        try (FileSpool spool = SimulatedDisk.spool(disk, 1).open()) {
            Instant later = Instant.ofEpochSecond(NOON + 1000);
            for (String domain : List.of("a.example", "c.example", "long.example")) {
                for (SpoolLease lease : lease(spool, domain, later)) {
                    spool.settle(lease, relayed(lease, later));
                }
            }
            spool.delete(Ids.text(HELD));
        }
        try (FileSpool again = SimulatedDisk.spool(disk, 2).open()) {
            assertThat(scan(again)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {FIRST, SECOND})
    void everyOctetOfTheDocumentCounts(String segment) throws Exception {
        byte[] bytes = disk.bytes(segment);
        Recovered whole = Recovered.from(disk);
        assertThat(whole.damage()).isEmpty();
        for (int at = 0; at < bytes.length; at++) {
            byte[] turned = bytes.clone();
            turned[at] ^= 0x10;
            disk.put(segment, turned);
            Recovered found = Recovered.from(disk);
            assertThat(found.damage().isEmpty()).as("octet " + at).isEqualTo(isIdle(segment, at));
        }
    }

    /** Tells whether an octet may change unseen: zeros, what a PAD covers, and a last MARK, which may be torn. */
    private static boolean isIdle(String segment, int at) throws IOException {
        int offset = 0;
        String record = "";
        for (String line : resource(segment).lines().toList()) {
            if (line.startsWith("#")) {
                record = line;
            }
            offset += Math.max(0, line.indexOf(' ')) / 2;
            if (at < offset) {
                return line.contains("  # zeros")
                        || record.startsWith("# PAD") && line.endsWith("  # data")
                        || record.startsWith("# MARK") && segment.equals(SECOND);
            }
        }
        throw new AssertionError("octet " + at);
    }
}
