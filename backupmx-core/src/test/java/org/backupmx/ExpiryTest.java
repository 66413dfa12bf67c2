package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.event.MailExpiring;
import org.backupmx.event.MailExpiring.Stage;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.RecipientExpired;
import org.backupmx.history.HistoryStore;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.Test;

/** How long mail lives. */
class ExpiryTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";
    private static final Duration DAY = Duration.ofDays(1);
    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");

    private final VirtualEngine engine = new VirtualEngine();

    private void accept(int count) {
        for (int i = 0; i < count; i++) {
            engine.server.connect().send("a@sender.test", MAIL, "u" + i + "@example.test");
        }
        engine.time.run();
    }

    /** Two days, and one day more. */
    private void shortLives() {
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY.multipliedBy(2)))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.hold(DAY)));
    }

    private long queued() throws Exception {
        return engine.mx.snapshot().queued();
    }

    private List<Stage> warnings() {
        return engine.events.events(MailExpiring.class).stream()
                .map(MailExpiring::stage)
                .toList();
    }

    private int expired() {
        return engine.events.events(RecipientExpired.class).size();
    }

    @Test
    void anOutageOfTwentyDaysLosesNothingByDefaultAndWarns() throws Exception {
        engine.client.down("127.0.0.50");
        engine.start();
        Instant received = engine.time.now();
        accept(10);
        engine.time.advance(DAY.multipliedBy(20));
        assertThat(queued()).isEqualTo(10);
        assertThat(expired()).isZero();
        assertThat(warnings())
                .containsExactly(
                        Stage.HALF,
                        Stage.FOUR_FIFTHS,
                        Stage.LAST_DAY,
                        Stage.KEPT,
                        Stage.KEPT,
                        Stage.KEPT,
                        Stage.KEPT,
                        Stage.KEPT,
                        Stage.KEPT,
                        Stage.KEPT);
        List<MailExpiring> events = engine.events.events(MailExpiring.class);
        List<Duration> after = events.stream()
                .map(event -> Duration.between(received, event.at()))
                .toList();
        Duration late = Duration.ofMinutes(1);
        assertThat(after.get(0))
                .isBetween(DAY.multipliedBy(7), DAY.multipliedBy(7).plus(late));
        assertThat(after.get(1))
                .isBetween(Duration.ofHours(268), Duration.ofHours(269).plus(late));
        assertThat(after.get(2))
                .isBetween(DAY.multipliedBy(13), DAY.multipliedBy(13).plus(late));
        assertThat(after.get(3))
                .isBetween(DAY.multipliedBy(14), DAY.multipliedBy(14).plus(late));
        assertThat(events.get(0)).satisfies(event -> {
            assertThat(event.oldest()).isEqualTo(received);
            assertThat(event.end()).isEqualTo(received.plus(DAY.multipliedBy(14)));
            assertThat(event.queued()).isEqualTo(10);
            assertThat(event.domain()).hasToString("example.test");
        });
        assertThat(events.get(3).end()).isEqualTo(received.plus(DAY.multipliedBy(21)));

        engine.client.allUp();
        engine.time.advance(Duration.ofHours(1));
        assertThat(queued()).isZero();
        assertThat(engine.client.relayed()).hasSize(10);
        engine.stop();
    }

    @Test
    void afterThatItIsGivenUp() throws Exception {
        shortLives();
        engine.client.down("127.0.0.50");
        engine.start();
        accept(3);
        engine.time.advance(DAY.multipliedBy(3).minusHours(1));
        assertThat(engine.events.events(MessageDeadLettered.class)).isEmpty();
        engine.time.advance(Duration.ofHours(3));
        assertThat(engine.events.events(MessageDeadLettered.class)).hasSize(3);
        assertThat(engine.spool.find(SpoolFilter.all().held(true), Optional.empty(), 10))
                .hasSize(3);
        int before = warnings().size();
        engine.time.advance(DAY.multipliedBy(3));
        assertThat(warnings()).as("dead letters are no mail that expires").hasSize(before);
        engine.stop();
    }

    @Test
    void oldHeldMailHidesNoMailThatExpires() throws Exception {
        shortLives();
        engine.start();
        engine.client.reply(ForwardPath.parse("u0@example.test"), SmtpReply.of(550, "5.1.1", "Unknown"));
        engine.client.reply(ForwardPath.parse("u1@example.test"), LATER);
        accept(1);
        engine.time.advance(DAY.multipliedBy(4));
        assertThat(warnings()).isEmpty();
        engine.server.connect().send("a@sender.test", MAIL, "u1@example.test");
        engine.time.advance(DAY.plusHours(7));
        assertThat(warnings()).containsExactly(Stage.LAST_DAY);
        engine.stop();
    }

    @Test
    void nothingExpiresWithinADayAfterThePrimaryCameBack() throws Exception {
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY.multipliedBy(3)))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.bounce()));
        engine.start();
        engine.client.allDown();
        engine.client.reply(ForwardPath.parse("u0@example.test"), LATER);
        engine.time.advance(Duration.ofHours(1));
        accept(1);
        engine.time.advance(DAY.multipliedBy(3).minusHours(2));
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(23));
        assertThat(engine.events.events(MessageDeadLettered.class)).isEmpty();
        assertThat(queued()).isOne();
        engine.time.advance(Duration.ofHours(5));
        assertThat(engine.events.events(MessageDeadLettered.class)).hasSize(1);
        engine.stop();
    }

    @Test
    void aRestartAfterWhichThePrimaryAnswersIsAReturn() throws Exception {
        engine.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.bounce()));
        engine.client.down("127.0.0.50");
        engine.start();
        accept(1);
        engine.stop();
        engine.time.advance(DAY.multipliedBy(2));
        VirtualEngine next = engine.restarted();
        next.builder
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.bounce()));
        next.client.reply(ForwardPath.parse("u0@example.test"), LATER);
        next.start();
        next.time.advance(Duration.ofHours(23));
        assertThat(next.events.events(MessageDeadLettered.class)).isEmpty();
        next.client.reply(ForwardPath.parse("u0@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        next.time.advance(Duration.ofHours(2));
        assertThat(next.client.relayed()).hasSize(1);
        next.stop();
    }

    /** X18: what counts is the time in which the primary could have taken the mail. */
    @Test
    void anOutageOfThreeWeeksCountsForNothing() throws Exception {
        engine.builder
                .historyStore(HistoryStore.inMemory(100_000))
                .retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY.multipliedBy(2)))
                .undelivered(UndeliveredPolicy.standard().withUptimeOnly(true).withExpiry(ExpiryAction.bounce()));
        engine.start();
        engine.time.advance(Duration.ofHours(1));
        engine.client.reply(ForwardPath.parse("u0@example.test"), LATER);
        accept(1);
        engine.time.advance(DAY); // a day of its life
        engine.client.down("127.0.0.50");
        engine.time.advance(DAY.multipliedBy(21));
        assertThat(queued()).isOne();
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(20));
        assertThat(queued()).isOne();
        assertThat(engine.events.events(MessageDeadLettered.class)).isEmpty();
        engine.time.advance(Duration.ofHours(10));
        assertThat(engine.events.events(MessageDeadLettered.class)).hasSize(1);
        engine.stop();
    }

    @Test
    void onlyUptimeCountsWithAHistoryAlone() {
        engine.builder.undelivered(UndeliveredPolicy.standard().withUptimeOnly(true));
        assertThatThrownBy(engine.builder::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("historyStore: none (expected: a store, as lifetimes count only uptime)");
    }

    @Test
    void unlimitedMailIsNeitherGivenUpNorWarnedOf() throws Exception {
        engine.builder.retryPolicy(RetryPolicy.parse("1d"));
        engine.client.down("127.0.0.50");
        engine.start();
        accept(1);
        engine.time.advance(DAY.multipliedBy(16));
        assertThat(queued()).isOne();
        assertThat(warnings()).isEmpty();
        engine.stop();
    }

    @Test
    void aMillionMessagesAreOneWarning() throws Exception {
        engine.builder.retryPolicy(RetryPolicy.parse("1h").giveUpAfter(DAY.multipliedBy(4)));
        engine.client.down("127.0.0.50");
        engine.start();
        for (int i = 0; i < 20; i++) {
            accept(5);
            engine.time.advance(Duration.ofHours(1));
        }
        engine.time.advance(DAY.multipliedBy(2));
        assertThat(warnings()).containsExactly(Stage.HALF);
        engine.stop();
    }

    /** G5: who holds a message decides about it. */
    @Test
    void heldMailDoesNotExpire() throws Exception {
        shortLives();
        engine.client.down("127.0.0.50");
        engine.start();
        accept(1);
        engine.mx
                .queue()
                .hold(engine.spool
                        .find(SpoolFilter.all(), Optional.empty(), 1)
                        .get(0)
                        .id());
        engine.time.advance(DAY.multipliedBy(5));
        assertThat(queued()).isOne();
        assertThat(expired()).isZero();
        engine.stop();
    }
}
