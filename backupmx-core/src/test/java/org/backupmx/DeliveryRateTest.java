package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.backupmx.event.RecipientExpired;
import org.backupmx.health.HealthProbe;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.DrainProgress;
import org.backupmx.relay.DeliveryHours;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Row G7: caps in a minute and hours of the day. Time begins on a Sunday at 10:00 UTC. */
class DeliveryRateTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");
    private static final DeliveryRate UNLIMITED = DeliveryRate.unlimited();
    private static final DeliveryRate NIGHTS = UNLIMITED.withHours(DeliveryHours.parse("22:00-06:00 UTC"));

    private final VirtualEngine engine = new VirtualEngine();
    private final List<Instant> begun = new ArrayList<>();

    @AfterEach
    void stop() {
        engine.stop();
    }

    /** A primary that takes its time, so that attempts are under way side by side. */
    private CompletableFuture<RelayResult> later(RelayRequest request) {
        begun.add(engine.time.now());
        CompletableFuture<RelayResult> result = new CompletableFuture<>();
        engine.time.schedule(
                () -> engine.client.answer(request).thenAccept(result::complete), 700, TimeUnit.MILLISECONDS);
        return result;
    }

    private void accept(int count, String mailData, String... domains) {
        var client = engine.server.connect();
        for (int i = 0; i < count; i++) {
            String domain = domains[i % domains.length];
            assertThat(client.send("a@sender.test", mailData, "user" + i + "@" + domain)
                            .reply()
                            .code())
                    .isEqualTo(250);
        }
        engine.time.run();
    }

    private void domains(RelayDomain... domains) {
        List<NextHop> primary = List.of(NextHop.parse("127.0.0.50:2500"));
        engine.builder.relayDomains(RelayDomains.of(
                List.of(domains).stream().map(one -> one.withNextHops(primary)).toList()));
    }

    private int mostInAMinute() {
        int most = 0;
        for (int from = 0, to = 0; to < begun.size(); to++) {
            while (!begun.get(to).isBefore(begun.get(from).plusSeconds(60))) {
                from++;
            }
            most = Math.max(most, to - from + 1);
        }
        return most;
    }

    private int attempts() {
        return engine.client.attempts().size();
    }

    private DrainProgress.DomainDrain drain(String domain) throws Exception {
        return engine.mx.queue().drain().domains().stream()
                .filter(one -> one.domain().equals(MailDomain.of(domain)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void g7_allDomainsOfAPrimaryShareTheLowestCap() {
        domains(
                RelayDomain.of("example.test").withDeliveryRate(UNLIMITED.withMessagesPerMinute(600)),
                RelayDomain.of("second.test").withDeliveryRate(UNLIMITED.withMessagesPerMinute(120)),
                RelayDomain.of("third.test"));
        engine.client.script(this::later);
        engine.client.allDown();
        engine.start();
        accept(600, "x\r\n", "example.test", "second.test", "third.test");
        begun.clear();
        engine.time.advance(Duration.ofMinutes(2));
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(9));
        assertThat(engine.client.relayed()).hasSize(600);
        assertThat(mostInAMinute()).isBetween(119, 121);
        Duration took = Duration.between(begun.get(0), begun.get(599));
        assertThat(took).isBetween(Duration.ofSeconds(298), Duration.ofSeconds(305));
        List<String> order = engine.client.relayed().stream()
                .limit(90)
                .map(one -> one.recipient().mailbox().domain().toString())
                .toList();
        assertThat(order.stream().filter("third.test"::equals).count())
                .as("each gets its turn")
                .isBetween(25L, 35L);
    }

    @Test
    void g7_whatAnEngineSetsHoldsForEachPrimaryAlone() {
        engine.builder.deliveryRate(UNLIMITED.withMessagesPerMinute(60));
        engine.client.script(this::later);
        engine.start();
        accept(100, "x\r\n", "example.test", "byname.test");
        engine.time.advance(Duration.ofSeconds(51));
        assertThat(engine.client.relayed()).hasSize(100);
    }

    @Test
    void g7_aMessageThatIsLargerThanTheCapGoesAndTheOthersWaitTheLonger() {
        engine.builder.deliveryRate(UNLIMITED.withBytesPerMinute(65_536));
        engine.start();
        accept(1, "x".repeat(70) + "\r\n", "example.test");
        accept(1, ("x".repeat(70) + "\r\n").repeat(2_730), "example.test"); // with our field about three minutes
        accept(1, "x\r\n", "example.test");
        engine.time.advance(Duration.ofSeconds(170));
        assertThat(engine.client.relayed()).hasSize(2);
        engine.time.advance(Duration.ofSeconds(15));
        assertThat(engine.client.relayed()).hasSize(3);
    }

    @Test
    void g7_aCapOutlivesThePrimaryThatNobodyHasMailFor() {
        domains(
                RelayDomain.of("example.test"),
                RelayDomain.of("*.wild.test").withDeliveryRate(UNLIMITED.withMessagesPerMinute(1)));
        engine.client.script(this::later);
        engine.start();
        for (int i = 0; i < 5; i++) {
            accept(1, "x\r\n", "a" + i + ".wild.test");
            engine.time.advance(Duration.ofSeconds(20));
        }
        assertThat(begun).hasSize(2);
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(begun).hasSize(5).last().isEqualTo(begun.get(0).plusMillis(239_900));
    }

    @Test
    void g7_outsideItsHoursNothingBeginsButProbes() throws Exception {
        domains(RelayDomain.of("example.test").withDeliveryRate(NIGHTS), RelayDomain.of("second.test"));
        engine.client.script(this::later);
        engine.start();
        int probes = engine.client.probes().size();
        accept(20, "x\r\n", "example.test", "second.test");
        engine.time.advance(Duration.ofHours(11).plusMinutes(59));
        assertThat(engine.client.relayed()).as("the other domain's").hasSize(10);
        assertThat(engine.client.probes()).hasSizeGreaterThan(probes);
        Instant opens = Instant.parse("2026-11-22T22:00:00Z");
        assertThat(drain("example.test").opens()).contains(opens);
        assertThat(drain("example.test").eta()).as("nobody knows").isEmpty();
        assertThat(engine.mx.snapshot().domains())
                .filteredOn(one -> one.domain().equals(DOMAIN))
                .singleElement()
                .satisfies(one -> assertThat(one.opens()).contains(opens));
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(begun.subList(10, begun.size()))
                .as("at ten sharp")
                .isNotEmpty()
                .containsOnly(opens);
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(engine.client.relayed()).hasSize(20);
        assertThat(drain("example.test").opens()).isEmpty();
    }

    @Test
    void g7_whatIsUnderWayEndsAndTheRestWaits() {
        domains(RelayDomain.of("example.test")
                .withDeliveryRate(NIGHTS.withMessagesPerMinute(60).withHours(DeliveryHours.parse("09:00-10:01 UTC"))));
        engine.client.script(this::later);
        engine.start();
        accept(200, "x\r\n", "example.test");
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(begun).hasSizeBetween(59, 61);
        assertThat(begun).last().satisfies(at -> assertThat(at).isBefore(Instant.parse("2026-11-22T10:01:00Z")));
        assertThat(engine.client.relayed()).hasSameSizeAs(begun);
        engine.time.advance(Duration.ofHours(23));
        assertThat(engine.client.relayed()).hasSize(200);
    }

    @Test
    void g7_theEstimateGoesByCapsAndHours() throws Exception {
        domains(RelayDomain.of("example.test").withDeliveryRate(NIGHTS.withMessagesPerMinute(1)));
        engine.client.script(this::later);
        engine.start();
        accept(600, "x\r\n", "example.test");
        assertThat(drain("example.test").eta())
                .as("eight hours of this night, two of the next, from ten in the morning")
                .contains(Duration.ofHours(12 + 24 + 2));
    }

    @Test
    void g7_flushKeepsTheCapAndTheHoursUnlessItIsAskedNotTo() throws Exception {
        domains(RelayDomain.of("example.test").withDeliveryRate(NIGHTS.withMessagesPerMinute(60)));
        engine.client.script(this::later);
        engine.start();
        accept(30, "x\r\n", "example.test");
        engine.mx.queue().flush(DOMAIN);
        engine.mx.queue().flushAll();
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(begun).isEmpty();
        engine.mx.queue().flushOutsideHours(DOMAIN, "nightwatch");
        engine.time.advance(Duration.ofSeconds(10));
        assertThat(begun).hasSizeBetween(10, 12);
        engine.time.advance(Duration.ofSeconds(30));
        assertThat(engine.client.relayed()).hasSize(30);
        accept(1, "x\r\n", "example.test");
        engine.time.advance(Duration.ofHours(1));
        assertThat(begun).as("what came later waits").hasSize(30);
    }

    @Test
    void g7_flushOutsideHoursWaitsForAPrimaryThatIsAway() {
        domains(RelayDomain.of("example.test").withDeliveryRate(NIGHTS));
        engine.builder.healthProbe(HealthProbe.recipient().everyWhileDown(Duration.ofSeconds(10)));
        engine.client.allDown();
        engine.start();
        accept(3, "x\r\n", "example.test");
        engine.mx.queue().flushOutsideHours(DOMAIN, "nightwatch");
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(engine.client.relayed()).hasSize(3);
    }

    @Test
    void g7_noMailExpiresOutsideItsHours() throws Exception {
        domains(RelayDomain.of("example.test")
                .withRetryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofHours(6)))
                .withUndelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.drop()))
                .withDeliveryRate(NIGHTS));
        engine.start();
        engine.time.advance(Duration.ofDays(2)); // past what a start is allowed
        accept(5, "x\r\n", "example.test");
        engine.time.advance(Duration.ofHours(11));
        assertThat(engine.mx.snapshot().queued()).isEqualTo(5);
        assertThat(engine.events.events(RecipientExpired.class)).isEmpty();
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.client.relayed()).as("tried first").hasSize(5);
    }

    @Test
    void g7_whatIsOverItsTimeExpiresInItsHours() throws Exception {
        domains(RelayDomain.of("example.test")
                .withRetryPolicy(RetryPolicy.parse("1h").giveUpAfter(Duration.ofHours(6)))
                .withUndelivered(UndeliveredPolicy.standard().withExpiry(ExpiryAction.drop()))
                .withDeliveryRate(NIGHTS));
        engine.client.script(request -> CompletableFuture.completedFuture(new RelayResult.Attempted(
                List.of(new RecipientOutcome.TransientFailure(SmtpReply.of(450, "4.2.1", "Later"))))));
        engine.start();
        engine.time.advance(Duration.ofDays(2));
        accept(1, "x\r\n", "example.test");
        engine.time.advance(Duration.ofHours(11));
        assertThat(engine.mx.snapshot().queued()).isEqualTo(1);
        engine.time.advance(Duration.ofHours(2));
        assertThat(engine.events.events(RecipientExpired.class)).hasSize(1);
        assertThat(attempts()).isEqualTo(1);
    }

    @Test
    void g7_aPrimaryThatAsksIsToldOfTheHours() {
        domains(RelayDomain.of("example.test").withDeliveryRate(NIGHTS));
        engine.start();
        accept(2, "x\r\n", "example.test");
        assertThat(engine.server
                        .connect("127.0.0.50")
                        .etrn("example.test")
                        .reply()
                        .toString())
                .isEqualTo("458 4.3.2 Messages for example.test wait for the hours set here");
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(attempts()).isZero();
    }
}
