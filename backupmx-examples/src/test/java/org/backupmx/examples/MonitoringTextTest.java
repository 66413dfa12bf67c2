package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.backupmx.intake.IpNetwork;
import org.backupmx.monitoring.DeferredNetwork;
import org.backupmx.monitoring.MonitoringReport;
import org.junit.jupiter.api.Test;

class MonitoringTextTest {

    private static final Instant NOON = Instant.parse("2026-11-23T12:00:00.123Z");

    private static DeferredNetwork network(String name, long deferred, long cameAgain, long letIn, double score) {
        return new DeferredNetwork(IpNetwork.of(name), deferred, cameAgain, letIn, score, NOON.minusSeconds(60), NOON);
    }

    @Test
    void aLineForEachNetworkUpToTheLimit() {
        MonitoringReport report = new MonitoringReport(
                NOON,
                List.of(
                        network("192.0.2.0/24", 1234, 0, 0, 1234.56),
                        network("2001:db8:0:1::/64", 2, 1, 0, 0.04),
                        network("198.51.100.0/24", 3, 2, 1, 0)));
        assertThat(MonitoringText.table(report, 2).stream()
                        .map(line -> line.replaceAll(" {2,}", "|"))
                        .toList())
                .containsExactly(
                        "network|deferred|came again|let in|score|fate|first|last",
                        "192.0.2.0/24|1234|0|0|1234.6|never-came-again|2026-11-23T11:59:00Z|2026-11-23T12:00:00Z",
                        report.networks().get(1).network()
                                + "|2|1|0|0.0|came-again|2026-11-23T11:59:00Z|2026-11-23T12:00:00Z");
        assertThat(MonitoringText.table(report, 3).get(3)).contains("  let-in  ");
        assertThat(MonitoringText.table(new MonitoringReport(NOON, List.of()), 50))
                .hasSize(1);
    }
}
