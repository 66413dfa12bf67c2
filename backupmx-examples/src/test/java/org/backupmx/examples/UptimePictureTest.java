package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.backupmx.health.HealthChange;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.health.UptimeExport;
import org.backupmx.health.UptimeHistory;
import org.backupmx.history.HistoryStore;
import org.junit.jupiter.api.Test;

/** The picture in docs/health.md is what the library draws. */
class UptimePictureTest {

    private static final Path PICTURE = Path.of("..", "docs", "uptime-example.svg");
    private static final String PRIMARY = "mail.example.org:25";
    private static final Instant BEGIN = Instant.parse("2026-10-01T00:00:00Z");

    private final AtomicReference<Instant> now = new AtomicReference<>(BEGIN);
    private PrimaryHealth health = PrimaryHealth.UNKNOWN;

    @Test
    void thePictureInTheDocsIsTheOneThatIsDrawn() throws Exception {
        try (UptimeHistory history = new UptimeHistory(HistoryStore.inMemory(1_000), Runnable::run, now::get)) {
            become(history, PrimaryHealth.UP, Duration.ZERO, "probe succeeded");
            become(history, PrimaryHealth.DOWN, Duration.ofHours(125), "Connection refused");
            become(history, PrimaryHealth.UP, Duration.ofHours(7), "probe succeeded");
            become(history, PrimaryHealth.DEGRADED, Duration.ofDays(5), "451 4.3.2 Try later");
            become(history, PrimaryHealth.UP, Duration.ofHours(9), "message delivered");
            become(history, PrimaryHealth.REJECTING, Duration.ofDays(8), "554 5.3.2 No mail here");
            become(history, PrimaryHealth.DOWN, Duration.ofHours(2), "no answer in time");
            become(history, PrimaryHealth.UP, Duration.ofHours(30), "probe succeeded");
            now.set(BEGIN.plus(Duration.ofDays(30)));
            String drawn = UptimeExport.svg(history.report(PRIMARY, BEGIN, now.get()));
            assertThat(drawn)
                    .as("%s; if what is drawn is better, put that into the file", PICTURE)
                    .isEqualTo(Files.readString(PICTURE));
        }
    }

    private void become(UptimeHistory history, PrimaryHealth to, Duration later, String cause) {
        now.updateAndGet(before -> before.plus(later));
        history.changed(PRIMARY, new HealthChange(health, to, now.get(), cause));
        health = to;
    }
}
