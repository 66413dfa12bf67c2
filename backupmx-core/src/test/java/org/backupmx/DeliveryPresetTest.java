package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.backupmx.event.RecipientExpired;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.retry.RetryDecision;
import org.backupmx.undelivered.DeliveryPreset;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each preset as the engine carries it out, attempt by attempt, with a primary that is UP and answers one recipient with
 * 4yz: a primary that is DOWN is probed, and nothing is attempted.
 */
class DeliveryPresetTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";

    private final VirtualEngine engine = new VirtualEngine();
    private final List<Instant> attempts = new ArrayList<>();

    private void start(DeliveryPreset preset, boolean jitter) {
        engine.builder
                .senderVerifier(SenderVerifier.networks(List.of(IpNetwork.of("192.0.2.0/24"))))
                .deliveryPreset(preset);
        if (!jitter) {
            engine.builder.retryPolicy(preset.retryPolicy());
        }
        engine.client.reply(ForwardPath.parse("u@example.test"), SmtpReply.of(450, "4.2.1", "Mailbox busy"));
        engine.client.script(request -> {
            if (!request.envelope().reversePath().isNull()) {
                attempts.add(engine.time.now());
            }
            return engine.client.answer(request);
        });
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
    }

    private Instant accept() {
        Instant received = engine.time.now();
        assertThat(engine.server
                        .connect()
                        .send("a@sender.test", MAIL, "u@example.test")
                        .reply()
                        .code())
                .isEqualTo(250);
        return received;
    }

    private List<Long> minutes(Instant received) {
        return attempts.stream()
                .map(at -> Duration.between(received, at).toMinutes())
                .toList();
    }

    private static long[] every(long minutes, long from, long to) {
        return LongStream.iterate(from, at -> at <= to, at -> at + minutes).toArray();
    }

    static Stream<Arguments> lists() {
        long day = 24 * 60;
        return Stream.of(
                Arguments.of(
                        DeliveryPreset.RFC5321,
                        LongStream.concat(
                                        LongStream.of(0, 15, 30, 60),
                                        LongStream.concat(
                                                LongStream.of(every(120, 180, 5 * day - 1)), LongStream.of(5 * day)))
                                .toArray(),
                        true),
                Arguments.of(DeliveryPreset.SMARTERMAIL, new long[] {0, 10, 20, 30, 1470}, true),
                Arguments.of(DeliveryPreset.DNSEXIT, every(20, 0, 7 * day), false),
                Arguments.of(DeliveryPreset.DNSMADEEASY, every(5, 0, 14 * day), true));
    }

    @ParameterizedTest
    @MethodSource("lists")
    void everyAttemptIsOnTimeAndThenItEnds(DeliveryPreset preset, long[] expected, boolean isTold) throws Exception {
        start(preset, false);
        Instant received = accept();
        engine.time.advance(preset.retryPolicy().lifetime().orElseThrow().plusDays(10));
        assertThat(minutes(received))
                .containsExactlyElementsOf(LongStream.of(expected).boxed().toList());
        assertThat(engine.events.events(RecipientExpired.class)).singleElement().satisfies(event -> {
            assertThat(event.notified()).isEqualTo(isTold);
            assertThat(event.attempts()).isEqualTo(expected.length);
            assertThat(event.at())
                    .isEqualTo(received.plus(preset.retryPolicy().lifetime().orElseThrow()));
        });
        assertThat(engine.mx.undelivered().dsnSent()).isEqualTo(isTold ? 1 : 0);
        assertThat(engine.mx.snapshot().queued()).isZero();
        engine.stop();
    }

    @ParameterizedTest
    @EnumSource(DeliveryPreset.class)
    void theJitterIsATenthAtMost(DeliveryPreset preset) {
        start(preset, true);
        Instant received = accept();
        engine.time.advance(Duration.ofMinutes(200));
        List<Long> seconds = new ArrayList<>();
        for (int i = 1; i < attempts.size(); i++) {
            seconds.add(Duration.between(attempts.get(i - 1), attempts.get(i)).toSeconds());
        }
        List<Long> plain = attemptsWithoutJitter(preset, received, seconds.size());
        assertThat(seconds).isNotEmpty().isNotEqualTo(plain);
        for (int i = 0; i < seconds.size(); i++) {
            assertThat((double) seconds.get(i)).isBetween(plain.get(i) * 0.9 - 1, plain.get(i) * 1.1 + 1);
        }
        engine.stop();
    }

    private static List<Long> attemptsWithoutJitter(DeliveryPreset preset, Instant received, int most) {
        List<Long> seconds = new ArrayList<>();
        Instant now = received;
        for (int i = 1; i <= most; i++) {
            Instant next = ((RetryDecision.RetryAt) preset.retryPolicy().decide(i, received, now)).instant();
            seconds.add(Duration.between(now, next).toSeconds());
            now = next;
        }
        return seconds;
    }

    /** A DOWN primary sees probes alone, and mail still ends in time. */
    @Test
    void whileThePrimaryIsDownNothingIsAttemptedAndTheLifetimeCounts() throws Exception {
        engine.client.down("127.0.0.50");
        start(DeliveryPreset.SMARTERMAIL, false);
        accept();
        engine.time.advance(Duration.ofHours(24));
        assertThat(attempts).hasSizeLessThanOrEqualTo(2);
        assertThat(engine.mx.snapshot().queued()).isOne();
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.events.events(RecipientExpired.class)).hasSize(1);
        assertThat(engine.mx.undelivered().dsnSent()).isOne();
        engine.stop();
    }

    @Test
    void areFoundByName() {
        assertThat(DeliveryPreset.named("dnsexit")).isEqualTo(DeliveryPreset.DNSEXIT);
        assertThat(DeliveryPreset.values()).allMatch(preset -> DeliveryPreset.named(preset.toString()) == preset);
        assertThatThrownBy(() -> DeliveryPreset.named("postfix"))
                .hasMessage("name: postfix (expected: rfc5321, smartermail, dnsexit, dnsmadeeasy)");
        assertThat(UndeliveredPolicy.standard())
                .isNotEqualTo(UndeliveredPolicy.standard().withUptimeOnly(true));
    }
}
