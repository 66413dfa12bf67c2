package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.testing.FakeRelayClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Domains of one primary that demand different things of it, on virtual time. */
class SharedPrimaryTest {

    private static final List<NextHop> PRIMARY = List.of(NextHop.parse("127.0.0.50:2500"));
    private static final TlsPolicy DEMAND = TlsPolicy.encrypt();
    private static final RelayDomain STRICT = RelayDomain.of("strict.test")
            .withNextHops(PRIMARY)
            .withRelaySettings(RelaySettings.defaults().withTls(DEMAND));
    private static final RelayDomain LAX =
            RelayDomain.of("lax.test").withNextHops(PRIMARY).withRelaySettings(RelaySettings.defaults());

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void start(RelayDomain... domains) throws Exception {
        engine.builder
                .relayDomains(RelayDomains.of(List.of(domains)))
                .healthProbe(HealthProbe.startTls().everyWhileDown(Duration.ofSeconds(5)));
        engine.client.doesNotMeet(DEMAND);
        engine.start();
    }

    private void accept(String domain, int count) {
        var client = engine.server.connect();
        for (int i = 0; i < count; i++) {
            assertThat(client.send("a@sender.test", "x\r\n", "user" + i + "@" + domain)
                            .reply()
                            .code())
                    .isEqualTo(250);
        }
    }

    private PrimaryHealth health(String domain) {
        return engine.mx.health().find(MailDomain.of(domain)).orElseThrow().health();
    }

    private List<RecipientDeferred> deferredOfStrict() {
        return engine.events.events(RecipientDeferred.class).stream()
                .filter(event -> event.recipient().toString().contains("@strict.test"))
                .toList();
    }

    @Test
    void tlsThatOneDomainDoesNotGetIsNoFaultOfThePrimary() throws Exception {
        start(STRICT, LAX);
        accept("strict.test", 20);
        accept("lax.test", 20);
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(engine.client.relayed()).hasSize(20);
        assertThat(deferredOfStrict())
                .isNotEmpty()
                .allSatisfy(event -> assertThat(event.reply()).isEqualTo(FakeRelayClient.NO_TLS));
        accept("lax.test", 20);
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(engine.client.relayed()).hasSize(40);
        assertThat(health("lax.test")).isEqualTo(PrimaryHealth.UP);
        assertThat(engine.mx.snapshot().queued()).isEqualTo(20);
    }

    private Optional<SmtpReply> notMet(String domain) {
        return engine.mx.health().find(MailDomain.of(domain)).orElseThrow().demandNotMet();
    }

    @Test
    void whatADomainDemandsInVainIsShownOfThatDomainUntilItIsMet() throws Exception {
        start(STRICT, LAX);
        accept("strict.test", 1);
        accept("lax.test", 1);
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(health("strict.test")).isEqualTo(PrimaryHealth.UP);
        assertThat(notMet("strict.test")).contains(FakeRelayClient.NO_TLS);
        assertThat(notMet("lax.test")).isEmpty();
        engine.client.doesNotMeet(TlsPolicy.none());
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(engine.client.relayed()).hasSize(2);
        assertThat(notMet("strict.test")).isEmpty();
    }

    @Test
    void aGoodProbeByTheSameDemandsTellsThatTheyAreMet() throws Exception {
        start(STRICT);
        accept("strict.test", 1);
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(notMet("strict.test")).contains(FakeRelayClient.NO_TLS);
        engine.mx
                .queue()
                .hold(engine.spool
                        .find(SpoolFilter.all(), Optional.empty(), 1)
                        .get(0)
                        .id());
        engine.client.doesNotMeet(TlsPolicy.none());
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(engine.client.relayed()).isEmpty();
        assertThat(notMet("strict.test")).isEmpty();
    }

    /** One attempt tells as much as all of them. */
    @Test
    void theRestOfThatDomainWaitsAMinute() throws Exception {
        start(STRICT, LAX);
        accept("lax.test", 1);
        accept("strict.test", 500);
        engine.time.advance(Duration.ofSeconds(50));
        assertThat(engine.client.attempts()).hasSizeLessThan(1 + 30);
    }

    @Test
    void alsoWhileThePrimaryIsBusyTheReasonIsTold() throws Exception {
        int[] asked = {0};
        engine.client.script(request -> asked[0]++ % 3 == 2
                        && request.settings()
                                .tls()
                                .equals(RelaySettings.defaults().tls())
                ? CompletableFuture.completedFuture(new RelayResult.Attempted(List.of(
                        new RecipientOutcome.TransientFailure(SmtpReply.of(421, "4.7.0", "Too much, come later")))))
                : engine.client.answer(request));
        start(STRICT, LAX);
        accept("lax.test", 200);
        accept("strict.test", 5);
        engine.time.advance(Duration.ofSeconds(90));
        assertThat(deferredOfStrict()).isNotEmpty();
    }

    @Test
    void aProbeByTheDemandsOfOneDomainDoesNotSpeakForAll() throws Exception {
        engine.client.allDown();
        start(STRICT, LAX);
        accept("strict.test", 20);
        accept("lax.test", 20);
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(health("lax.test")).isEqualTo(PrimaryHealth.DOWN);
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(engine.client.relayed()).as("whoever asked first").hasSize(20);
        assertThat(health("lax.test")).isEqualTo(PrimaryHealth.UP);
    }

    @Test
    void whereAllDemandItThePrimaryIsNotUp() throws Exception {
        start(STRICT);
        accept("strict.test", 20);
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(health("strict.test")).isEqualTo(PrimaryHealth.DOWN);
        assertThat(engine.events.events(PrimaryChanged.class)).isNotEmpty();
        int attempts = engine.client.attempts().size();
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(engine.client.attempts()).as("nothing but probes").hasSize(attempts);
    }
}
