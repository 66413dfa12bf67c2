package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Drains of primaries that have an end, or go away again, on virtual time. */
class BusyPrimaryTest {

    private static final SmtpReply BUSY = SmtpReply.of(421, "4.7.0", "Too much, come later");

    private final VirtualEngine engine = new VirtualEngine();
    private long second;
    private int takenInIt;

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void accept(int count) {
        var client = engine.server.connect();
        for (int i = 0; i < count; i++) {
            assertThat(client.send("a@sender.test", "x\r\n", "user" + i + "@example.test")
                            .reply()
                            .code())
                    .isEqualTo(250);
        }
    }

    private CompletableFuture<RelayResult> later(RelayRequest request, int perSecond) {
        CompletableFuture<RelayResult> result = new CompletableFuture<>();
        engine.time.schedule(
                () -> {
                    long now = engine.time.now().getEpochSecond();
                    takenInIt = now == second ? takenInIt + 1 : 1;
                    second = now;
                    if (takenInIt <= perSecond) {
                        engine.client.answer(request).thenAccept(result::complete);
                    } else {
                        result.complete(
                                new RelayResult.Attempted(List.of(new RecipientOutcome.TransientFailure(BUSY))));
                    }
                },
                30,
                TimeUnit.MILLISECONDS);
        return result;
    }

    /** Lets time pass until so many were relayed: jitter decides when the primary is probed. */
    private void begun(int relayed) {
        for (int i = 0; i < 1_000 && engine.client.relayed().size() < relayed; i++) {
            engine.time.advance(Duration.ofMillis(100));
        }
    }

    @Test
    void x3_aPrimaryThatSaysItIsBusyIsUsedAtItsRate() throws Exception {
        engine.client.script(request -> later(request, 20));
        engine.client.allDown();
        engine.start();
        accept(1_000);
        engine.time.advance(Duration.ofMinutes(20));
        int before = engine.client.attempts().size();
        engine.client.allUp();
        begun(1);
        engine.time.advance(Duration.ofSeconds(75)); // 50 s at best; refused messages wait 10 s
        assertThat(engine.client.relayed()).hasSize(1_000);
        assertThat(engine.client.attempts().size() - before).as("attempts").isLessThanOrEqualTo(1_015);
        assertThat(engine.events.events(PrimaryChanged.class))
                .as("busy at its rate is not unhealthy")
                .last()
                .satisfies(event -> assertThat(event.change().to()).isEqualTo(PrimaryHealth.UP));
    }

    @Test
    void x3_soIsOneThatSaysItInPlaceOfItsBanner() throws Exception {
        engine.client.script(request -> later(request, 20)
                .thenApply(result -> result instanceof RelayResult.Attempted attempted
                                && attempted.outcomes().get(0) instanceof RecipientOutcome.TransientFailure
                        ? new RelayResult.NoSession(BUSY, RelayResult.About.ADDRESS)
                        : result));
        engine.client.allDown();
        engine.start();
        accept(1_000);
        engine.time.advance(Duration.ofMinutes(20));
        engine.client.allUp();
        begun(1);
        engine.time.advance(Duration.ofSeconds(90));
        assertThat(engine.client.relayed()).hasSize(1_000);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aPrimaryThatRestartsInMidDrainGetsTheRestAtOnce() throws Exception {
        engine.builder.healthProbe(HealthProbe.recipient().everyWhileDown(Duration.ofSeconds(1)));
        engine.client.script(request -> later(request, 1_000));
        engine.client.allDown();
        engine.start();
        accept(1_000);
        engine.time.advance(Duration.ofMinutes(5));
        engine.client.allUp();
        begun(100);
        assertThat(engine.client.relayed()).hasSizeBetween(100, 900);
        engine.client.allDown();
        engine.time.advance(Duration.ofSeconds(3));
        assertThat(engine.events.events(PrimaryChanged.class))
                .last()
                .satisfies(event -> assertThat(event.change().to()).isEqualTo(PrimaryHealth.DOWN));
        engine.client.allUp();
        engine.time.advance(Duration.ofSeconds(15));
        assertThat(engine.client.relayed()).hasSize(1_000);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void aMessageThatAlwaysMeetsABusyPrimaryWhileOthersAreTakenIsRetriedLikeAnyOther() throws Exception {
        engine.builder.retryPolicy(RetryPolicy.intervals(Duration.ofMinutes(15)).giveUpAfter(Duration.ofHours(3)));
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        ForwardPath poison = ForwardPath.parse("poison@example.test");
        engine.client.reply(poison, SmtpReply.of(451, "4.3.2", "Content filter failed, try again later"));
        for (int i = 0; i < 60 * 60 / 2; i++) {
            if (i == 60) {
                engine.server.connect().send("a@sender.test", "x\r\n", poison.toString());
            }
            accept(1);
            engine.time.advance(Duration.ofSeconds(2));
        }
        assertThat(engine.client.attempts().stream()
                        .filter(attempt -> attempt.recipients().get(0).path().equals(poison)))
                .as("attempts within an hour")
                .hasSizeBetween(4, 9);
        assertThat(engine.client.relayed()).as("it slows nobody down").hasSize(1_800);
    }
}
