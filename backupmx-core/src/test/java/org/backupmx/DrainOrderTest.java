package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who goes first in a drain. */
class DrainOrderTest {

    private static final byte[] MAIL = "Subject: hello\r\n\r\nbody\r\n".getBytes(StandardCharsets.US_ASCII);

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void spool(String recipient, Instant receivedAt) throws SpoolException {
        Envelope envelope = Envelope.from(ReversePath.parse("a@sender.test"))
                .to(Recipient.of(ForwardPath.parse(recipient)))
                .build();
        try (SpoolWriter writer = engine.spool.begin(envelope, receivedAt)) {
            writer.write(ByteBuffer.wrap(MAIL));
            writer.commit().toCompletableFuture().join();
        }
    }

    private List<String> relayed() {
        return engine.client.relayed().stream()
                .map(relayed -> relayed.recipient().toString())
                .toList();
    }

    @Test
    void t11_aMailBombDelaysNobodyElse() throws Exception {
        Instant received = engine.time.now().minus(Duration.ofHours(1));
        for (int i = 0; i < 20_000; i++) {
            spool("bomb@example.test", received.plusMillis(i));
            if (i % 40 == 0) {
                spool("among" + i + "@example.test", received.plusMillis(i));
            }
        }
        for (int i = 0; i < 500; i++) {
            spool("behind" + i + "@example.test", received.plusMillis(30_000 + i));
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        List<String> relayed = relayed();
        assertThat(relayed).hasSize(21_000);
        int last = 0;
        for (int i = 0; i < relayed.size(); i++) {
            last = relayed.get(i).startsWith("bomb") ? last : i;
        }
        assertThat(last).isLessThan(1_200);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void theMailOfAnOnlyRecipientGoesOldestFirst() throws Exception {
        Instant received = engine.time.now().minus(Duration.ofHours(1));
        for (int i = 0; i < 2_000; i++) {
            spool("u@example.test", received.plusMillis(i));
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(relayed()).hasSize(2_000);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @Test
    void x14_whatThePrimaryMayHaveIsTriedLastAndCounted() throws Exception {
        engine.start();
        AtomicBoolean cut = new AtomicBoolean(true);
        engine.client.script(request -> cut.compareAndSet(true, false)
                ? CompletableFuture.completedFuture(new RelayResult.Attempted(List.of(new RecipientOutcome.Unknown(
                        SmtpReply.of(451, "4.4.2", "Connection lost after the end of mail data")))))
                : engine.client.answer(request));
        engine.server.connect().send("a@sender.test", "x\r\n", "first@example.test");
        engine.time.run();
        assertThat(engine.mx.undelivered().outcomesUnknown()).isEqualTo(1);
        assertThat(engine.events.events(RecipientDeferred.class))
                .singleElement()
                .satisfies(event -> assertThat(event.reply().toString()).contains("Outcome of an attempt unknown"));
        engine.client.allDown();
        engine.time.advance(Duration.ofMinutes(30));
        for (int i = 0; i < 300; i++) {
            engine.server.connect().send("a@sender.test", "x\r\n", "user" + i + "@example.test");
        }
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(relayed()).hasSize(301).endsWith("first@example.test");
        assertThat(engine.mx.undelivered().outcomesUnknown()).isEqualTo(1);
    }

    @Test
    void f14_aPrimaryThatGreylistsIsTriedWhenItSays() throws Exception {
        engine.builder.retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofDays(5)));
        engine.start();
        SmtpReply greylisted = SmtpReply.of(450, "4.2.0", "Greylisted, see http://example.net/00:04:58");
        for (int i = 0; i < 5; i++) {
            engine.client.reply(ForwardPath.parse("g" + i + "@example.test"), greylisted);
            engine.server.connect().send("a@sender.test", "x\r\n", "g" + i + "@example.test");
        }
        engine.server.connect().send("a@sender.test", "x\r\n", "u@example.test");
        engine.time.run();
        assertThat(relayed()).containsExactly("u@example.test");
        assertThat(engine.mx.health().domains().get(0).health().name()).isEqualTo("UP");
        for (int i = 0; i < 5; i++) {
            engine.client.reply(ForwardPath.parse("g" + i + "@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        }
        engine.time.advance(Duration.ofSeconds(297));
        assertThat(relayed()).hasSize(1);
        engine.time.advance(Duration.ofSeconds(4));
        assertThat(relayed()).hasSize(6);
    }
}
