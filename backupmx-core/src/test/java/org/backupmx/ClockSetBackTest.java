package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threat T13, for deliveries: a clock that is set back by hours makes no storm, and no mail wait for hours. */
@Timeout(30)
class ClockSetBackTest {

    private static final SmtpReply LATER = SmtpReply.of(450, "4.2.1", "Later");
    private static final SmtpReply OK = SmtpReply.of(250, "2.0.0", "Ok");

    private final AtomicReference<Duration> back = new AtomicReference<>(Duration.ZERO);
    private final VirtualEngine engine = new VirtualEngine();

    ClockSetBackTest() {
        engine.builder
                .clock(() -> engine.time.now().minus(back.get()))
                .retryPolicy(RetryPolicy.intervals(Duration.ofMinutes(30)));
    }

    @AfterEach
    void stop() {
        reply(50, OK); // attempts that are under way end by it
        engine.time.advance(Duration.ofSeconds(30));
        engine.stop();
    }

    private void accept(int count) {
        for (int i = 0; i < count; i++) {
            engine.server.connect().send("a@sender.test", "x\r\n", "user" + i + "@example.test");
        }
    }

    private void reply(int count, SmtpReply reply) {
        for (int i = 0; i < count; i++) {
            engine.client.reply(ForwardPath.parse("user" + i + "@example.test"), reply);
        }
    }

    private CompletableFuture<RelayResult> later(RelayRequest request) {
        CompletableFuture<RelayResult> result = new CompletableFuture<>();
        engine.time.schedule(
                () -> engine.client.answer(request).thenAccept(result::complete), 300, TimeUnit.MILLISECONDS);
        return result;
    }

    /** The seeds set the beat at which the step is noticed: in the midst of the drain, or after it. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void aDrainAttemptsNobodyOverAndOver(long seed) {
        engine.builder.random(new SplittableRandom(seed));
        engine.client.script(this::later);
        engine.client.allDown();
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        accept(50);
        reply(50, LATER);
        engine.client.allUp();
        for (int i = 0; i < 1_000 && engine.client.attempts().size() < 10; i++) {
            engine.time.advance(Duration.ofMillis(100));
        }
        int before = engine.client.attempts().size();
        assertThat(before).isLessThan(50);
        back.set(Duration.ofHours(5));
        engine.time.advance(Duration.ofMinutes(4));
        Map<ForwardPath, Long> afterwards = engine.client.attempts().stream()
                .skip(before)
                .flatMap(attempt -> attempt.recipients().stream())
                .collect(Collectors.groupingBy(recipient -> recipient.path(), Collectors.counting()));
        assertThat(afterwards)
                .as("everybody, when the step is noticed or since")
                .hasSize(50);
        assertThat(afterwards.values())
                .as("by the drain that was under way, and by the one that begins when the step is noticed")
                .allMatch(times -> times <= 2);
    }

    @Test
    void aPrimaryThatIsAwayIsProbedAsBefore() {
        engine.client.allDown();
        engine.start();
        accept(1);
        engine.time.advance(Duration.ofMinutes(5));
        back.set(Duration.ofHours(5));
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void whatWasDueByTheOldClockGoesWhenThatIsNoticed() {
        engine.start();
        reply(1, LATER);
        accept(1);
        engine.time.advance(Duration.ofMinutes(1));
        reply(1, OK);
        back.set(Duration.ofHours(5));
        engine.time.advance(Duration.ofSeconds(31));
        assertThat(engine.client.relayed()).hasSize(1);
    }

    @Test
    void aSmallStepMakesNobodyHurry() {
        engine.start();
        reply(1, LATER);
        accept(1);
        engine.time.advance(Duration.ofMinutes(1));
        int before = engine.client.attempts().size();
        back.set(Duration.ofSeconds(5));
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(engine.client.attempts()).hasSize(before);
    }
}
