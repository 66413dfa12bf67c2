package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backupmx.health.HealthProbe;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.SmtpReply;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** DSNs that are asked for by NOTIFY. */
class NotifyTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void trustClients() {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
    }

    private void send(Notify... notify) {
        var client = engine.server.connect();
        client.mail("a@sender.test");
        client.rcpt("u@example.test", RcptParameters.of(Set.of(notify), Optional.empty()));
        assertThat(client.data(MAIL).reply().code()).isEqualTo(250);
        engine.time.run();
    }

    private List<String> dsns() {
        return engine.client.relayed().stream()
                .filter(mail -> mail.reversePath().isNull())
                .map(FakeRelayClient.Relayed::mailData)
                .toList();
    }

    @Test
    void whoAsksForItHearsThatMailIsLateOnceAndInTheOutage() {
        trustClients();
        engine.client.down("127.0.0.50");
        engine.start();
        send(Notify.DELAY, Notify.FAILURE);
        engine.time.advance(Duration.ofHours(4).minusMinutes(1));
        assertThat(dsns()).isEmpty();
        engine.time.advance(Duration.ofHours(2));
        assertThat(dsns())
                .singleElement()
                .satisfies(dsn ->
                        assertThat(dsn).contains("Action: delayed\r\n", "Status: 4.4.1\r\n", "Will-Retry-Until: "));
        engine.time.advance(Duration.ofDays(2));
        assertThat(dsns()).hasSize(1);
    }

    @Test
    void lateMailThatIsAttemptedIsToldOfOnce() {
        trustClients();
        engine.start();
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        send(Notify.DELAY);
        engine.time.advance(Duration.ofHours(12));
        assertThat(dsns())
                .singleElement()
                .satisfies(dsn -> assertThat(dsn)
                        .contains("Action: delayed\r\n", "Status: 4.2.1\r\n", "Remote-MTA: dns; 127.0.0.50\r\n"));
    }

    @Test
    void lateMailIsNotToldOfUnasked() {
        trustClients();
        engine.client.down("127.0.0.50");
        engine.start();
        send();
        send(Notify.FAILURE, Notify.SUCCESS);
        engine.time.advance(Duration.ofDays(1));
        assertThat(dsns()).isEmpty();
    }

    @Test
    void whoIsNotVerifiedHearsNothing() {
        engine.start();
        send(Notify.SUCCESS, Notify.DELAY);
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        send(Notify.SUCCESS, Notify.DELAY);
        engine.time.advance(Duration.ofDays(1));
        assertThat(dsns()).isEmpty();
        assertThat(engine.mx.undelivered().dsnSent()).isZero();
    }

    @Test
    void successIsToldWhereThePrimaryDoesNotTellItself() {
        trustClients();
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        send(Notify.SUCCESS);
        assertThat(dsns())
                .singleElement()
                .satisfies(dsn -> assertThat(dsn)
                        .contains("Action: relayed\r\n", "Status: 2.0.0\r\n", "Subject: Relayed mail\r\n"));
        send(Notify.NEVER);
        send(Notify.FAILURE);
        assertThat(dsns()).hasSize(1);
    }

    @Test
    void senderWhoWantsToHearNothingIsNotTold() throws Exception {
        trustClients();
        engine.start();
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        send(Notify.NEVER);
        assertThat(dsns()).isEmpty();
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(engine.mx.undelivered().dropped()).isOne();
    }

    /** RFC 3461 section 5.2.2: who passes NOTIFY on to a host that speaks DSN tells nothing of a success. */
    @Test
    void aPrimaryThatOffersDsnTellsOfSuccessItself() {
        trustClients();
        engine.client.extensions("PIPELINING", "DSN");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        send(Notify.SUCCESS, Notify.DELAY);
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(engine.client.attempts())
                .singleElement()
                .satisfies(attempt -> assertThat(attempt.recipients().get(0).notifications())
                        .as("NOTIFY goes along")
                        .containsExactlyInAnyOrder(Notify.SUCCESS, Notify.DELAY));
        engine.time.advance(Duration.ofDays(1));
        assertThat(dsns()).isEmpty();
    }

    /** While it is with us, nobody else can tell that it is late. */
    @Test
    void ofLatenessWeTellWhateverThePrimaryOffers() {
        trustClients();
        engine.client.extensions("PIPELINING", "DSN");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.down("127.0.0.50");
        send(Notify.SUCCESS, Notify.DELAY);
        engine.time.advance(Duration.ofHours(6));
        assertThat(dsns()).singleElement().satisfies(dsn -> assertThat(dsn).contains("Action: delayed\r\n"));
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.client.attempts())
                .as("it went home, NOTIFY with it")
                .filteredOn(attempt -> !attempt.envelope().reversePath().isNull())
                .last()
                .satisfies(attempt ->
                        assertThat(attempt.recipients().get(0).notifications()).contains(Notify.SUCCESS, Notify.DELAY));
        assertThat(dsns()).hasSize(1);
    }

    @Test
    void whereItIsNotKnownWhetherThePrimaryTellsNobodyIsToldTwice() {
        trustClients();
        engine.client.extensions(); // it was not asked, or greeted by HELO
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        send(Notify.SUCCESS);
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(dsns()).isEmpty();
    }

    @Test
    void whatTheSessionForTheMailSaysCounts() {
        trustClients();
        engine.builder.healthProbe(HealthProbe.off());
        engine.client.tellInAttempts();
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        send(Notify.SUCCESS);
        assertThat(dsns()).singleElement().satisfies(dsn -> assertThat(dsn).contains("Action: relayed\r\n"));
        engine.client.extensions("DSN");
        send(Notify.SUCCESS);
        assertThat(dsns()).hasSize(1);
    }

    /** Whatever becomes of it; of rescue see {@link RescueTest}. */
    @ParameterizedTest
    @ValueSource(strings = {"relayed", "late", "unknown user", "content", "expired", "expired in an outage"})
    void whoWantsToHearNothingHearsNothing(String fate) {
        trustClients();
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofDays(1)))
                .undelivered(UndeliveredPolicy.standard()
                        .withExpiry(ExpiryAction.bounce())
                        .withContentRefusal(ContentRefusal.DSN_IF_VERIFIED));
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        ForwardPath recipient = ForwardPath.parse("u@example.test");
        switch (fate) {
            case "relayed" -> {}
            case "late", "expired" -> engine.client.reply(recipient, SmtpReply.of(450, "4.2.1", "Later"));
            case "unknown user" -> engine.client.reply(recipient, SmtpReply.of(550, "5.1.1", "Unknown"));
            case "content" -> engine.client.reply(recipient, SmtpReply.of(554, "5.7.1", "Spam"));
            case "expired in an outage" -> engine.client.down("127.0.0.50");
            default -> throw new AssertionError(fate);
        }
        send(Notify.NEVER);
        engine.time.advance(fate.equals("late") ? Duration.ofHours(6) : Duration.ofDays(3));
        assertThat(dsns()).isEmpty();
        assertThat(engine.mx.undelivered().dsnSent()).isZero();
    }

    /** The same with NOTIFY as it is by default: those that fail are told of. */
    @ParameterizedTest
    @ValueSource(strings = {"unknown user", "content", "expired in an outage"})
    void whoSaysNothingHearsOfFailures(String fate) {
        trustClients();
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofDays(1)))
                .undelivered(UndeliveredPolicy.standard()
                        .withExpiry(ExpiryAction.bounce())
                        .withContentRefusal(ContentRefusal.DSN_IF_VERIFIED));
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        ForwardPath recipient = ForwardPath.parse("u@example.test");
        if (fate.equals("expired in an outage")) {
            engine.client.down("127.0.0.50");
        } else {
            boolean isContent = fate.equals("content");
            engine.client.reply(
                    recipient, SmtpReply.of(550, isContent ? "5.7.1" : "5.1.1", isContent ? "Spam" : "Unknown"));
        }
        send();
        engine.time.advance(Duration.ofDays(3));
        assertThat(dsns()).singleElement().satisfies(dsn -> assertThat(dsn).contains("Action: failed\r\n"));
    }
}
