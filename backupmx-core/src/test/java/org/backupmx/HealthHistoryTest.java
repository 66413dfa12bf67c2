package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.HealthOverride.Kind;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.health.Outage;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.health.UptimeReport;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.mail.MailDomain;
import org.junit.jupiter.api.Test;

/** Row E8, and what of E6 and E7 outlives an engine. */
class HealthHistoryTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");

    private final HistoryStore store = HistoryStore.inMemory(100_000);
    private VirtualEngine engine = new VirtualEngine();

    private void start() {
        engine.builder.historyStore(store).healthProbe(HealthProbe.recipient().jitter(0));
        engine.start();
    }

    private Instant now() {
        return engine.time.now();
    }

    private UptimeReport uptime(Instant from) throws HistoryException {
        return engine.mx.health().uptime(DOMAIN, from, now()).orElseThrow();
    }

    @Test
    void e8_anOutageIsInTheReport() throws Exception {
        Instant began = now();
        start();
        engine.time.advance(Duration.ofHours(6));
        engine.client.allDown();
        engine.time.advance(Duration.ofHours(3));
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(3));
        UptimeReport report = uptime(began);
        assertThat(report.total().percent().orElseThrow()).isCloseTo(75, within(2.0));
        assertThat(report.outages()).hasSize(1);
        Outage outage = report.outages().get(0);
        assertThat(outage.cause()).contains("refused");
        assertThat(Duration.between(outage.from(), outage.to()))
                .isBetween(Duration.ofMinutes(170), Duration.ofMinutes(190));
        engine.stop();
    }

    @Test
    void e8_timeWithoutAnEngineIsNotKnown() throws Exception {
        Instant began = now();
        start();
        engine.time.advance(Duration.ofHours(2));
        engine.stop();
        engine.time.advance(Duration.ofHours(20));
        engine = engine.restarted();
        start();
        engine.time.advance(Duration.ofHours(2));
        UptimeReport report = uptime(began);
        assertThat(report.total().percent().orElseThrow()).isEqualTo(100);
        Duration known = report.spans().stream()
                .filter(span -> span.health() == PrimaryHealth.UP)
                .map(span -> Duration.between(span.from(), span.to()))
                .reduce(Duration.ZERO, Duration::plus);
        assertThat(known).isEqualTo(Duration.ofHours(4));
        engine.stop();
    }

    @Test
    void ordersOutliveTheEngine() throws Exception {
        start();
        MaintenanceWindow window = new MaintenanceWindow(now().plusSeconds(60), now().plus(Duration.ofDays(2)));
        HealthOverride order = HealthOverride.of(Kind.HOLD).until(now().plus(Duration.ofDays(1)));
        engine.mx.health().override(DOMAIN, order);
        engine.mx.health().maintain(MailDomain.of("second.test"), window);
        engine.mx.health().override(MailDomain.of("byname.test"), HealthOverride.of(Kind.FORCE_UP));
        engine.mx.health().override(MailDomain.of("byname.test"), HealthOverride.auto());
        engine.stop();
        engine.time.advance(Duration.ofHours(3));
        engine = engine.restarted();
        start();
        assertThat(engine.mx.health().find(DOMAIN).orElseThrow().override()).isEqualTo(order);
        assertThat(engine.mx
                        .health()
                        .find(MailDomain.of("second.test"))
                        .orElseThrow()
                        .maintenance())
                .containsExactly(window);
        assertThat(engine.mx
                        .health()
                        .find(MailDomain.of("byname.test"))
                        .orElseThrow()
                        .override())
                .isEqualTo(HealthOverride.auto());
        engine.time.advance(Duration.ofHours(21));
        assertThat(engine.mx.health().find(DOMAIN).orElseThrow().override()).isEqualTo(HealthOverride.auto());
        engine.stop();
    }

    @Test
    void aLineThatCannotBeReadIsLeftOut() throws Exception {
        store.append(
                "orders",
                List.of(
                        new HistoryEntry(now(), "override example.test EXPLODE -"),
                        new HistoryEntry(now(), "override example.test"),
                        new HistoryEntry(now(), "maintain example.test yesterday tomorrow"),
                        new HistoryEntry(now(), "dance example.test HOLD -"),
                        new HistoryEntry(now(), ""),
                        new HistoryEntry(now(), "override example.test HOLD -")));
        start();
        assertThat(engine.mx.health().find(DOMAIN).orElseThrow().override()).isEqualTo(HealthOverride.of(Kind.HOLD));
        engine.stop();
    }

    /** A store that is broken. */
    private static final class Broken implements HistoryStore {
        private static HistoryException fault() {
            return new HistoryException("disk on fire");
        }

        @Override
        public void append(String series, List<HistoryEntry> entries) throws HistoryException {
            throw fault();
        }

        @Override
        public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
            throw fault();
        }

        @Override
        public Optional<HistoryEntry> last(String series) throws HistoryException {
            throw fault();
        }

        @Override
        public void replace(String series, Instant before, List<HistoryEntry> entries) throws HistoryException {
            throw fault();
        }

        @Override
        public Set<String> series() throws HistoryException {
            throw fault();
        }

        @Override
        public void remove(String series) throws HistoryException {
            throw fault();
        }

        @Override
        public void close() {}
    }

    @Test
    void aStoreThatFailsStopsNothing() {
        engine.builder.historyStore(new Broken());
        engine.start();
        engine.mx.health().override(DOMAIN, HealthOverride.of(Kind.HOLD));
        engine.server.connect().send("a@sender.test", "Subject: x\r\n\r\n", "user@second.test");
        engine.time.advance(Duration.ofDays(1));
        assertThat(engine.client.relayed()).hasSize(1);
        assertThat(engine.mx.health().find(DOMAIN).orElseThrow().override()).isEqualTo(HealthOverride.of(Kind.HOLD));
        engine.stop();
    }

    @Test
    void withoutAStoreThereIsNoHistory() {
        engine.start();
        assertThatIllegalStateException()
                .isThrownBy(() -> engine.mx.health().uptime(DOMAIN, now().minusSeconds(60), now()))
                .withMessage("historyStore: none (expected: a store such as FileHistory)");
        engine.stop();
    }
}
