package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.history.HistoryStore;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threat T13, for deliveries: a clock that is set forward by days takes no lease away and makes no mail older. */
@Timeout(30)
class ClockSetForwardTest {

    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);
    private final VirtualEngine engine = new VirtualEngine();

    ClockSetForwardTest() {
        engine.builder
                .clock(() -> engine.time.now().plus(ahead.get()))
                .retryPolicy(RetryPolicy.intervals(Duration.ofMinutes(30)).giveUpAfter(Duration.ofDays(2)))
                .undelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.drop()));
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void accept(int count) {
        for (int i = 0; i < count; i++) {
            engine.server.connect().send("a@sender.test", "x\r\n", "user" + i + "@example.test");
        }
    }

    private CompletableFuture<RelayResult> aMinuteLater(RelayRequest request) {
        CompletableFuture<RelayResult> result = new CompletableFuture<>();
        engine.time.schedule(() -> engine.client.answer(request).thenAccept(result::complete), 1, TimeUnit.MINUTES);
        return result;
    }

    private int expired() {
        return engine.events.events(RecipientExpired.class).size();
    }

    /** Steps before and after the beat at which the scheduler looks, and before it can. */
    @ParameterizedTest(name = "{0} s after the first attempt")
    @ValueSource(ints = {0, 1, 20, 45, 59})
    void whatIsUnderWayIsAttemptedOnce(int seconds) throws Exception {
        engine.client.script(this::aMinuteLater);
        engine.start();
        accept(30);
        engine.time.advance(Duration.ofSeconds(seconds));
        int begun = engine.client.attempts().size();
        assertThat(begun).isPositive();
        ahead.set(Duration.ofDays(1));
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.client.attempts()).as("each is taken at once").hasSize(30);
        assertThat(engine.events.events(RecipientRelayed.class)).hasSize(30);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void whatWaitsForItsTurnIsAttemptedOnce() throws Exception {
        engine.builder.maxDeliveriesPerPrimary(1);
        engine.client.script(this::aMinuteLater);
        engine.start();
        accept(30);
        engine.time.advance(Duration.ofMinutes(5));
        ahead.set(Duration.ofDays(1));
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.client.attempts()).hasSize(30);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void mailIsNoOlderForIt() throws Exception {
        engine.client.allDown();
        engine.start();
        accept(1);
        engine.time.advance(Duration.ofDays(1));
        ahead.set(Duration.ofDays(3));
        engine.time.advance(Duration.ofHours(22));
        assertThat(expired()).isZero();
        assertThat(engine.mx.snapshot().queued()).isEqualTo(1);
        engine.time.advance(Duration.ofHours(4));
        assertThat(expired()).as("two days by any other clock").isEqualTo(1);
    }

    @Test
    void mailThatCameAfterwardsLivesAsLongAsAny() {
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofHours(1));
        ahead.set(Duration.ofDays(3));
        engine.time.advance(Duration.ofMinutes(1));
        accept(1);
        engine.time.advance(Duration.ofHours(46));
        assertThat(expired()).isZero();
        engine.time.advance(Duration.ofHours(4));
        assertThat(expired()).isEqualTo(1);
    }

    @Test
    void aClockThatIsSetRightAgainGivesNoTime() {
        engine.client.allDown();
        engine.start();
        accept(1);
        engine.time.advance(Duration.ofHours(1));
        ahead.set(Duration.ofDays(3));
        engine.time.advance(Duration.ofHours(1));
        ahead.set(Duration.ZERO);
        engine.time.advance(Duration.ofHours(44));
        assertThat(expired()).isZero();
        engine.time.advance(Duration.ofHours(5));
        assertThat(expired()).isEqualTo(1);
    }

    @Test
    void uptimeIsCountedWithoutIt() throws Exception {
        engine.builder
                .historyStore(HistoryStore.inMemory(1_000))
                .undelivered(UndeliveredPolicy.standard()
                        .withExpiry(ExpiryAction.drop())
                        .withUptimeOnly(true));
        engine.client.reply(ForwardPath.parse("user0@example.test"), SmtpReply.of(450, "4.2.1", "Later"));
        engine.start();
        accept(1);
        engine.time.advance(Duration.ofDays(1));
        ahead.set(Duration.ofDays(3));
        engine.time.advance(Duration.ofHours(20));
        assertThat(expired()).isZero();
        engine.client.reply(ForwardPath.parse("user0@example.test"), OK);
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.mx.snapshot().queued()).isZero();
    }
}
