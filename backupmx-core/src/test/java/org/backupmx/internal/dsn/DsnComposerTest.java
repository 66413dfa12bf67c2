package org.backupmx.internal.dsn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.james.mime4j.dom.Entity;
import org.apache.james.mime4j.dom.Header;
import org.apache.james.mime4j.dom.Message;
import org.apache.james.mime4j.dom.Multipart;
import org.apache.james.mime4j.dom.SingleBody;
import org.apache.james.mime4j.message.DefaultMessageBuilder;
import org.apache.james.mime4j.message.DefaultMessageWriter;
import org.apache.james.mime4j.stream.Field;
import org.apache.james.mime4j.stream.MimeConfig;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.DsnParameters;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.Ret;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.MailData;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpooledMessage;
import org.backupmx.spool.testkit.MailArbitraries;
import org.junit.jupiter.api.Test;

class DsnComposerTest {

    private static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");
    private static final Instant RECEIVED = Instant.parse("2026-11-08T07:08:09Z");
    private static final String ORIGINAL =
            "Received: from a by b\r\nMessage-ID: <orig.1@example.net>\r\nSubject: Hi\r\n there\r\n\r\nBody, secret.\r\n";
    private static final SmtpReply REFUSED = SmtpReply.of(550, "5.1.1", "No such user");

    private final DsnComposer composer = new DsnComposer("mx2.example.net", () -> NOW, new Random(1));

    private static Recipient to(String address) {
        return Recipient.of(ForwardPath.parse(address));
    }

    private static Envelope.Builder from(String address) {
        return Envelope.from(ReversePath.parse(address));
    }

