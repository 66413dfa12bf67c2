package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.event.MaintenanceEnding;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.PrimaryFlapping;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.HealthOverride.Kind;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Rows E6 and E7: what operators see of primaries and order about them. */
class HealthControlTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");
    private static final MailDomain SECOND = MailDomain.of("second.test"); // at the same primary

    private final VirtualEngine engine = new VirtualEngine();

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void accept(int count, MailDomain domain) {
        for (int i = 0; i < count; i++) {
            engine.server.connect().send("a@sender.test", "Subject: x\r\n\r\n", "user" + i + "@" + domain);
        }
        engine.time.run();
    }

    private DomainHealth health() {
        return engine.mx.health().find(DOMAIN).orElseThrow();
    }

    private Instant now() {
        return engine.time.now();
    }

    @Test
    void tellsWhatIsKnown() {
        engine.start();
        assertThat(engine.mx.health().domains())
                .extracting(found -> found.domain().toString())
                .containsExactly("byname.test", "example.test", "second.test");
        DomainHealth found = health();
        assertThat(found.mode()).isEqualTo(DomainMode.ALWAYS);
        assertThat(found.health()).isEqualTo(PrimaryHealth.UP);
        assertThat(found.found()).isEqualTo(PrimaryHealth.UP);
        assertThat(found.cause()).isEqualTo("probe succeeded");
        assertThat(found.lastAnswer()).contains(now());
        assertThat(found.nextProbe().orElseThrow())
                .isBetween(now().plus(Duration.ofMinutes(7)), now().plus(Duration.ofMinutes(9)));
        assertThat(found.primary()).hasToString("[127.0.0.50:2500]");
        assertThat(found.override()).isEqualTo(HealthOverride.auto());
        assertThat(found.maintenance()).isEmpty();
        assertThat(engine.mx.health().find(MailDomain.of("foreign.test"))).isEmpty();
    }

    @Test
    void e6_forcedDownItsMailWaitsUntilTheOrderEnds() {
        engine.start();
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.FORCE_DOWN).until(now().plusSeconds(3600)));
        accept(3, DOMAIN);
        accept(2, SECOND);
        assertThat(engine.client.relayed()).as("of the second domain").hasSize(2);
        assertThat(health().health()).isEqualTo(PrimaryHealth.DOWN);
        assertThat(health().found()).isEqualTo(PrimaryHealth.UP);
        engine.time.advance(Duration.ofSeconds(3599));
        assertThat(engine.client.relayed()).hasSize(2);
        engine.time.advance(Duration.ofSeconds(1));
        assertThat(engine.client.relayed()).hasSize(5);
        assertThat(health().override()).isEqualTo(HealthOverride.auto());
    }

    @Test
    void e6_heldItsMailWaitsAndItsHealthIsAsFound() {
        engine.start();
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.HOLD));
        accept(3, DOMAIN);
        assertThat(engine.client.relayed()).isEmpty();
        assertThat(health().health()).isEqualTo(PrimaryHealth.UP);
        engine.time.advance(Duration.ofDays(1));
        assertThat(engine.client.relayed()).isEmpty();
        engine.mx.health().override(DOMAIN, HealthOverride.auto());
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(3);
    }

    @Test
    void e6_forcedUpItsMailIsTriedThoughProbesFail() {
        engine.client.allDown();
        engine.start();
        accept(3, DOMAIN);
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(health().found()).isEqualTo(PrimaryHealth.DOWN);
        int before = engine.client.attempts().size();
        engine.time.advance(Duration.ofMinutes(30));
        assertThat(engine.client.attempts()).hasSize(before);
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.FORCE_UP));
        engine.time.run();
        assertThat(health().health()).isEqualTo(PrimaryHealth.UP);
        assertThat(engine.client.attempts()).hasSizeGreaterThan(before);
        engine.time.advance(Duration.ofMinutes(2)); // one at a time, with pauses
        assertThat(engine.client.attempts()).hasSizeGreaterThanOrEqualTo(before + 3);
    }

    private long changes() {
        return engine.events.events(PrimaryChanged.class).stream()
                .filter(event -> event.nextHops().toString().contains("127.0.0.50"))
                .count();
    }

    @Test
    void e7_maintenanceHoldsMailWarnsBeforeItsEndAndEndsByItself() {
        engine.start();
        MaintenanceWindow window =
                new MaintenanceWindow(now().plus(Duration.ofMinutes(10)), now().plus(Duration.ofHours(5)));
        engine.mx.health().maintain(DOMAIN, window);
        engine.mx.health().maintain(SECOND, window);
        accept(1, DOMAIN);
        assertThat(engine.client.relayed()).as("before").hasSize(1);
        engine.time.advance(Duration.ofMinutes(10));
        long events = changes();
        accept(2, DOMAIN);
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(1));
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(1));
        assertThat(changes()).as("no alarm").isEqualTo(events);
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(health().maintenance()).containsExactly(window);
        assertThat(engine.events.events(MaintenanceEnding.class)).isEmpty();

        engine.time.advance(Duration.between(now(), window.until().minusSeconds(3600)));
        assertThat(engine.events.events(MaintenanceEnding.class))
                .extracting(MaintenanceEnding::domain)
                .containsExactlyInAnyOrder(DOMAIN, SECOND);
        engine.time.advance(Duration.ofMinutes(59));
        assertThat(engine.client.relayed()).hasSize(1);
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(engine.client.relayed()).hasSize(3);
        assertThat(health().maintenance()).isEmpty();
        assertThat(engine.events.events(MaintenanceEnding.class))
                .as("told once")
                .hasSize(2);
    }

    @Test
    void e7_maintenanceCanBeEndedByHand() {
        engine.start();
        engine.mx.health().maintain(DOMAIN, new MaintenanceWindow(now(), now().plusSeconds(3600)));
        accept(2, DOMAIN);
        assertThat(engine.client.relayed()).isEmpty();
        assertThat(engine.mx.health().endMaintenance(DOMAIN)).isOne();
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(2);
        assertThat(engine.mx.health().endMaintenance(DOMAIN)).isZero();
    }

    @Test
    void e7_maintenanceIsBounded() {
        Instant now = now();
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new MaintenanceWindow(now, now.plus(Duration.ofDays(3)).plusSeconds(1)))
                .withMessageContaining("(expected: at most 3 d after ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MaintenanceWindow(now, now))
                .withMessageContaining("(expected: after ");
        engine.start();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> engine.mx
                        .health()
                        .maintain(DOMAIN, new MaintenanceWindow(now.minusSeconds(9), now.minusSeconds(1))))
                .withMessageContaining("(expected: an end to come)");
        for (int i = 0; i < 100; i++) {
            engine.mx.health().maintain(DOMAIN, new MaintenanceWindow(now.plusSeconds(i), now.plusSeconds(i + 5)));
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> engine.mx.health().maintain(DOMAIN, new MaintenanceWindow(now, now.plusSeconds(5))))
                .withMessageContaining("(expected: at most 100)");
        engine.time.advance(Duration.ofSeconds(110));
        assertThat(health().maintenance()).isEmpty();
    }

    @Test
    void probesWhenAsked() throws Exception {
        engine.start();
        engine.client.allDown();
        int probes = engine.client.probes().size();
        Optional<DomainHealth> found;
        var asked = engine.mx.health().probe(DOMAIN).toCompletableFuture();
        var askedAgain = engine.mx.health().probe(DOMAIN).toCompletableFuture();
        engine.time.run();
        found = asked.get();
        assertThat(found.orElseThrow().health()).isEqualTo(PrimaryHealth.DEGRADED);
        assertThat(askedAgain.get()).isEqualTo(found);
        assertThat(engine.client.probes()).hasSize(probes + 1);
        assertThat(engine.mx.health().probe(MailDomain.of("foreign.test")).toCompletableFuture())
                .isCompletedWithValue(Optional.empty());
    }

    @Test
    void aConnectionOfAPrimaryThatWasAwayMakesAProbe() {
        engine.builder.healthProbe(HealthProbe.recipient().jitter(0));
        engine.client.allDown();
        engine.start();
        accept(3, DOMAIN);
        engine.time.advance(Duration.ofHours(2));
        engine.client.allUp();
        engine.time.advance(Duration.ofSeconds(20)); // ten before the next beat
        assertThat(engine.client.relayed()).isEmpty();
        engine.server.connect("127.0.0.50");
        engine.time.run();
        assertThat(engine.client.relayed()).hasSize(3);
    }

    @Test
    void aPrimaryThatComesAndGoesIsToldOnce() {
        engine.start();
        for (int i = 0; i < 12; i++) {
            if (i % 2 == 0) {
                engine.client.allDown();
            } else {
                engine.client.allUp();
            }
            engine.mx.health().probe(DOMAIN);
            engine.time.advance(Duration.ofSeconds(70));
        }
        assertThat(engine.events.events(PrimaryFlapping.class)).hasSize(1);
        assertThat(health().isFlapping()).isTrue();
        assertThat(health().health()).isEqualTo(PrimaryHealth.DEGRADED);
    }

    @Test
    void aProbeThatWaitsForItsTurnUntilNobodyWantsItEnds() {
        MailDomain wild = MailDomain.of("a.wild.test");
        List<RelayDomain> domains = new ArrayList<>();
        for (int i = 0; i < 500; i++) { // as many as are probed at a time
            NextHop primary = NextHop.parse("127.1." + i / 250 + "." + (1 + i % 250) + ":25");
            domains.add(RelayDomain.of("d" + i + ".test").withNextHops(List.of(primary)));
        }
        domains.add(RelayDomain.of("*.wild.test").withNextHops(List.of(NextHop.parse("127.2.0.1:25"))));
        engine.builder.relayDomains(RelayDomains.of(domains)).mode(DomainMode.MONITORING);
        engine.client.stallProbes();
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        FakeIntakeServer.Client client = engine.server.connect();
        client.mail("a@sender.test");
        var offered = client.session()
                .rcpt(ForwardPath.parse("user@" + wild), RcptParameters.none())
                .toCompletableFuture();
        engine.time.run();
        var asked = engine.mx.health().probe(wild).toCompletableFuture();
        engine.time.advance(Duration.ofHours(3));
        assertThat(engine.mx.health().find(wild)).as("forgotten").isEmpty();
        assertThat(offered).as("after 5 s").isDone();
        assertThat(asked).isNotDone();
        engine.client.resume();
        engine.time.run();
        assertThat(asked).isCompletedWithValue(Optional.empty());
    }

    @Test
    void needsARunningEngine() {
        assertThatIllegalStateException().isThrownBy(() -> engine.mx.health());
        engine.start();
        var control = engine.mx.health();
        engine.stop();
        assertThatIllegalStateException().isThrownBy(control::domains);
        assertThatIllegalStateException().isThrownBy(() -> control.override(DOMAIN, HealthOverride.auto()));
    }
}
