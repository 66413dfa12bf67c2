package org.backupmx.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QueuedMessageFormatTest {

    private static final Instant AT = Instant.parse("2026-11-22T10:15:30.123456Z");

    private static QueuedMessage queued(Envelope envelope, boolean held) {
        List<MessageLane> lanes = new ArrayList<>();
        for (MailDomain domain : envelope.domains()) {
            List<QueuedRecipient> recipients = new ArrayList<>();
            for (int i = 0; i < envelope.recipients().size(); i++) {
                if (envelope.recipients().get(i).domain().equals(domain)) {
                    RecipientState state = i % 3 == 0
                            ? RecipientState.Pending.INSTANCE
                            : new RecipientState.Deferred(reply(i), AT.plusNanos(i));
                    recipients.add(new QueuedRecipient(i, envelope.recipients().get(i), state));
                }
            }
            lanes.add(new MessageLane(domain, recipients, lanes.size() * 7, lanes.isEmpty() ? Instant.MAX : AT));
        }
        return new QueuedMessage(new SpooledMessage(new SpoolId("a-1"), envelope, AT, 12345), lanes, held);
    }

    private static SmtpReply reply(int i) {
        return i % 2 == 0
                ? SmtpReply.of(451, List.of("ätsch", "", "last"))
                : SmtpReply.of(450, Optional.of(EnhancedStatusCode.parse("4.2.1")), List.of(""));
    }

    @Test
    void everyEnvelopeComesBack() throws Exception {
        for (Envelope envelope : Envelopes.ofEveryKind()) {
            for (boolean held : new boolean[] {true, false}) {
                QueuedMessage message = queued(envelope, held);
                assertThat(QueuedMessageFormat.decode(QueuedMessageFormat.encode(message)))
                        .isEqualTo(message);
            }
        }
    }

    /** What a release wrote that did not know of REQUIRETLS: a truth value where there are flags now. */
    @ParameterizedTest
    @CsvSource({
        "true,  01, d7230510",
        "false, 00, 29c464b7",
    })
    void whatWasWrittenBeforeRequireTlsHasNone(boolean smtpUtf8, String octet, String crc) throws Exception {
        String octets = "010003612d31000000006b02c0c2000000000000000000000005000b7340612e6578616d706c65"
                + "0009534556454e5f424954" + octet
                + "ffffffffffffffff0000000000000001000b7840612e6578616d706c6500000000000000010009612e6578616d706c65"
                + "00000000000000006b02c0c200000000000000010000000000" + crc;
        Envelope envelope = Envelope.from(ReversePath.parse("s@a.example"))
                .smtpUtf8(smtpUtf8)
                .to(Recipient.of(ForwardPath.parse("x@a.example")))
                .build();
        QueuedMessage message = QueuedMessage.of(
                new SpooledMessage(new SpoolId("a-1"), envelope, Instant.parse("2026-11-22T10:15:30Z"), 5));

        assertThat(QueuedMessageFormat.decode(HexFormat.of().parseHex(octets))).isEqualTo(message);
        assertThat(HexFormat.of().formatHex(QueuedMessageFormat.encode(message)))
                .isEqualTo(octets);
    }

    @Test
    void aCutAtAnyOctetIsDamage() {
        byte[] octets = QueuedMessageFormat.encode(queued(Envelopes.to("x@a.example", "y@b.example"), false));
        for (int length = 0; length < octets.length; length++) {
            byte[] cut = Arrays.copyOf(octets, length);
            assertThatThrownBy(() -> QueuedMessageFormat.decode(cut)).isInstanceOf(SpoolDamagedException.class);
        }
    }

    @Test
    void aFlippedBitAnywhereIsDamage() {
        byte[] octets = QueuedMessageFormat.encode(queued(Envelopes.to("x@a.example", "y@b.example"), true));
        for (int bit = 0; bit < octets.length * 8; bit++) {
            byte[] flipped = octets.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> QueuedMessageFormat.decode(flipped)).isInstanceOf(SpoolDamagedException.class);
        }
    }
}