    private static MailData data(byte[] octets) {
        return new MailData() {
            @Override
            public long sizeBytes() {
                return octets.length;
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(octets);
            }
        };
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private Optional<Dsn> compose(Envelope envelope, byte[] original, List<FailedRecipient> failed) {
        try {
            SpooledMessage message = new SpooledMessage(new SpoolId("1"), envelope, RECEIVED, original.length);
            return composer.compose(message, failed, data(original));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Dsn refused(Envelope envelope, byte[] original) {
        List<FailedRecipient> failed = envelope.recipients().stream()
                .map(one -> FailedRecipient.refused(one, REFUSED, "mx1.example.org"))
                .toList();
        return compose(envelope, original, failed).orElseThrow();
    }

    private static byte[] octets(Dsn dsn) {
        byte[] octets = new byte[dsn.mailData().remaining()];
        dsn.mailData().get(octets);
        return octets;
    }

    private static Message parse(Dsn dsn) {
        Rfc3464.check(octets(dsn));
        try {
            DefaultMessageBuilder builder = new DefaultMessageBuilder();
            builder.setMimeEntityConfig(MimeConfig.PERMISSIVE);
            return builder.parseMessage(new ByteArrayInputStream(octets(dsn)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Entity> parts(Dsn dsn) {
        Message message = parse(dsn);
        assertThat(message.getMimeType()).isEqualTo("multipart/report");
        return ((Multipart) message.getBody()).getBodyParts();
    }

    private static byte[] content(Entity part) {
        try {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            if (part.getBody() instanceof SingleBody body) {
                body.writeTo(out);
            } else {
                new DefaultMessageWriter().writeMessage((Message) part.getBody(), out);
            }
            return out.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Entity part, Charset charset) {
        return new String(content(part), charset);
    }

    private static String status(Dsn dsn) {
        return text(parts(dsn).get(1), StandardCharsets.UTF_8);
    }

    /** Returns the groups of fields in the status part: of the message first, then of each recipient. */
    private static List<Header> groups(Dsn dsn) {
        List<Header> groups = new ArrayList<>();
        for (String group : status(dsn).strip().split("\r\n\r\n", -1)) {
            try {
                groups.add(new DefaultMessageBuilder().parseHeader(new ByteArrayInputStream(utf8(group + "\r\n\r\n"))));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return groups;
    }

    private static String field(Header header, String name) {
        Field field = header.getField(name);
        return field == null ? "" : field.getBody().strip();
    }

    @Test
    void reportsTheFailure() {
        Envelope envelope = from("a@example.net")
                .to(to("b@example.org").withOrcpt("rfc822;Bob+2Bx@example.org"))
                .dsn(DsnParameters.none().withEnvid("QQ+2B314"))
                .build();
        Dsn dsn = refused(envelope, utf8(ORIGINAL));
        assertThat(dsn.envelope().reversePath().isNull()).isTrue();
        assertThat(dsn.envelope().recipients()).containsExactly(to("a@example.net"));
        assertThat(dsn.envelope().bodyType()).isEqualTo(BodyType.SEVEN_BIT);

        Message message = parse(dsn);
        assertThat(message.getFrom().get(0).getAddress()).isEqualTo("MAILER-DAEMON@mx2.example.net");
        assertThat(message.getTo().flatten().get(0).getAddress()).isEqualTo("a@example.net");
        assertThat(message.getDate()).isEqualTo(Date.from(NOW));
        assertThat(message.getMessageId()).matches("<[0-9a-f]{32}@mx2\\.example\\.net>");
        assertThat(field(message.getHeader(), "Auto-Submitted")).isEqualTo("auto-replied");
        assertThat(field(message.getHeader(), "In-Reply-To")).isEqualTo("<orig.1@example.net>");
        assertThat(field(message.getHeader(), "Content-Type")).contains("report-type=delivery-status");

        assertThat(parts(dsn).stream().map(Entity::getMimeType))
                .containsExactly("text/plain", "message/delivery-status", "text/rfc822-headers");
        assertThat(text(parts(dsn).get(0), StandardCharsets.US_ASCII))
                .contains("<b@example.org>\r\n", "mx1.example.org said: 550 5.1.1 No such user\r\n");
        Header whole = groups(dsn).get(0);
        assertThat(field(whole, "Original-Envelope-Id")).isEqualTo("QQ+314");
        assertThat(field(whole, "Reporting-MTA")).isEqualTo("dns; mx2.example.net");
        assertThat(field(whole, "Arrival-Date")).isEqualTo("Sun, 8 Nov 2026 07:08:09 +0000");
        Header one = groups(dsn).get(1);
        assertThat(field(one, "Original-Recipient")).isEqualTo("rfc822; Bob+x@example.org");
        assertThat(field(one, "Final-Recipient")).isEqualTo("rfc822; b@example.org");
        assertThat(field(one, "Action")).isEqualTo("failed");
        assertThat(field(one, "Status")).isEqualTo("5.1.1");
        assertThat(field(one, "Remote-MTA")).isEqualTo("dns; mx1.example.org");
        assertThat(field(one, "Diagnostic-Code")).isEqualTo("smtp; 550 5.1.1 No such user");
        assertThat(groups(dsn)).hasSize(2);
        assertThat(text(parts(dsn).get(2), StandardCharsets.US_ASCII))
                .isEqualTo("Received: from a by b\r\nMessage-ID: <orig.1@example.net>\r\nSubject: Hi\r\n there\r\n");
    }

    private Dsn compose(DsnKind kind, Envelope envelope, byte[] original, FailedRecipient about, Instant until) {
        try {
            SpooledMessage message = new SpooledMessage(new SpoolId("1"), envelope, RECEIVED, original.length);
            return composer.compose(kind, message, List.of(about), until, data(original))
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void tellsThatMailIsLate() {
        Recipient recipient = to("b@example.org").withNotify(Set.of(Notify.DELAY));
        Envelope envelope = from("a@example.net")
                .to(recipient)
                .dsn(DsnParameters.none().withRet(Ret.FULL))
                .build();
        SmtpReply later = SmtpReply.of(450, "4.2.1", "Busy");
        Instant until = Instant.parse("2026-12-06T07:08:09Z");
        Dsn dsn = compose(
                DsnKind.DELAYED,
                envelope,
                utf8(ORIGINAL),
                FailedRecipient.refused(recipient, later, "mx1.example.org"),
                until);
        Header one = groups(dsn).get(1);
        assertThat(field(one, "Action")).isEqualTo("delayed");
        assertThat(field(one, "Status")).isEqualTo("4.2.1");
        assertThat(field(one, "Will-Retry-Until")).isEqualTo("Sun, 6 Dec 2026 07:08:09 +0000");
        assertThat(parts(dsn).get(2).getMimeType()).as("RET is for failures").isEqualTo("text/rfc822-headers");
        assertThat(parse(dsn).getSubject()).isEqualTo("Delayed mail");
    }

    @Test
    void tellsThatMailWasHandedOver() {
        Recipient recipient = to("b@example.org").withNotify(Set.of(Notify.SUCCESS));
        Envelope envelope = from("a@example.net").to(recipient).build();
        SmtpReply taken = SmtpReply.of(250, List.of("Ok: queued"));
        Dsn dsn = compose(
                DsnKind.RELAYED,
                envelope,
                utf8(ORIGINAL),
                FailedRecipient.refused(recipient, taken, "mx1.example.org"),
                null);
        Header one = groups(dsn).get(1);
        assertThat(field(one, "Action")).isEqualTo("relayed");
        assertThat(field(one, "Status")).isEqualTo("2.0.0");
        assertThat(field(one, "Diagnostic-Code")).isEqualTo("smtp; 250 Ok: queued");
    }

    /** T12: whatever came, what goes back is small. */
    @Test
    void aDsnOfAHugeMessageIsSmall() {
        byte[] huge =
                utf8("Subject: x\r\n" + "X-Padding: 1234567890\r\n".repeat(10_000) + "\r\n" + "x".repeat(60 << 20));
        for (int recipients : new int[] {1, 5, 20}) {
            Envelope.Builder envelope =
                    from("a@example.net").dsn(DsnParameters.none().withRet(Ret.FULL));
            for (int i = 0; i < recipients; i++) {
                envelope.to(to("b" + i + "@example.org").withOrcpt("rfc822;b" + i + "x".repeat(200) + "@example.org"));
            }
            Envelope built = envelope.build();
            SmtpReply wordy = SmtpReply.of(550, List.of("no ".repeat(300)));
            Dsn dsn = compose(
                            built,
                            huge,
                            built.recipients().stream()
                                    .map(one -> FailedRecipient.refused(one, wordy, "mx1.example.org"))
                                    .toList())
                    .orElseThrow();
            assertThat(octets(dsn).length).as(recipients + " recipients").isLessThanOrEqualTo(50_000);
            assertThat(Rfc3464.check(octets(dsn))).isEqualTo(recipients);
        }
    }

    @Test
    void aThousandRecipientsAreInOneReport() {
        Envelope.Builder envelope = from("a@example.net");
        for (int i = 0; i < 1_000; i++) {
            envelope.to(to("b" + i + "@example.org"));
        }
        Dsn dsn = refused(envelope.build(), utf8(ORIGINAL));
        assertThat(Rfc3464.check(octets(dsn))).isEqualTo(1_000);
        assertThat(text(parts(dsn).get(0), StandardCharsets.US_ASCII)).contains("And 980 more");
        assertThat(octets(dsn).length).isLessThan(400_000);
    }

    @Test
    void reportsThatTimeIsUp() {
        Envelope envelope = from("a@example.net").to(to("b@example.org")).build();
        SmtpReply last = SmtpReply.of(451, "4.4.1", "No answer from the primary");
        Dsn dsn = compose(envelope, utf8(ORIGINAL), List.of(FailedRecipient.expired(to("b@example.org"), last, null)))
                .orElseThrow();
        Header one = groups(dsn).get(1);
        assertThat(field(one, "Action")).isEqualTo("failed");
        assertThat(field(one, "Status")).isEqualTo("4.4.7");
        assertThat(one.getField("Remote-MTA")).isNull();
        assertThat(one.getField("Diagnostic-Code")).as("the reply is ours").isNull();
        assertThat(text(parts(dsn).get(0), StandardCharsets.US_ASCII)).contains("in time", "451 4.4.1 No answer");
    }

    @Test
    void aReplyWithoutAFittingEnhancedStatusCodeIs500() {
        Envelope envelope = from("a@example.net").to(to("b@example.org")).build();
        for (SmtpReply reply : List.of(SmtpReply.of(550, List.of("no")), SmtpReply.of(550, "4.1.1", "no"))) {
            Dsn dsn = compose(
                            envelope,
                            utf8(ORIGINAL),
                            List.of(FailedRecipient.refused(to("b@example.org"), reply, "mx1.example.org")))
                    .orElseThrow();
            assertThat(field(groups(dsn).get(1), "Status")).isEqualTo("5.0.0");
        }
    }

    @Test
    void nobodyIsToldWhoMustNotBe() {
        Recipient never = to("n@example.org").withNotify(Set.of(Notify.NEVER));
        Recipient success = to("s@example.org").withNotify(Set.of(Notify.SUCCESS, Notify.DELAY));
        Recipient failure = to("f@example.org").withNotify(Set.of(Notify.FAILURE));
        Recipient plain = to("p@example.org");
        List<FailedRecipient> all = List.of(never, success, failure, plain).stream()
                .map(one -> FailedRecipient.refused(one, REFUSED, null))
                .toList();
        Envelope envelope = from("a@example.net")
                .to(never)
                .to(success)
                .to(failure)
                .to(plain)
                .build();
        Dsn dsn = compose(envelope, utf8(ORIGINAL), all).orElseThrow();
        assertThat(groups(dsn).stream().skip(1).map(group -> field(group, "Final-Recipient")))
                .containsExactly("rfc822; f@example.org", "rfc822; p@example.org");
        assertThat(compose(envelope, utf8(ORIGINAL), all.subList(0, 2))).isEmpty();
        Envelope nullPath = from("").to(plain).build();
        assertThat(compose(nullPath, utf8(ORIGINAL), all))
                .as("null reverse-path")
                .isEmpty();
    }

    private static Envelope returning(Ret ret) {
        return from("a@example.net")
                .to(to("b@example.org"))
                .dsn(DsnParameters.none().withRet(ret))
                .build();
    }

    @Test
    void theWholeMessageIsReturnedOnlyIfAskedForAndSmall() {
        Dsn full = refused(returning(Ret.FULL), utf8(ORIGINAL));
        assertThat(parts(full).get(2).getMimeType()).isEqualTo("message/rfc822");
        assertThat(new String(octets(full), StandardCharsets.US_ASCII)).contains(ORIGINAL);
        for (Envelope envelope : List.of(
                returning(Ret.HDRS),
                from("a@example.net").to(to("b@example.org")).build())) {
            assertThat(new String(octets(refused(envelope, utf8(ORIGINAL))), StandardCharsets.US_ASCII))
                    .doesNotContain("secret");
        }
        byte[] fits = utf8(ORIGINAL + "x\r\n".repeat((DsnComposer.MAX_RETURNED_BYTES - ORIGINAL.length()) / 3));
        assertThat(parts(refused(returning(Ret.FULL), fits)).get(2).getMimeType())
                .isEqualTo("message/rfc822");
        byte[] big = utf8(ORIGINAL + "x\r\n".repeat(20_000));
        assertThat(parts(refused(returning(Ret.FULL), big)).get(2).getMimeType())
                .isEqualTo("text/rfc822-headers");
    }

    /** RFC 8689 section 5: as if RET=HDRS, and by no worse way than the message. */
    @Test
    void whatNeedsRequireTlsIsNotReturnedWholeAndTheDsnNeedsItToo() {
        Envelope envelope = from("a@example.net")
                .to(to("b@example.org"))
                .dsn(DsnParameters.none().withRet(Ret.FULL))
                .requireTls(true)
                .build();
        Dsn dsn = refused(envelope, utf8(ORIGINAL));
        assertThat(parts(dsn).get(2).getMimeType()).isEqualTo("text/rfc822-headers");
        assertThat(new String(octets(dsn), StandardCharsets.US_ASCII)).doesNotContain("secret");
        assertThat(dsn.envelope().requireTls()).isTrue();
        assertThat(refused(returning(Ret.FULL), utf8(ORIGINAL)).envelope().requireTls())
                .isFalse();
    }

    @Test
    void whatMimeCannotCarryIsNotReturnedWhole() {
        for (String bad : List.of("a\rb\r\n", "a\nb\r\n", "a\0b\r\n", "x".repeat(999) + "\r\n")) {
            Dsn dsn = refused(returning(Ret.FULL), utf8(ORIGINAL + bad));
            assertThat(parts(dsn).get(2).getMimeType()).isEqualTo("text/rfc822-headers");
        }
    }

    @Test
    void eightBitOctetsNeedEightBitMime() {
        Dsn dsn = refused(returning(Ret.FULL), utf8(ORIGINAL + "Grüße\r\n"));
        assertThat(dsn.envelope().bodyType()).isEqualTo(BodyType.EIGHT_BIT_MIME);
        assertThat(dsn.envelope().smtpUtf8()).isFalse();
        assertThat(parse(dsn).getContentTransferEncoding()).isEqualTo("8bit");
        assertThat(parts(dsn).get(2).getContentTransferEncoding()).isEqualTo("8bit");
        assertThat(parts(dsn).get(1).getContentTransferEncoding()).isEqualTo("7bit");
    }

    @Test
    void internationalMailGetsTheFormsOfRfc6533() {
        Recipient recipient = to("用户@example.org").withOrcpt("utf-8;\\x{7528}\\x{6237}@example.org");
        Envelope envelope =
                from("grüße@example.net").to(recipient).smtpUtf8(true).build();
        SmtpReply reply = SmtpReply.of(550, "5.1.1", "Kein Empfänger");
        Dsn dsn = compose(
                        envelope,
                        utf8("Subject: Grüße\r\n\r\n"),
                        List.of(FailedRecipient.refused(recipient, reply, "mx1.example.org")))
                .orElseThrow();
        assertThat(dsn.envelope().smtpUtf8()).isTrue();
        assertThat(dsn.envelope().bodyType()).isEqualTo(BodyType.EIGHT_BIT_MIME);
        assertThat(parts(dsn).stream().map(Entity::getMimeType))
                .containsExactly("text/plain", "message/global-delivery-status", "message/global-headers");
        assertThat(status(dsn))
                .contains("Final-Recipient: utf-8; 用户@example.org\r\n")
                .contains("Original-Recipient: utf-8; \\x{7528}\\x{6237}@example.org\r\n")
                .contains("Diagnostic-Code: smtp; 550 5.1.1 Kein Empfänger\r\n");
        assertThat(new String(octets(dsn), StandardCharsets.UTF_8)).contains("To: <grüße@example.net>\r\n");
        Envelope full = from("a@example.net")
                .to(recipient)
                .dsn(DsnParameters.none().withRet(Ret.FULL))
                .smtpUtf8(true)
                .build();
        assertThat(parts(refused(full, utf8(ORIGINAL))).get(2).getMimeType()).isEqualTo("message/global");
    }

    @Test
    void aReplyInAnotherAlphabetIsAsciiInAPlainDsn() {
        Recipient recipient = to("b@example.org");
        Envelope envelope = from("a@example.net").to(recipient).build();
        SmtpReply reply = SmtpReply.of(550, "5.1.1", "Kein Empfänger");
        Dsn dsn = compose(
                        envelope, utf8(ORIGINAL), List.of(FailedRecipient.refused(recipient, reply, "mx1.example.org")))
                .orElseThrow();
        assertThat(status(dsn)).contains("Kein Empf?nger");
        for (byte octet : octets(dsn)) {
            assertThat(octet).isNotNegative();
        }
    }

    @Test
    void nothingAPeerSaysMakesAFieldOfItsOwn() {
        String evil = "x\r\nStatus: 2.0.0\r\n\r\nBcc: c@example.com\r\n.\r\n";
        Recipient recipient = to("\"a b  c\"@example.org").withOrcpt("rfc822;b+0D+0AStatus:2.0.0@example.org");
        Envelope envelope = from("a@example.net")
                .to(recipient)
                .dsn(DsnParameters.none().withEnvid("a+0D+0A+0D+0ABcc:+20c@example.com"))
                .build();
        SmtpReply reply = SmtpReply.of(550, List.of(evil, "y".repeat(5000), " ".repeat(500), "--=_"));
        Dsn dsn = compose(envelope, utf8(ORIGINAL), List.of(FailedRecipient.refused(recipient, reply, evil)))
                .orElseThrow();
        assertThat(groups(dsn)).hasSize(2);
        assertThat(groups(dsn).get(1).getFields("Status")).hasSize(1);
        assertThat(groups(dsn).get(0).getField("Bcc")).isNull();
        assertThat(field(groups(dsn).get(1), "Final-Recipient")).isEqualTo("rfc822; \"a b  c\"@example.org");
        assertThat(octets(dsn).length).isLessThan(5000);
        checkLines(octets(dsn));
    }

    @Test
    void theMessageIdIsFoundWhereItIsOneOnly() {
        assertThat(messageId("message-id:\r\n <a@b>\r\n\r\n")).contains("<a@b>");
        assertThat(messageId("X: 1\nMessage-Id : <a@b> \n\n")).contains("<a@b>");
        assertThat(messageId("X: 1\r\n\r\nMessage-ID: <a@b>\r\n"))
                .as("in the body")
                .isEmpty();
        assertThat(messageId("Message-ID: a@b\r\n\r\n")).isEmpty();
        assertThat(messageId("Message-ID: <a@b> <c@d>\r\n\r\n")).isEmpty();
        assertThat(messageId("Message-ID: <a\u00fc@b>\r\n\r\n")).isEmpty();
        assertThat(messageId("Message-ID: <" + "a".repeat(300) + "@b>\r\n\r\n")).isEmpty();
        assertThat(messageId("X: 1\r\n Message-ID: <a@b>\r\n\r\n"))
                .as("continuation")
                .isEmpty();
        assertThat(messageId("")).isEmpty();
        assertThat(messageId("no header at all\r\nMessage-ID: <a@b>\r\n")).isEmpty();
        assertThat(messageId("X: " + "y".repeat(200_000) + "\r\nMessage-ID: <a@b>\r\n\r\n"))
                .contains("<a@b>");
        assertThat(messageId("X: " + "y".repeat(300_000) + "\r\nMessage-ID: <a@b>\r\n\r\n"))
                .as("too far")
                .isEmpty();
    }

    private Optional<String> messageId(String original) {
        Dsn dsn = refused(returning(Ret.HDRS), utf8(original));
        return Optional.ofNullable(parse(dsn).getHeader().getField("In-Reply-To"))
                .map(field -> field.getBody().strip());
    }

    @Test
    void aHugeHeaderSectionIsCutAtALine() {
        Dsn dsn = refused(returning(Ret.HDRS), utf8("X: 1234567890\r\n".repeat(10_000) + "\r\n"));
        byte[] header = content(parts(dsn).get(2));
        assertThat(header.length)
                .isBetween(DsnComposer.MAX_RETURNED_HEADER_BYTES - 20, DsnComposer.MAX_RETURNED_HEADER_BYTES);
        assertThat(new String(header, StandardCharsets.US_ASCII)).endsWith("X: 1234567890\r\n");
    }

    @Test
    void anOriginalThatCannotBeReadIsTheCallersMatter() {
        Envelope envelope = from("a@example.net").to(to("b@example.org")).build();
        SpooledMessage message = new SpooledMessage(new SpoolId("1"), envelope, RECEIVED, 10);
        MailData broken = new MailData() {
            @Override
            public long sizeBytes() {
                return 10;
            }

            @Override
            public InputStream open() throws IOException {
                throw new IOException("broken");
            }
        };
        assertThatThrownBy(() -> composer.compose(
                        message, List.of(FailedRecipient.refused(to("b@example.org"), REFUSED, null)), broken))
                .isInstanceOf(IOException.class);
    }

    @Test
    void idsAreUnique() {
        assertThat(parse(refused(returning(Ret.HDRS), utf8(ORIGINAL))).getMessageId())
                .isNotEqualTo(
                        parse(refused(returning(Ret.HDRS), utf8(ORIGINAL))).getMessageId());
    }

    @Provide
    Arbitrary<Envelope> envelopes() {
        return MailArbitraries.envelopes();
    }

    @Provide
    Arbitrary<SmtpReply> refusals() {
        return MailArbitraries.replies().filter(SmtpReply::isPermanent);
    }

    @Provide
    Arbitrary<byte[]> originals() {
        Arbitrary<String> pieces = Arbitraries.of(
                "Subject: x\r\n",
                "Message-ID: <a@b>\r\n",
                " folded\r\n",
                "\r\n",
                "text\r\n",
                "ü: ü\r\n",
                "\r",
                "\n",
                "\0",
                ".",
                "--=_\r\n",
                "Z: " + "z".repeat(2000),
                "ü".repeat(700));
        return Arbitraries.oneOf(
                pieces.list().ofMaxSize(20).map(list -> utf8(String.join("", list))),
                Arbitraries.bytes().array(byte[].class).ofMaxSize(300));
    }

    @Property(tries = 150)
    void everyDsnIsWellFormed(
            @ForAll("envelopes") Envelope envelope,
            @ForAll("refusals") SmtpReply reply,
            @ForAll("originals") byte[] original,
            @ForAll boolean isExpired,
            @ForAll String remoteMta) {
        List<FailedRecipient> failed = envelope.recipients().stream()
                .map(one -> new FailedRecipient(one, reply, remoteMta, isExpired))
                .toList();
        Optional<Dsn> made = compose(envelope, original, failed);
        long told = envelope.recipients().stream()
                .filter(one ->
                        one.notifications().isEmpty() || one.notifications().contains(Notify.FAILURE))
                .count();
        assertThat(made.isPresent()).isEqualTo(!envelope.reversePath().isNull() && told > 0);
        if (made.isEmpty()) {
            return;
        }
        Dsn dsn = made.get();
        byte[] octets = octets(dsn);
        checkLines(octets);
        assertThat(parts(dsn)).hasSize(3);
        assertThat(groups(dsn)).hasSize((int) told + 1);
        for (Header group : groups(dsn).subList(1, (int) told + 1)) {
            assertThat(group.getFields("Final-Recipient")).hasSize(1);
            assertThat(field(group, "Status")).matches(isExpired ? "4\\.4\\.7" : "5\\.\\d{1,3}\\.\\d{1,3}");
        }
        boolean isAscii = Arrays.equals(octets, utf8(new String(octets, StandardCharsets.US_ASCII)));
        assertThat(isAscii || dsn.envelope().bodyType() == BodyType.EIGHT_BIT_MIME)
                .isTrue();
    }

    private static void checkLines(byte[] octets) {
        int length = 0;
        for (int i = 0; i < octets.length; i++) {
            if (octets[i] == '\r') {
                assertThat(octets[++i]).isEqualTo((byte) '\n');
                assertThat(length).isLessThanOrEqualTo(998);
                length = 0;
            } else {
                assertThat(octets[i]).isNotIn((byte) '\n', (byte) 0);
                length++;
            }
        }
        assertThat(length).as("ends in CRLF").isZero();
    }
}
