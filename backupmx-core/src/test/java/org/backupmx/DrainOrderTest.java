package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
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
        spool(recipient, receivedAt, MAIL);
    }

    private SpoolId spool(String recipient, Instant receivedAt, byte[] mailData) throws SpoolException {
        return put(engine, recipient, receivedAt, mailData);
    }

    private static SpoolId put(VirtualEngine engine, String recipient, Instant receivedAt, byte[] mailData)
            throws SpoolException {
        Envelope envelope = Envelope.from(ReversePath.parse("a@sender.test"))
                .to(Recipient.of(ForwardPath.parse(recipient)))
                .build();
        try (SpoolWriter writer = engine.spool.begin(envelope, receivedAt)) {
            writer.write(ByteBuffer.wrap(mailData));
            return writer.commit().toCompletableFuture().join();
        }
    }

    /** Sixty messages, the older the larger but for some, and what arrives of them over one connection. */
    private List<String> drained(LeaseOrder order) throws Exception {
        engine.builder.maxDeliveriesPerPrimary(1).drainOrder(order);
        Instant received = engine.time.now().minus(Duration.ofHours(1));
        for (int i = 0; i < 60; i++) {
            spool("u" + i + "@example.test", received.plusMillis(i), new byte[i % 20 == 0 ? 7_000 + i : 1_000 - i]);
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(engine.mx.snapshot().queued()).isZero();
        return relayed();
    }

    private static List<String> users(IntStream numbers) {
        return numbers.mapToObj(i -> "u" + i + "@example.test").toList();
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
    void g6_oldestFirst() throws Exception {
        assertThat(drained(LeaseOrder.OLDEST)).isEqualTo(users(IntStream.range(0, 60)));
    }

    @Test
    void g6_newestFirst() throws Exception {
        assertThat(drained(LeaseOrder.NEWEST))
                .isEqualTo(users(IntStream.range(0, 60).map(i -> 59 - i)));
    }

    @Test
    void g6_smallestFirst() throws Exception {
        assertThat(drained(LeaseOrder.SMALLEST))
                .isEqualTo(users(IntStream.concat(
                        IntStream.range(0, 60).map(i -> 59 - i).filter(i -> i % 20 != 0), IntStream.of(0, 20, 40))));
    }

    @Test
    void g6_aDomainHasItsOwnOrder() throws Exception {
        List<NextHop> primary = List.of(NextHop.parse("127.0.0.50:2500"));
        engine.builder
                .drainOrder(LeaseOrder.SMALLEST)
                .relayDomains(RelayDomains.of(List.of(
                        RelayDomain.of("example.test").withNextHops(primary).withDrainOrder(LeaseOrder.NEWEST))));
        Instant received = engine.time.now().minus(Duration.ofHours(1));
        for (int i = 0; i < 10; i++) {
            spool("u" + i + "@example.test", received.plusMillis(i), new byte[100 + i]);
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(relayed()).startsWith("u9@example.test");
    }

    @Test
    void g6_whatComesMeanwhileIsTheNewest() throws Exception {
        engine.builder
                .drainOrder(LeaseOrder.NEWEST)
                .deliveryRate(DeliveryRate.unlimited().withMessagesPerMinute(60));
        Instant received = engine.time.now().minus(Duration.ofHours(1));
        for (int i = 0; i < 1_000; i++) {
            spool("u" + i + "@example.test", received.plusMillis(i));
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(30));
        engine.server.connect().send("a@sender.test", "x\r\n", "now@example.test");
        engine.time.advance(Duration.ofSeconds(110));
        assertThat(relayed())
                .as("behind what was leased already, a hundred at the most")
                .contains("now@example.test");
    }

    @Test
    void g6_t11_sharesHoldInAnyOrder() throws Exception {
        for (LeaseOrder order : List.of(LeaseOrder.NEWEST, LeaseOrder.SMALLEST)) {
            VirtualEngine other = new VirtualEngine();
            other.builder.drainOrder(order);
            Instant received = other.time.now().minus(Duration.ofHours(1));
            for (int i = 0; i < 5_000; i++) {
                put(other, "bomb@example.test", received.plusMillis(1_000 + i), MAIL);
            }
            for (int i = 0; i < 500; i++) {
                put(other, "old" + i + "@example.test", received.plusMillis(i), new byte[100]);
            }
            other.start();
            other.time.advance(Duration.ofSeconds(10));
            List<String> all = other.client.relayed().stream()
                    .map(relayed -> relayed.recipient().toString())
                    .toList();
            assertThat(all).hasSize(5_500);
            int last = IntStream.range(0, all.size())
                    .filter(i -> all.get(i).startsWith("old"))
                    .max()
                    .orElseThrow();
            assertThat(last).as(order.name()).isLessThan(600);
            other.stop();
        }
    }

    @Test
    void g6_whatHasADayToLiveGoesFirst() throws Exception {
        engine.builder.maxDeliveriesPerPrimary(1).drainOrder(LeaseOrder.NEWEST);
        Instant now = engine.time.now();
        spool("u0@example.test", now.minus(Duration.ofDays(13).plusMinutes(1)));
        for (int i = 1; i < 300; i++) {
            spool("u" + i + "@example.test", now.minus(Duration.ofHours(1)).plusMillis(i));
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(relayed()).startsWith("u0@example.test").hasSize(300);
    }

    @Test
    void g6_anOldMessageThatIsHeldChangesNothingAndHidesNothing() throws Exception {
        engine.builder.maxDeliveriesPerPrimary(1).drainOrder(LeaseOrder.NEWEST);
        Instant now = engine.time.now();
        engine.spool.hold(spool("held@example.test", now.minus(Duration.ofDays(30)), MAIL));
        spool("u0@example.test", now.minus(Duration.ofDays(13).plusMinutes(1)));
        for (int i = 1; i < 300; i++) {
            spool("u" + i + "@example.test", now.minus(Duration.ofHours(1)).plusMillis(i));
        }
        engine.start();
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(relayed()).startsWith("u0@example.test", "u299@example.test").endsWith("u1@example.test");
    }

    @Test
    void g6_aSpoolThatCannotIsRefused() {
        BackupMxBuilder builder = new VirtualEngine().builder.spool(new BareSpool(engine.spool));
        assertThatCode(builder::build).doesNotThrowAnyException();
        assertThatThrownBy(builder.drainOrder(LeaseOrder.NEWEST)::build)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("drainOrder: NEWEST (expected: OLDEST, as org.backupmx.BareSpool is no OrderedSpool)");
        builder.drainOrder(LeaseOrder.OLDEST)
                .relayDomains(
                        RelayDomains.of(List.of(RelayDomain.of("example.test").withDrainOrder(LeaseOrder.SMALLEST))));
        assertThatThrownBy(builder::build).hasMessageContaining("drainOrder: SMALLEST");
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

    @Test
    void f14_inWhateverOrderTheRecipientsStand() {
        engine.builder.retryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofDays(5)));
        engine.start();
        engine.client.reply(
                ForwardPath.parse("g@example.test"), SmtpReply.of(450, "4.7.1", "Greylisted, try again in 20 seconds"));
        engine.client.reply(ForwardPath.parse("full@example.test"), SmtpReply.of(452, "4.2.2", "Mailbox full"));
        engine.server.connect().send("a@sender.test", "x\r\n", "g@example.test", "full@example.test");
        engine.server.connect().send("b@sender.test", "x\r\n", "full@example.test", "g@example.test");
        engine.time.run();
        engine.client.reply(ForwardPath.parse("g@example.test"), SmtpReply.of(250, "2.0.0", "Ok"));
        engine.time.advance(Duration.ofSeconds(25));
        assertThat(relayed()).containsExactly("g@example.test", "g@example.test");
    }
}
