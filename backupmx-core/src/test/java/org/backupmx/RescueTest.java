package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.event.RecipientRescued;
import org.backupmx.event.RescueBegun;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Notify;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueueSnapshot;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelayRequest;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.RescueHosts;
import org.backupmx.undelivered.UndeliveredCounts;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Mail that the primary does not take goes to the rescue hosts, and to them alone. */
class RescueTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final String PRIMARY = "127.0.0.50";
    private static final String RESCUE = "127.0.0.60";
    private static final SmtpReply SPAM = SmtpReply.of(554, "5.7.1", "Message rejected as spam");
    private static final SmtpReply UNKNOWN = SmtpReply.of(550, "5.1.1", "User unknown");
    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");
    private static final Duration DAY = Duration.ofDays(1);

    private static final UndeliveredPolicy RESCUING = UndeliveredPolicy.standard()
            .withRescueHosts(RescueHosts.of(NextHop.parse(RESCUE)).withLifetime(DAY.multipliedBy(2)))
            .withExpiry(ExpiryAction.rescue())
            .withContentRefusal(ContentRefusal.RESCUE);

    private VirtualEngine engine = rescuing(new VirtualEngine());

    private static VirtualEngine rescuing(VirtualEngine engine) {
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY.multipliedBy(3)))
                .undelivered(RESCUING);
        return engine;
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void restart() {
        engine.stop();
        engine = rescuing(engine.restarted());
    }

    private void reply(String recipient, SmtpReply reply) {
        engine.client.reply(ForwardPath.parse(recipient), reply);
    }

    /** Lets the primary refuse somebody whom the rescue host takes. */
    private void primaryRefuses(SmtpReply reply) {
        engine.client.script(request -> {
            boolean isPrimary = request.nextHop().nextHop().host().equals(PRIMARY);
            request.recipients()
                    .forEach(
                            to -> engine.client.reply(to.path(), isPrimary ? reply : SmtpReply.of(250, "2.0.0", "Ok")));
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

    private void advance(Duration time) {
        engine.time.advance(time);
    }

    private List<RelayRequest> attemptsAt(String host) {
        return engine.client.attempts().stream()
                .filter(request -> request.nextHop().nextHop().host().equals(host))
                .toList();
    }

    private List<String> rescued() {
        return engine.client.relayed().stream()
                .filter(mail -> mail.nextHop().nextHop().host().equals(RESCUE))
                .map(mail -> mail.recipient().toString())
                .toList();
    }

    private UndeliveredCounts counts() {
        return engine.mx.undelivered();
    }

    private List<QueuedMessage> queued() throws Exception {
        return engine.spool.find(SpoolFilter.all(), Optional.empty(), 1_000);
    }

    @Test
    void whatExpiresInAnOutageGoesToTheRescueHost() throws Exception {
        engine.client.down(PRIMARY);
        engine.start();
        advance(Duration.ofMinutes(10));
        for (int i = 0; i < 250; i++) {
            send("u" + i + "@example.test");
        }
        advance(DAY.multipliedBy(3).minusHours(1));
        assertThat(attemptsAt(RESCUE)).isEmpty();
        advance(Duration.ofHours(2));
        assertThat(rescued()).hasSize(250).doesNotHaveDuplicates();
        assertThat(queued()).isEmpty();
        assertThat(engine.events.events(RescueBegun.class)).hasSize(250).first().satisfies(event -> {
            assertThat(event.recipients()).hasSize(1);
            assertThat(event.domain()).hasToString("example.test");
            assertThat(event.nextHops()).containsExactly(NextHop.parse(RESCUE));
        });
        assertThat(engine.events.events(RecipientRescued.class)).hasSize(250);
        assertThat(engine.events.events(RecipientRelayed.class)).isEmpty();
        assertThat(counts()).isEqualTo(new UndeliveredCounts(0, 0, 0, 0, 0, 0, 0, 250, 250));
    }

    @Test
    void itIsRelayedAsItCameWithANullReversePathAndNothingThatAsksForNotifications() throws Exception {
        primaryRefuses(SPAM);
        engine.start();
        var client = engine.server.connect();
        client.mail("a@sender.test");
        client.rcpt("u@example.test", RcptParameters.of(Set.of(Notify.SUCCESS), Optional.empty()));
        client.data(MAIL);
        engine.time.run();
        assertThat(attemptsAt(PRIMARY))
                .singleElement()
                .satisfies(request ->
                        assertThat(request.recipients().get(0).notifications()).isNotEmpty());
        assertThat(attemptsAt(RESCUE)).singleElement().satisfies(request -> {
            assertThat(request.envelope().reversePath().isNull()).isTrue();
            assertThat(request.recipients().get(0).notifications()).isEmpty();
            assertThat(request.settings().credentials()).isEmpty();
        });
        List<FakeRelayClient.Relayed> relayed = engine.client.relayed();
        assertThat(relayed)
                .singleElement()
                .satisfies(mail ->
                        assertThat(mail.mailData()).startsWith("Received: ").endsWith(MAIL));
        assertThat(queued()).isEmpty();
    }

    @Test
    void anUnknownUserIsNoContentAndStaysADeadLetter() throws Exception {
        engine.start();
        reply("never@example.test", UNKNOWN);
        send("never@example.test");
        advance(DAY);
        assertThat(attemptsAt(RESCUE)).isEmpty();
        assertThat(counts().deadLettered()).isOne();
    }

    @Test
    void mailInRescueOutlivesTheEngineAndNeverReturnsToThePrimary() throws Exception {
        engine.client.down(RESCUE);
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        assertThat(attemptsAt(RESCUE)).hasSize(1);
        reply("u@example.test", SmtpReply.of(250, "2.0.0", "Ok")); // the primary would take it now
        advance(Duration.ofMinutes(20));
        engine.mx.queue().flushAll();
        advance(Duration.ofMinutes(20));
        assertThat(attemptsAt(PRIMARY)).hasSize(1);
        assertThat(queued())
                .singleElement()
                .satisfies(message -> assertThat(message.lanes()
                                .get(0)
                                .recipients()
                                .get(0)
                                .state()
                                .toString())
                        .contains("In rescue since 20", ": 554 5.7.1 Message", "; rescue host: 451 4.4.1"));

        restart();
        engine.client.down(PRIMARY);
        engine.client.down(RESCUE);
        engine.start();
        advance(Duration.ofHours(1));
        engine.client.up(PRIMARY);
        advance(Duration.ofHours(2));
        assertThat(attemptsAt(RESCUE)).isNotEmpty();
        assertThat(attemptsAt(PRIMARY)).isEmpty();

        restart();
        engine.client.down(PRIMARY);
        engine.start();
        advance(Duration.ofHours(2));
        assertThat(rescued()).as("in an outage too").containsExactly("u@example.test");
        assertThat(attemptsAt(PRIMARY)).isEmpty();
        assertThat(queued()).isEmpty();
    }

    private long inRescue() throws Exception {
        return engine.mx.snapshot().domains().stream()
                .filter(one -> one.domain().toString().equals("example.test"))
                .mapToLong(QueueSnapshot.DomainQueue::rescue)
                .sum();
    }

    @Test
    void mailInRescueIsCounted() throws Exception {
        engine.client.down(RESCUE);
        primaryRefuses(SPAM);
        engine.start();
        for (int i = 0; i < 5; i++) {
            send("u" + i + "@example.test");
        }
        assertThat(inRescue()).isEqualTo(5);
        advance(Duration.ofHours(3));
        assertThat(inRescue()).isEqualTo(5);
        engine.mx.queue().hold(queued().get(0).id());
        engine.mx
                .queue()
                .order(QueueOrder.of(QueueOrder.Kind.DELETE), queued().get(1).id());
        assertThat(inRescue()).isEqualTo(3);

        restart();
        engine.client.down(RESCUE);
        engine.client.down(PRIMARY);
        engine.start();
        advance(Duration.ofMinutes(90));
        assertThat(inRescue()).as("an hour after a start they are known").isEqualTo(3);
        engine.client.up(RESCUE);
        advance(Duration.ofHours(2));
        assertThat(rescued()).hasSize(3);
        assertThat(inRescue()).isZero();
    }

    @Test
    void whatAnotherEngineTookIsNotCountedForEver() throws Exception {
        engine.client.down(RESCUE);
        primaryRefuses(SPAM);
        engine.start();
        send("u@example.test");
        send("v@example.test");
        engine.spool.delete(queued().get(0).id());
        assertThat(inRescue()).isEqualTo(2);
        advance(Duration.ofMinutes(11));
        assertThat(inRescue()).isOne();
    }

    @Test
    void aRescueHostOutOfReachIsTriedForItsTimeAndTheMailIsADeadLetterThen() throws Exception {
        engine.client.down(RESCUE);
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        advance(DAY.multipliedBy(2).minusHours(2));
        assertThat(attemptsAt(RESCUE).size()).isBetween(40, 100);
        assertThat(counts().deadLettered()).isZero();
        advance(Duration.ofHours(4));
        assertThat(counts().deadLettered()).isOne();
        assertThat(queued()).singleElement().matches(QueuedMessage::held);
        assertThat(engine.events.events(MessageDeadLettered.class))
                .singleElement()
                .satisfies(event -> assertThat(event.reply().code()).isEqualTo(554));
        assertThat(attemptsAt(PRIMARY)).hasSize(1);
        assertThat(counts().rescued()).isZero();
    }

    @Test
    void whomTheRescueHostRefusesIsADeadLetterToo() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        assertThat(attemptsAt(RESCUE)).hasSize(1);
        assertThat(counts()).isEqualTo(new UndeliveredCounts(0, 0, 0, 1, 0, 0, 0, 1, 0));
        advance(DAY);
        assertThat(attemptsAt(RESCUE)).hasSize(1);
        assertThat(attemptsAt(PRIMARY)).hasSize(1);
    }

    @Test
    void othersOfTheMessageGoToThePrimaryFirst() throws Exception {
        engine.start();
        engine.client.script(request -> {
            boolean isPrimary = request.nextHop().nextHop().host().equals(PRIMARY);
            reply("spammed@example.test", isPrimary ? SPAM : SmtpReply.of(250, "2.0.0", "Ok"));
            return engine.client.answer(request);
        });
        reply("never@example.test", UNKNOWN);
        reply("later@example.test", LATER);
        send("never@example.test", "spammed@example.test", "later@example.test");
        advance(Duration.ofHours(3));
        assertThat(attemptsAt(RESCUE)).isEmpty();
        assertThat(attemptsAt(PRIMARY).get(1).recipients())
                .extracting(to -> to.path().toString())
                .containsExactly("later@example.test");
        reply("later@example.test", SmtpReply.of(250, "2.0.0", "Ok"));
        advance(Duration.ofHours(2));
        assertThat(rescued()).containsExactly("spammed@example.test");
        assertThat(counts().deadLettered()).as("who is unknown").isOne();
        assertThat(queued()).singleElement().matches(QueuedMessage::held);
    }

    @Test
    void thePrimaryIsNotJudgedByTheRescueHost() throws Exception {
        engine.client.refuse(RESCUE, SmtpReply.of(421, "4.3.2", "Busy"));
        engine.start();
        for (int i = 0; i < 5; i++) {
            reply("u" + i + "@example.test", SPAM);
            send("u" + i + "@example.test");
        }
        advance(Duration.ofHours(1));
        engine.client.down(RESCUE);
        advance(Duration.ofHours(1));
        engine.client.refuse(RESCUE, SmtpReply.of(554, "5.3.2", "No"));
        advance(Duration.ofHours(1));
        assertThat(engine.events.events(PrimaryChanged.class))
                .as("it came up, and that is all")
                .allSatisfy(event -> assertThat(event.change().to()).isEqualTo(PrimaryHealth.UP));
        send("good@example.test");
        assertThat(engine.events.events(RecipientRelayed.class)).hasSize(1);
        assertThat(engine.events.events(RecipientDeferred.class)).isNotEmpty();
    }

    @Test
    void aBacklogAsksAnUnreachableRescueHostOnceAMinute() throws Exception {
        engine.client.down(RESCUE);
        engine.client.down(PRIMARY);
        engine.start();
        for (int i = 0; i < 300; i++) {
            send("u" + i + "@example.test");
        }
        advance(DAY.multipliedBy(3));
        int before = attemptsAt(RESCUE).size();
        advance(Duration.ofHours(1));
        assertThat(attemptsAt(RESCUE).size() - before).isBetween(20, 70);
        engine.client.up(RESCUE);
        advance(Duration.ofHours(2));
        assertThat(rescued()).hasSize(300).doesNotHaveDuplicates();
    }

    @Test
    void aRescueHostThatIsThePrimaryItselfIsNone() throws Exception {
        engine.builder.undelivered(RESCUING.withRescueHosts(RescueHosts.of(NextHop.parse(PRIMARY + ":2500"))));
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        advance(Duration.ofHours(4));
        assertThat(attemptsAt(PRIMARY)).hasSize(1);
        assertThat(queued()).hasSize(1);
    }

    @Test
    void whatAnOperatorHoldsIsNotRescuedMeanwhile() throws Exception {
        engine.client.down(RESCUE);
        primaryRefuses(SPAM);
        engine.start();
        send("u@example.test");
        assertThat(attemptsAt(RESCUE)).hasSize(1);
        engine.mx.health().override(MailDomain.of("example.test"), HealthOverride.of(HealthOverride.Kind.HOLD));
        engine.client.up(RESCUE);
        advance(Duration.ofHours(5));
        assertThat(attemptsAt(RESCUE)).hasSize(1);
        engine.mx.health().override(MailDomain.of("example.test"), HealthOverride.auto());
        advance(Duration.ofHours(1));
        assertThat(rescued()).containsExactly("u@example.test");
    }

    @Test
    void aRedirectionToTheRescueHostDoesNotHinderRescue() throws Exception {
        engine.client.down(RESCUE);
        primaryRefuses(SPAM);
        engine.start();
        send("u@example.test");
        engine.mx.queue().redirect(MailDomain.of("example.test"), NextHop.parse(RESCUE), "admin");
        engine.client.up(RESCUE);
        advance(Duration.ofHours(2));
        assertThat(rescued()).containsExactly("u@example.test");
        assertThat(attemptsAt(RESCUE))
                .last()
                .satisfies(request ->
                        assertThat(request.envelope().reversePath().isNull()).isTrue());
    }

    @Test
    void canariesAreNotTakenFromMailInRescue() throws Exception {
        engine.builder.breaker(true);
        engine.client.down(RESCUE);
        engine.start();
        advance(Duration.ofHours(2));
        for (int i = 0; i < 5; i++) {
            reply("u" + i + "@example.test", SPAM);
            send("u" + i + "@example.test");
        }
        advance(Duration.ofHours(3));
        List<String> attempted = attemptsAt(PRIMARY).stream()
                .map(request -> request.recipients().get(0).path().toString())
                .toList();
        assertThat(counts().rescueBegun()).isEqualTo(4);
        assertThat(attempted)
                .as("nobody again after his rescue began")
                .containsOnlyOnce("u0@example.test", "u1@example.test", "u2@example.test", "u3@example.test");
        assertThat(attempted)
                .as("the fifth, who was not believed")
                .filteredOn("u4@example.test"::equals)
                .hasSizeGreaterThan(3);
    }

    private void ask(Notify... notify) {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        engine.start();
        var client = engine.server.connect();
        client.mail("a@sender.test");
        client.rcpt("u@example.test", RcptParameters.of(Set.of(notify), Optional.empty()));
        client.data(MAIL);
        engine.time.run();
    }

    private List<String> dsns() {
        return engine.client.relayed().stream()
                .filter(mail -> mail.recipient().toString().equals("a@sender.test"))
                .map(FakeRelayClient.Relayed::mailData)
                .toList();
    }

    @Test
    void aVerifiedSenderWhoAsksHearsThatItWasRelayedAndNothingOfItsWay() {
        engine.client.down(RESCUE);
        primaryRefuses(SPAM);
        ask(Notify.SUCCESS, Notify.DELAY, Notify.FAILURE);
        advance(Duration.ofHours(8));
        assertThat(dsns()).isEmpty();
        engine.client.up(RESCUE);
        advance(Duration.ofHours(2));
        assertThat(rescued()).hasSize(1);
        assertThat(dsns())
                .singleElement()
                .satisfies(
                        dsn -> assertThat(dsn).contains("Action: relayed\r\n").doesNotContain("In rescue", "spam"));
    }

    @Test
    void whoWantsToHearNothingIsNotToldOfARescueNorOfItsFailure() {
        primaryRefuses(SPAM);
        ask(Notify.NEVER);
        assertThat(rescued()).hasSize(1);
        engine.client.script(engine.client::answer);
        reply("u@example.test", SPAM);
        var client = engine.server.connect();
        client.mail("a@sender.test");
        client.rcpt("u@example.test", RcptParameters.of(Set.of(Notify.NEVER), Optional.empty()));
        client.data(MAIL);
        advance(DAY.multipliedBy(8));
        assertThat(attemptsAt(RESCUE)).hasSize(2);
        assertThat(counts().dsnSent()).isZero();
        assertThat(dsns()).isEmpty();
    }

    @Test
    void theSecondHostIsTriedWhereTheFirstGivesNoSession() throws Exception {
        engine.builder.undelivered(RESCUING.withRescueHosts(
                RescueHosts.of(NextHop.parse("127.0.0.61"), NextHop.parse("[127.0.0.60]:26"))));
        primaryRefuses(SPAM);
        engine.client.down("127.0.0.61");
        engine.start();
        send("u@example.test");
        assertThat(rescued()).containsExactly("u@example.test");
        assertThat(attemptsAt("127.0.0.61")).hasSize(1);
    }

    @Test
    void withoutRescueHostsAnyMoreItIsADeadLetter() throws Exception {
        engine.client.down(RESCUE);
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        restart();
        engine.builder.undelivered(UndeliveredPolicy.standard());
        engine.start();
        advance(Duration.ofHours(2));
        assertThat(engine.client.attempts()).isEmpty();
        assertThat(queued()).singleElement().matches(QueuedMessage::held);
    }

    @Test
    void aReplyThatLooksLikeOurMarkTurnsNothingAway() throws Exception {
        engine.start();
        reply("u@example.test", SmtpReply.of(451, "4.3.0", "In rescue since 2020-01-01T00:00:00Z: ha"));
        send("u@example.test");
        advance(Duration.ofHours(3));
        assertThat(attemptsAt(RESCUE)).isEmpty();
        assertThat(attemptsAt(PRIMARY).size()).isGreaterThan(2);
    }

    @Test
    void mailWithANullReversePathIsRescuedAndDsnsOfOursAreNot() throws Exception {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
        primaryRefuses(SPAM);
        engine.start();
        engine.server.connect().send("", MAIL, "u@example.test");
        engine.time.run();
        assertThat(rescued()).containsExactly("u@example.test");
        engine.client.script(engine.client::answer);
        engine.client.down("sender.test");
        reply("never@example.test", UNKNOWN);
        send("never@example.test"); // makes a DSN to sender.test
        assertThat(counts().dsnSent()).isOne();
        advance(DAY.multipliedBy(6));
        assertThat(rescued()).hasSize(1);
        assertThat(queued()).isEmpty();
    }

    @Test
    void anOperatorReleasesWhatTheRescueHostRefusedAndItGoesToThePrimaryAnew() throws Exception {
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        reply("u@example.test", SmtpReply.of(250, "2.0.0", "Ok"));
        assertThat(engine.mx.queue().release(queued().get(0).id())).isTrue();
        advance(Duration.ofMinutes(1));
        assertThat(attemptsAt(PRIMARY)).hasSize(2);
        assertThat(queued()).isEmpty();
    }

    @Test
    void theRulesNeedTheHostsFirst() {
        UndeliveredPolicy rules = UndeliveredPolicy.standard();
        assertThatThrownBy(() -> rules.withExpiry(ExpiryAction.rescue()))
                .hasMessage("value: rescue (expected: withRescueHosts first)");
        assertThatThrownBy(() -> rules.withContentRefusal(ContentRefusal.RESCUE))
                .hasMessage("value: rescue (expected: withRescueHosts first)");
        assertThatThrownBy(RescueHosts::of).hasMessage("nextHops: [] (expected: 1 to 10)");
        assertThatThrownBy(() -> RescueHosts.of(NextHop.parse(RESCUE)).withLifetime(Duration.ZERO))
                .hasMessageStartingWith("lifetime: PT0S (expected: 1 ms to ");
        assertThat(RESCUING.withDeadLetterTime(DAY).rescueHosts()).isEqualTo(RESCUING.rescueHosts());
        assertThat(RESCUING).isNotEqualTo(RESCUING.withRescueHosts(RescueHosts.of(NextHop.parse("other.test"))));
    }
}
