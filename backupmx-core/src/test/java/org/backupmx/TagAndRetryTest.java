package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RelayRequest;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Refused content goes to the primary once more, with a field on top for its filters. */
class TagAndRetryTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final String FIELD = "X-BackupMX-Refused: 554 5.7.1 Message rejected as spam\r\n";
    private static final SmtpReply SPAM = SmtpReply.of(554, "5.7.1", "Message rejected as spam");
    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");
    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private VirtualEngine engine = tagging(new VirtualEngine());

    private static VirtualEngine tagging(VirtualEngine engine) {
        engine.builder.undelivered(UndeliveredPolicy.standard().withContentRefusal(ContentRefusal.TAG_AND_RETRY));
        return engine;
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private static String data(RelayRequest request) {
        try (InputStream in = request.mailData().open()) {
            byte[] octets = in.readAllBytes();
            assertThat(request.mailData().sizeBytes()).isEqualTo(octets.length);
            return new String(octets, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isTagged(RelayRequest request) {
        return data(request).startsWith(FIELD + "Received: ");
    }

    /** What a recipient is told: without the tag spam, with it that. */
    private void withTag(String recipient, SmtpReply reply) {
        engine.client.script(request -> {
            engine.client.reply(ForwardPath.parse(recipient), isTagged(request) ? reply : SPAM);
            return engine.client.answer(request);
        });
    }

    private void send(String... recipients) {
        assertThat(engine.server
                        .connect()
                        .send("a@sender.test", MAIL, recipients)
                        .reply()
                        .code())
                .isEqualTo(250);
        engine.time.run();
    }

    private List<Boolean> attempts() {
        return engine.client.attempts().stream().map(TagAndRetryTest::isTagged).toList();
    }

    private List<QueuedMessage> queued() throws Exception {
        return engine.spool.find(SpoolFilter.all(), Optional.empty(), 10);
    }

    @Test
    void aFilterThatKnowsTheFieldTakesIt() throws Exception {
        engine.start();
        withTag("u@example.test", OK);
        send("u@example.test");
        assertThat(attempts()).containsExactly(false, true);
        assertThat(engine.client.relayed())
                .singleElement()
                .satisfies(mail -> assertThat(mail.mailData())
                        .startsWith(FIELD + "Received: ")
                        .endsWith(MAIL));
        assertThat(queued()).isEmpty();
    }

    @Test
    void refusedAgainItIsADeadLetterAndNobodyIsTold() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        withTag("u@example.test", SPAM);
        send("u@example.test");
        engine.time.advance(Duration.ofDays(2));
        assertThat(attempts()).containsExactly(false, true);
        assertThat(queued()).singleElement().matches(QueuedMessage::held);
        assertThat(engine.events.events(MessageDeadLettered.class))
                .singleElement()
                .satisfies(event -> assertThat(event.reply()).isEqualTo(SPAM));
        assertThat(engine.mx.undelivered().dsnSent()).isZero();

        engine.mx.queue().release(queued().get(0).id());
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(attempts()).as("as it came, and once").containsExactly(false, true, false);
        assertThat(queued()).singleElement().matches(QueuedMessage::held);
    }

    @Test
    void theTagOutlivesTheEngineAndATransientFailure() throws Exception {
        engine.start();
        withTag("u@example.test", LATER);
        send("u@example.test");
        assertThat(attempts()).containsExactly(false, true);
        engine.stop();
        engine = tagging(engine.restarted());
        engine.start();
        withTag("u@example.test", LATER);
        engine.time.advance(Duration.ofMinutes(30));
        withTag("u@example.test", OK);
        engine.time.advance(Duration.ofHours(2));
        assertThat(attempts()).isNotEmpty().doesNotContain(false);
        assertThat(queued()).isEmpty();
    }

    @Test
    void othersOfTheMessageGetItAsItCame() throws Exception {
        engine.start();
        withTag("spammed@example.test", OK);
        engine.client.reply(ForwardPath.parse("later@example.test"), LATER);
        send("spammed@example.test", "later@example.test", "good@example.test");
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(attempts()).doesNotContain(true);
        engine.client.reply(ForwardPath.parse("later@example.test"), OK);
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.client.attempts())
                .filteredOn(TagAndRetryTest::isTagged)
                .singleElement()
                .satisfies(attempt -> assertThat(attempt.recipients())
                        .extracting(to -> to.path().toString())
                        .containsExactly("spammed@example.test"));
        assertThat(engine.client.relayed()).hasSize(3);
        assertThat(queued()).isEmpty();
    }

    @Test
    void whatIsNoMatterOfFiltersGetsNoTag() throws Exception {
        engine.start();
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "User unknown"));
        send("never@example.test");
        engine.client.reply(
                ForwardPath.parse("big@example.test"),
                SmtpReply.of(552, "5.2.3", "Message too large for this mailbox"));
        send("big@example.test");
        engine.time.advance(Duration.ofDays(1));
        assertThat(attempts()).containsExactly(false, false);
        assertThat(engine.mx.undelivered().deadLettered()).isEqualTo(2);
    }
}
