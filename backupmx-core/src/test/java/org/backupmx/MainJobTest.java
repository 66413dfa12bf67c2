package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.dns.MxLookup;
import org.backupmx.event.MessageAccepted;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.event.RouteHeld;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.SpoolException;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The engine as a whole, on virtual time. */
class MainJobTest {

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";

    private int accept(int count) {
        var client = engine.server.connect();
        for (int i = 0; i < count; i++) {
            Verdict verdict = client.send("a@sender.test", MAIL, "user" + i + "@example.test");
            assertThat(verdict.reply().code()).isEqualTo(250);
        }
        return count;
    }

    private List<FakeRelayClient.Relayed> relayed() {
        return engine.client.relayed();
    }

    private Optional<Instant> nextDue(String domain) throws SpoolException {
        return engine.mx.snapshot().domains().stream()
                .filter(queue -> queue.domain().equals(MailDomain.of(domain)))
                .findFirst()
                .orElseThrow()
                .nextDue();
    }

    @Test
    void mailAcceptedWhileThePrimaryIsDownArrivesWhenItIsBack() throws Exception {
        engine.client.allDown();
        engine.start();
        accept(200);
        engine.time.advance(Duration.ofHours(3));

        assertThat(relayed()).isEmpty();
        assertThat(engine.mx.snapshot().queued()).isEqualTo(200);
        assertThat(engine.mx.snapshot().domains().get(0).health()).isEqualTo(PrimaryHealth.DOWN);
        assertThat(nextDue("example.test"))
                .hasValueSatisfying(due -> assertThat(due).isBeforeOrEqualTo(engine.time.now()));
        assertThat(engine.client.attempts())
                .as("no attempts message by message")
                .hasSizeLessThan(20);

        engine.client.allUp();
        engine.time.advance(Duration.ofSeconds(133)); // after an hour away it is probed every 2 min

        assertThat(relayed()).hasSize(200);
        assertThat(relayed().get(0).mailData())
                .startsWith("Received: from client.example.com (unknown [192.0.2.10])")
                .endsWith("\r\n" + MAIL);
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(nextDue("example.test")).isEmpty();
        assertThat(engine.events.events(RecipientRelayed.class)).hasSize(200);
        assertThat(engine.events.events(PrimaryChanged.class))
                .filteredOn(event -> event.domains().contains(MailDomain.of("example.test")))
                .extracting(event -> event.change().to())
                .containsExactly(PrimaryHealth.DOWN, PrimaryHealth.DEGRADED, PrimaryHealth.UP);
    }

    @Test
    void mailGoesOnAtOnceWhileThePrimaryIsUp() {
        engine.start();
        accept(3);
        engine.time.run();
        assertThat(relayed()).hasSize(3);
    }

    @Test
    void aBacklogBehindABusyPrimaryGoesOnWithoutAPause() {
        engine.start();
        accept(1);
        engine.time.run();
        engine.client.stall();
        accept(350);
        engine.client.resume();
        engine.time.run();
        assertThat(relayed()).hasSize(351);
    }

