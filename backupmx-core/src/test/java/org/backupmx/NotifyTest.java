package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.SmtpReply;
import org.backupmx.testing.FakeRelayClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

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
}
