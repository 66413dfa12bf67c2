package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.List;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.IpNetwork;
import org.backupmx.mail.MailDomain;
import org.backupmx.monitoring.DeferredNetwork;
import org.backupmx.monitoring.DeferredNetwork.Fate;
import org.backupmx.monitoring.MonitoringReport;
import org.backupmx.testing.FakeIntakeServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rows B13, X20 and T35: who came to us although the primary was UP, and who is never blamed for it. */
class MonitoringReportTest {

    /** In which a primary that is UP has been probed again for certain, and what came before is settled. */
    private static final Duration A_BEAT = Duration.ofMinutes(12);

    private final VirtualEngine engine = new VirtualEngine();

    @BeforeEach
    void start() {
        engine.builder.mode(DomainMode.MONITORING);
        engine.start();
    }

    @AfterEach
    void stop() {
        engine.stop();
    }

    private void offer(String client, String recipient) {
        FakeIntakeServer.Client connection = engine.server.connect(client);
        connection.mail("a@sender.test");
        connection.rcpt(recipient);
        engine.time.run();
    }

    private void offer(String client) {
        offer(client, "user@example.test");
    }

    private void pass(Duration time) {
        engine.time.advance(time);
    }

    private List<DeferredNetwork> networks() {
        return engine.mx.monitoring().networks();
    }

    private DeferredNetwork network(String text) {
        return networks().stream()
                .filter(found -> found.network().equals(IpNetwork.of(text)))
                .findFirst()
                .orElseThrow(() -> new AssertionError(text + " in " + networks()));
    }

    @Test
    void b13_tellsWhoCameAndWhatBecameOfThem() {
        offer("192.0.2.1");
        offer("192.0.2.2"); // the same
        offer("192.0.2.3", "other@example.test");
        offer("198.51.100.1");
        offer("203.0.113.1");
        pass(Duration.ofMinutes(16));
        offer("198.51.100.2");
        offer("203.0.113.2");
        pass(Duration.ofMinutes(16));
        offer("203.0.113.3");
        pass(A_BEAT);

        assertThat(networks()).hasSize(3);
        assertThat(networks().get(0).network()).as("with the highest score").isEqualTo(IpNetwork.of("192.0.2.0/24"));
        DeferredNetwork never = network("192.0.2.0/24");
        assertThat(never.fate()).isEqualTo(Fate.NEVER_CAME_AGAIN);
        assertThat(never.deferred()).isEqualTo(2);
        assertThat(never.firstAt()).isEqualTo(never.lastAt());
        DeferredNetwork again = network("198.51.100.0/24");
        assertThat(again.fate()).isEqualTo(Fate.CAME_AGAIN);
        assertThat(again.deferred()).isOne();
        assertThat(again.cameAgain()).isOne();
        assertThat(Duration.between(again.firstAt(), again.lastAt())).isEqualTo(Duration.ofMinutes(16));
        DeferredNetwork letIn = network("203.0.113.0/24");
        assertThat(letIn.fate()).isEqualTo(Fate.LET_IN);
        assertThat(letIn.cameAgain()).isOne();
        assertThat(letIn.letIn()).isOne();
    }

    @Test
    void x20_waitsUntilThePrimaryHasAnsweredAgain() {
        offer("192.0.2.1");
        pass(Duration.ofMinutes(2));
        assertThat(networks()).isEmpty();
        pass(A_BEAT);
        assertThat(networks()).hasSize(1);
    }

    @Test
    void t35_anOutageThatIsOverBeforeTheNextBeatCountsToo() {
        offer("192.0.2.1");
        engine.client.allDown();
        probe();
        engine.client.allUp();
        probe();
        probe();
        assertThat(engine.mx
                        .health()
                        .find(MailDomain.of("example.test"))
                        .orElseThrow()
                        .health())
                .isEqualTo(PrimaryHealth.UP);
        pass(A_BEAT);
        assertThat(networks()).isEmpty();
    }

    private void probe() {
        engine.time.advance(Duration.ofMillis(1));
        assertThat(engine.mx.health().probe(MailDomain.of("example.test"))).isNotNull();
        engine.time.run();
    }

    @Test
    void t35_whoComesDuringAnOutageIsNotHere() {
        engine.client.allDown();
        pass(Duration.ofMinutes(20));
        offer("192.0.2.1");
        pass(Duration.ofMinutes(20));
        offer("192.0.2.1");
        engine.client.allUp();
        pass(Duration.ofHours(1));
        assertThat(networks()).isEmpty();
    }

    @Test
    void t35_whoMeetsTheBeginningOfAnOutageIsNotHere() {
        pass(Duration.ofMinutes(1));
        offer("198.51.100.1"); // which makes a probe
        pass(A_BEAT);
        offer("198.51.100.1", "other@example.test");
        engine.client.allDown();
        pass(Duration.ofSeconds(50));
        offer("192.0.2.1"); // nobody knows yet
        assertThat(engine.mx.health().domains())
                .filteredOn(health -> health.domain().toString().equals("example.test"))
                .allMatch(health -> health.cause().equals("probe succeeded"));
        pass(Duration.ofMinutes(30));
        engine.client.allUp();
        pass(Duration.ofHours(2));
        assertThat(networks()).extracting(DeferredNetwork::network).containsExactly(IpNetwork.of("198.51.100.0/24"));
        assertThat(network("198.51.100.0/24").deferred()).isOne();
    }

    @Test
    void t35_whoWasKeptOutAndComesAgainInAnOutageIsLetIn() {
        offer("192.0.2.1");
        pass(A_BEAT);
        assertThat(network("192.0.2.0/24").fate()).isEqualTo(Fate.NEVER_CAME_AGAIN);
        engine.client.allDown();
        pass(Duration.ofMinutes(10));
        offer("192.0.2.1");
        offer("192.0.2.1");
        pass(A_BEAT);
        DeferredNetwork found = network("192.0.2.0/24");
        assertThat(found.fate()).isEqualTo(Fate.LET_IN);
        assertThat(found.deferred()).isOne();
        assertThat(found.cameAgain()).isOne();
        assertThat(found.letIn()).isOne();
    }

    @Test
    void x20_keepsTheHighestScoresAndForgetsAfterThirtyDays() {
        for (int i = 0; i < 5; i++) {
            offer("192.0.2.1", "user" + i + "@example.test");
        }
        pass(A_BEAT);
        assertThat(network("192.0.2.0/24").score()).isCloseTo(5, within(0.01));
        pass(Duration.ofDays(7));
        assertThat(network("192.0.2.0/24").score()).isCloseTo(2.5, within(0.01));
        for (int i = 0; i < MonitoringReport.MAX_NETWORKS + 500; i++) {
            offer("10." + i / 250 + "." + i % 250 + ".1");
        }
        pass(A_BEAT);
        assertThat(networks()).hasSize(MonitoringReport.MAX_NETWORKS);
        assertThat(networks().get(0).network()).isEqualTo(IpNetwork.of("192.0.2.0/24"));
        pass(Duration.ofDays(31));
        assertThat(networks()).isEmpty();
    }

    @Test
    void needsARunningEngine() {
        engine.stop();
        assertThatIllegalStateException().isThrownBy(() -> engine.mx.monitoring());
    }
}