    @Test
    void aRetryIsOnTimeAlthoughOtherMailCameWhenTheAttemptEnded() {
        engine.builder.retryPolicy(RetryPolicy.intervals(Duration.ofSeconds(7)));
        engine.start();
        accept(1);
        engine.time.run();
        engine.client.stall();
        engine.client.reply(ForwardPath.parse("user0@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        accept(1);
        engine.time.run();
        engine.client.resume();
        engine.server.connect().send("a@sender.test", MAIL, "other@example.test");
        engine.time.run();
        assertThat(relayed()).hasSize(2);
        engine.client.reply(ForwardPath.parse("user0@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        engine.time.advance(Duration.ofSeconds(7));
        assertThat(relayed()).hasSize(3);
    }

    @Test
    void queuedMailOutlivesTheEngine() {
        engine.client.allDown();
        engine.start();
        accept(20);
        engine.stop();

        VirtualEngine next = engine.restarted();
        next.start();
        next.time.advance(Duration.ofSeconds(1));
        assertThat(next.client.relayed()).hasSize(20);
        next.stop();
    }

    @Test
    void aDrainTakesWhatIsNotDueAndTriesNothingTwice() {
        engine.start();
        engine.time.run();
        for (int i = 0; i < 150; i++) {
            engine.client.reply(ForwardPath.parse("user" + i + "@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        }
        accept(300);
        engine.time.run();
        assertThat(relayed()).hasSize(150);
        int attempts = engine.client.attempts().size();
        engine.time.advance(Duration.ofSeconds(1));

        engine.mx.queue().flush(MailDomain.of("example.test"));
        engine.time.run();
        assertThat(engine.client.attempts()).hasSize(attempts + 150);

        engine.client.allDown();
        engine.time.advance(Duration.ofMinutes(30));
        for (int i = 0; i < 150; i++) {
            engine.client.reply(ForwardPath.parse("user" + i + "@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        }
        engine.client.allUp();
        engine.time.advance(Duration.ofSeconds(67));
        assertThat(relayed()).hasSize(300);
    }

    @Test
    void eachRecipientHasItsOwnOutcome() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        engine.client.reply(ForwardPath.parse("later@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        engine.server
                .connect()
                .send("a@sender.test", MAIL, "good@example.test", "later@example.test", "never@example.test");
        engine.time.run();

        assertThat(engine.events.events(RecipientRelayed.class))
                .extracting(event -> event.recipient().toString())
                .containsExactly("good@example.test", "a@sender.test");
        assertThat(engine.events.events(RecipientDeferred.class))
                .extracting(event -> event.recipient().toString())
                .containsExactly("later@example.test");
        assertThat(engine.events.events(RecipientFailed.class)).singleElement().satisfies(event -> {
            assertThat(event.recipient()).hasToString("never@example.test");
            assertThat(event.notified()).isTrue();
            assertThat(event.attempts()).isEqualTo(1);
            assertThat(event.nextHop())
                    .hasValueSatisfying(hop -> assertThat(hop.nextHop().host()).isEqualTo("127.0.0.50"));
        });
        assertThat(relayed()).anySatisfy(dsn -> {
            assertThat(dsn.reversePath().isNull()).isTrue();
            assertThat(dsn.recipient()).hasToString("a@sender.test");
            assertThat(dsn.nextHop().nextHop()).hasToString("sender.test:25");
            assertThat(dsn.mailData()).contains("Final-Recipient").contains("never@example.test");
        });

        engine.client.reply(ForwardPath.parse("later@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        engine.time.advance(Duration.ofMinutes(6));
        assertThat(relayed())
                .extracting(r -> r.recipient().toString())
                .containsExactlyInAnyOrder("good@example.test", "a@sender.test", "later@example.test");
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aNullReversePathIsNeverAnswered() throws Exception {
        engine.start();
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        engine.server.connect().send("", MAIL, "never@example.test", "u@example.test");
        engine.time.run();
        assertThat(relayed()).extracting(r -> r.recipient().toString()).containsExactly("u@example.test");
        assertThat(engine.events.events(RecipientFailed.class))
                .singleElement()
                .satisfies(event -> assertThat(event.notified()).isFalse());
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void mailExpiresInALongOutageAndItsSenderIsTold() throws Exception {
        engine.client.down("127.0.0.50");
        engine.builder.retryPolicy(RetryPolicy.parse("5m*3, 15m*4, 1h").giveUpAfter(Duration.ofHours(20)));
        engine.builder.undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.bounce()));
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        for (int i = 0; i < 90; i++) {
            engine.server.connect().send("a" + i + "@sender.test", MAIL, "user" + i + "@example.test");
        }
        engine.time.advance(Duration.ofHours(19));
        assertThat(engine.mx.snapshot().queued()).isEqualTo(90);
        engine.time.advance(Duration.ofHours(3));

        assertThat(engine.events.events(RecipientExpired.class)).hasSize(90).allMatch(RecipientExpired::notified);
        assertThat(engine.events.events(RecipientExpired.class)).allSatisfy(event -> {
            long deferred = engine.events.events(RecipientDeferred.class).stream()
                    .filter(before -> before.id().equals(event.id()))
                    .count();
            assertThat(event.attempts())
                    .isEqualTo((int) deferred + (event.nextHop().isPresent() ? 1 : 0));
        });
        assertThat(relayed()).hasSize(90).allMatch(dsn -> dsn.reversePath().isNull());
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void anAttemptThatLastsKeepsItsLease() throws Exception {
        engine.start();
        engine.time.run();
        engine.client.stall();
        accept(1);
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(engine.client.attempts()).hasSize(1);
        engine.client.resume();
        engine.time.run();
        assertThat(relayed()).hasSize(1);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void theNextAddressIsTriedAtOnce() {
        engine.client.down("mx1.home.test");
        engine.resolver
                .mx("byname.test", "10 mx1.home.test", "20 mx2.home.test")
                .host("mx1.home.test", "9.9.9.1")
                .host("mx2.home.test", "9.9.9.2");
        engine.start();
        engine.server.connect().send("a@sender.test", MAIL, "u@byname.test");
        engine.time.run();
        assertThat(relayed())
                .singleElement()
                .satisfies(mail -> assertThat(mail.nextHop()).hasToString("mx2.home.test:25[9.9.9.2]"));
    }

    @Test
    void aRelayDomainWithoutARouteIsNotToldOfWhileNothingWaits() throws Exception {
        engine.resolver.lookup("byname.test", new MxLookup.NoSuchDomain());
        engine.start();
        engine.time.advance(Duration.ofHours(5));
        assertThat(engine.events.events(RouteHeld.class)).isEmpty();

        engine.server.connect().send("a@sender.test", MAIL, "u@byname.test");
        engine.time.run();
        assertThat(engine.events.events(RouteHeld.class)).hasSize(1);
    }

    @Test
    void aRelayDomainWithoutARouteIsHeldAndTold() throws Exception {
        engine.resolver.lookup("byname.test", new MxLookup.NoSuchDomain());
        engine.start();
        engine.server.connect().send("a@sender.test", MAIL, "u@byname.test");
        engine.time.advance(Duration.ofHours(5));
        assertThat(engine.events.events(RouteHeld.class))
                .singleElement()
                .satisfies(event -> assertThat(event.domain()).hasToString("byname.test"));
        assertThat(relayed()).isEmpty();

        engine.resolver.mx("byname.test", "10 mx1.home.test").host("mx1.home.test", "9.9.9.1");
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(relayed()).hasSize(1);
    }

    @Test
    void aDsnToADomainThatDoesNotExistIsDropped() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        engine.client.reply(ForwardPath.parse("never@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        engine.server.connect().send("a@nowhere.test", MAIL, "never@example.test");
        engine.time.run();
        assertThat(engine.events.events(RecipientFailed.class)).hasSize(2);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void oneProbeServesAllDomainsOfAPrimary() {
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(engine.client.probes().stream()
                        .filter(probe -> probe.nextHop().nextHop().host().equals("127.0.0.50"))
                        .count())
                .as("two domains, one primary, one probe a minute")
                .isBetween(9L, 13L);
    }

    @Test
    void acceptedComesBeforeRelayed() {
        engine.start();
        accept(50);
        engine.time.run();
        var events = engine.events.events();
        for (var relayed : engine.events.events(RecipientRelayed.class)) {
            int accepted = events.indexOf(engine.events.events(MessageAccepted.class).stream()
                    .filter(event -> event.id().equals(relayed.id()))
                    .findAny()
                    .orElseThrow());
            assertThat(accepted).isLessThan(events.indexOf(relayed));
        }
    }
}
