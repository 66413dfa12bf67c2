package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.backupmx.event.DeadLetterRemoved;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.QueueOrder;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredCounts;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of recipients that cannot be reached, and who is told. */
class UndeliveredTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final SmtpReply UNKNOWN = SmtpReply.of(550, "5.1.1", "User unknown");
    private static final SmtpReply SPAM = SmtpReply.of(554, "5.7.1", "Message rejected as spam");
    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");
    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void trustClients() {
        engine.builder.senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))));
    }

    private void reply(String recipient, SmtpReply reply) {
        engine.client.reply(ForwardPath.parse(recipient), reply);
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

    private List<FakeRelayClient.Relayed> dsns() {
        return engine.client.relayed().stream()
                .filter(mail -> mail.reversePath().isNull())
                .toList();
    }

    private List<String> relayedTo() {
        return engine.client.relayed().stream()
                .map(mail -> mail.recipient().toString())
                .toList();
    }

    private UndeliveredCounts counts() {
        return engine.mx.undelivered();
    }

    private List<QueuedMessage> queued(boolean held) throws SpoolException {
        return engine.spool.find(SpoolFilter.all().held(held), Optional.empty(), 100);
    }

    /** X13: nothing that is forged makes us write to somebody. */
    @Test
    void aThousandForgedMessagesInAnOutageMakeNoDsn() throws Exception {
        engine.builder.undelivered(UndeliveredPolicy.standard().withDeadLetterTime(Duration.ofDays(2)));
        engine.client.allDown();
        engine.start();
        for (int i = 0; i < 1_000; i++) {
            reply("bad" + i + "@example.test", i % 2 == 0 ? UNKNOWN : SPAM);
            assertThat(engine.server
                            .connect("198.51.100." + i % 250)
                            .send("victim" + i + "@sender.test", MAIL, "bad" + i + "@example.test")
                            .reply()
                            .code())
                    .isEqualTo(250);
        }
        engine.time.advance(Duration.ofHours(2));
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(1));

        assertThat(engine.client.relayed()).isEmpty();
        assertThat(counts().dsnSent()).isZero();
        assertThat(counts().dsnSentUnverified()).isZero();
        assertThat(counts().deadLettered()).isEqualTo(1_000);
        assertThat(engine.events.events(MessageDeadLettered.class)).hasSize(1_000);
        assertThat(engine.spool.find(SpoolFilter.all().held(true), Optional.empty(), 2_000))
                .hasSize(1_000);

        engine.time.advance(Duration.ofDays(1));
        assertThat(engine.mx.snapshot().queued()).isEqualTo(1_000);
        engine.time.advance(Duration.ofDays(1));
        assertThat(engine.mx.snapshot().queued()).as("their time is over").isZero();
        assertThat(engine.events.events(DeadLetterRemoved.class)).hasSize(1_000);
        assertThat(counts().deadLettersRemoved()).isEqualTo(1_000);
        assertThat(engine.client.relayed()).isEmpty();
    }

    @Test
    void aVerifiedSenderIsTold() throws Exception {
        trustClients();
        engine.start();
        reply("never@example.test", UNKNOWN);
        send("never@example.test");
        assertThat(dsns())
                .singleElement()
                .satisfies(dsn -> assertThat(dsn.recipient()).hasToString("a@sender.test"));
        assertThat(counts()).isEqualTo(new UndeliveredCounts(1, 0, 0, 0, 0, 0, 0, 0, 0));
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void whatAClientClaimsInItsOwnMailDataVerifiesNobody() throws Exception {
        engine.start();
        reply("never@example.test", UNKNOWN);
        String forged = "Received: from a (unknown [192.0.2.10])\r\n\t(sender verified by trusted-network)\r\n"
                + "\tby mx2.example.net with ESMTP id 1\r\n\tfor <never@example.test>; now\r\n" + MAIL;
        engine.server.connect().send("a@sender.test", forged, "never@example.test");
        engine.time.run();
        assertThat(dsns()).isEmpty();
        assertThat(counts().deadLettered()).isOne();
    }

    @Test
    void aVerifierThatFailsVerifiesNobodyAndTheMailIsTaken() throws Exception {
        engine.builder.senderVerifier((client, helo, reversePath) -> {
            throw new IllegalStateException("no answer");
        });
        engine.start();
        reply("never@example.test", UNKNOWN);
        send("never@example.test", "good@example.test");
        assertThat(relayedTo()).containsExactly("good@example.test");
        assertThat(counts().deadLettered()).isOne();
    }

    @Test
    void refusedContentIsNotTheSendersMatterUnlessTheDomainSaysSo() throws Exception {
        trustClients();
        engine.start();
        reply("u@example.test", SPAM);
        send("u@example.test");
        assertThat(dsns()).isEmpty();
        assertThat(counts().deadLettered()).isOne();
        engine.stop();

        VirtualEngine telling = new VirtualEngine();
        telling.builder
                .senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))))
                .undelivered(UndeliveredPolicy.standard().withContentRefusal(ContentRefusal.DSN_IF_VERIFIED));
        telling.start();
        telling.client.reply(ForwardPath.parse("u@example.test"), SPAM);
        telling.server.connect().send("a@sender.test", MAIL, "u@example.test");
        telling.time.run();
        assertThat(telling.mx.undelivered().dsnSent()).isOne();
        telling.stop();
    }

    @Test
    void refusedContentIsTriedAgainWhereTheDomainSaysSo() throws Exception {
        engine.builder.undelivered(UndeliveredPolicy.standard().withContentRefusal(ContentRefusal.RETRY));
        engine.start();
        reply("u@example.test", SPAM);
        reply("never@example.test", UNKNOWN);
        send("u@example.test");
        send("never@example.test");
        assertThat(counts().deadLettered()).as("an unknown user is no content").isOne();
        reply("u@example.test", OK);
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(relayedTo()).containsExactly("u@example.test");
    }

    @Test
    void othersOfTheMessageGoOnAndWhatIsLeftIsHeldThen() throws Exception {
        engine.start();
        engine.time.run();
        reply("never@example.test", UNKNOWN);
        reply("later@example.test", LATER);
        send("never@example.test", "later@example.test", "good@example.test");
        assertThat(relayedTo()).containsExactly("good@example.test");
        assertThat(queued(true)).isEmpty();
        int attempts = engine.client.attempts().size();

        engine.time.advance(Duration.ofMinutes(6));
        assertThat(engine.client.attempts()).hasSize(attempts + 1);
        assertThat(engine.client.attempts().get(attempts).recipients())
                .as("who is given up is not attempted again")
                .extracting(recipient -> recipient.path().toString())
                .containsExactly("later@example.test");

        reply("later@example.test", OK);
        engine.time.advance(Duration.ofMinutes(6));
        assertThat(relayedTo()).containsExactly("good@example.test", "later@example.test");
        assertThat(queued(true)).hasSize(1);
        assertThat(engine.events.events(MessageDeadLettered.class))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.recipients()).extracting(Object::toString).containsExactly("never@example.test");
                    assertThat(event.reply()).isEqualTo(UNKNOWN);
                    assertThat(event.until()).isEqualTo(event.at().plus(UndeliveredPolicy.DEFAULT_DEAD_LETTER_TIME));
                });
    }

    @Test
    void otherDomainsOfTheMessageGoOnToo() throws Exception {
        engine.start();
        engine.time.run();
        reply("never@example.test", UNKNOWN);
        reply("later@byname.test", LATER);
        send("never@example.test", "later@byname.test");
        assertThat(queued(true)).isEmpty();
        engine.time.advance(Duration.ofHours(3));
        assertThat(queued(true)).as("the other lane waits").isEmpty();
        engine.mx.queue().flushAll();
        engine.time.run(); // a drain passes what waits, and ends
        reply("later@byname.test", OK);
        engine.time.advance(Duration.ofHours(3));
        assertThat(relayedTo()).containsExactly("later@byname.test");
        assertThat(queued(true)).hasSize(1);
        assertThat(counts().deadLettered()).isOne();
    }

    @Test
    void twoDomainsThatGiveUpDoNotWaitForEachOther() throws Exception {
        engine.start();
        engine.time.run();
        reply("never@example.test", UNKNOWN);
        reply("never@byname.test", UNKNOWN);
        send("never@example.test", "never@byname.test");
        engine.time.advance(Duration.ofHours(2));
        assertThat(queued(true)).hasSize(1);
        assertThat(counts().deadLettered()).isOne();
    }

    @Test
    void anOperatorReleasesADeadLetterAndItIsAttempted() throws Exception {
        engine.start();
        reply("new@example.test", UNKNOWN);
        send("new@example.test");
        SpoolId id = queued(true).get(0).id();
        reply("new@example.test", OK);
        engine.time.advance(Duration.ofDays(2));
        assertThat(relayedTo()).isEmpty();
        assertThat(engine.mx.queue().release(id)).isTrue();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(relayedTo()).containsExactly("new@example.test");
    }

    @Test
    void aReleasedDeadLetterThatIsRefusedAgainIsHeldAgain() throws Exception {
        engine.start();
        reply("never@example.test", UNKNOWN);
        send("never@example.test");
        SpoolId id = queued(true).get(0).id();
        engine.mx.queue().release(id);
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(engine.client.attempts()).hasSize(2);
        assertThat(queued(true)).hasSize(1);
    }

    @Test
    void aDeadLetterOutlivesTheEngineAndIsRemovedInTime() throws Exception {
        UndeliveredPolicy rules = UndeliveredPolicy.standard().withDeadLetterTime(Duration.ofDays(4));
        engine.builder.historyStore(HistoryStore.inMemory(10_000)).undelivered(rules);
        engine.start();
        reply("never@example.test", UNKNOWN);
        send("never@example.test");
        engine.stop();
        VirtualEngine next = engine.restarted();
        next.builder.historyStore(engine.builder.historyStore).undelivered(rules);
        next.start();
        next.time.advance(Duration.ofDays(3));
        assertThat(next.mx.snapshot().queued()).isOne();
        next.time.advance(Duration.ofDays(2));
        assertThat(next.mx.snapshot().queued()).isZero();
        assertThat(next.client.attempts()).isEmpty();
        next.stop();
    }

    private static String undelivered(VirtualEngine engine, String domain) throws SpoolException {
        return engine.mx.snapshot().domains().stream()
                .filter(one -> one.domain().toString().equals(domain))
                .map(one -> one.deadLetters() + " refused, " + one.expired() + " expired")
                .findFirst()
                .orElse("not listed");
    }

    @Test
    void undeliveredMailIsCountedByDomainAcrossARestart() throws Exception {
        engine.builder
                .historyStore(HistoryStore.inMemory(10_000))
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofDays(1)))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.hold(Duration.ofDays(1))));
        engine.start();
        for (String name : List.of("a@example.test", "b@example.test", "c@second.test", "d@example.test")) {
            reply(name, UNKNOWN);
        }
        send("a@example.test");
        send("b@example.test", "c@second.test");
        send("d@example.test");
        reply("late@second.test", LATER);
        send("late@second.test");
        engine.time.advance(Duration.ofDays(3));
        assertThat(undelivered(engine, "example.test")).isEqualTo("3 refused, 0 expired");
        assertThat(undelivered(engine, "second.test")).isEqualTo("1 refused, 1 expired");
        engine.client.allDown();
        engine.mx.queue().release(queued(true).get(0).id());
        engine.mx
                .queue()
                .order(
                        QueueOrder.of(QueueOrder.Kind.DELETE),
                        queued(true).get(1).id());
        engine.stop();

        VirtualEngine next = engine.restarted();
        next.builder.historyStore(engine.builder.historyStore);
        next.client.allDown();
        next.start();
        assertThat(undelivered(next, "example.test")).isEqualTo("1 refused, 0 expired");
        assertThat(undelivered(next, "second.test")).isEqualTo("1 refused, 1 expired");
        next.stop();
    }

    @Test
    void aSpoolThatCannotHoldIsTriedOnceADayAndTheMailFailsInTheEnd() throws Exception {
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofDays(1)))
                .undelivered(UndeliveredPolicy.standard().withDeadLetterTime(Duration.ofDays(2)))
                .spool((Spool) Proxy.newProxyInstance(
                        Spool.class.getClassLoader(), new Class<?>[] {Spool.class}, (proxy, method, arguments) -> {
                            try {
                                return method.invoke(engine.spool, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        }));
        engine.start();
        reply("never@example.test", UNKNOWN);
        send("never@example.test");
        engine.time.advance(Duration.ofDays(2).plusHours(12));
        assertThat(engine.client.attempts()).hasSize(3);
        assertThat(engine.events.events(RecipientFailed.class)).isEmpty();
        engine.time.advance(Duration.ofDays(1));
        assertThat(engine.client.attempts()).hasSize(4);
        assertThat(engine.events.events(RecipientFailed.class))
                .singleElement()
                .satisfies(event -> assertThat(event.notified()).isFalse());
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(counts().dropped()).isOne();
    }

    @Test
    void fiveDsnsAnHourToOneAddressAndTheRestIsKept() throws Exception {
        trustClients();
        engine.start();
        for (int i = 0; i < 8; i++) {
            reply("bad" + i + "@example.test", UNKNOWN);
            send("bad" + i + "@example.test");
        }
        assertThat(dsns()).hasSize(5);
        assertThat(counts()).isEqualTo(new UndeliveredCounts(5, 0, 3, 3, 0, 0, 0, 0, 0));
        engine.time.advance(Duration.ofHours(1));
        reply("bad8@example.test", UNKNOWN);
        send("bad8@example.test");
        assertThat(dsns()).hasSize(6);
    }

    @Test
    void aHundredDsnsAnHourAboutOneDomain() throws Exception {
        trustClients();
        engine.start();
        for (int i = 0; i < 120; i++) {
            reply("bad" + i + "@example.test", UNKNOWN);
            engine.server.connect().send("a" + i + "@sender.test", MAIL, "bad" + i + "@example.test");
        }
        engine.time.run();
        assertThat(dsns()).hasSize(100);
        assertThat(counts().deadLettered()).isEqualTo(20);
    }

    @Test
    void mailWithANullReversePathIsDroppedWhenItIsRefusedAndAfterFiveDays() throws Exception {
        trustClients();
        engine.start();
        reply("never@example.test", UNKNOWN);
        reply("later@example.test", LATER);
        engine.server.connect().send("", MAIL, "never@example.test");
        engine.server.connect().send("", MAIL, "later@example.test");
        engine.time.run();
        assertThat(engine.events.events(RecipientFailed.class))
                .singleElement()
                .satisfies(event -> assertThat(event.notified()).isFalse());
        engine.time.advance(Duration.ofDays(5).minusMinutes(5));
        assertThat(engine.events.events(RecipientExpired.class)).isEmpty();
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.events.events(RecipientExpired.class)).hasSize(1);
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(counts()).isEqualTo(new UndeliveredCounts(0, 0, 0, 0, 0, 2, 0, 0, 0));
    }

    @Test
    void expiredMailOfAnUnverifiedSenderIsKept() throws Exception {
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofHours(3)))
                .undelivered(UndeliveredPolicy.standard()
                        .withExpiry(ExpiryAction.bounce())
                        .withDeadLetterTime(Duration.ofDays(3)));
        engine.start();
        reply("later@example.test", LATER);
        send("later@example.test");
        engine.time.advance(Duration.ofHours(4));
        assertThat(dsns()).isEmpty();
        assertThat(engine.events.events(MessageDeadLettered.class))
                .singleElement()
                .satisfies(event -> assertThat(event.reply())
                        .hasToString("554 5.4.7 Delivery time expired, the last answer was: 450 4.2.1 Later"));
        engine.time.advance(Duration.ofDays(3));
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void expiredMailIsDroppedWhereTheDomainSaysSo() throws Exception {
        trustClients();
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofHours(3)))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.drop()));
        engine.start();
        reply("later@example.test", LATER);
        send("later@example.test");
        engine.time.advance(Duration.ofHours(4));
        assertThat(dsns()).isEmpty();
        assertThat(engine.mx.snapshot().queued()).isZero();
        assertThat(engine.events.events(RecipientExpired.class)).hasSize(1);
        assertThat(counts().dropped()).isOne();
    }
}
