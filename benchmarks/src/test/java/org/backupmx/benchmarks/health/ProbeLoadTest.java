package org.backupmx.benchmarks.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.backupmx.relay.ProbeDepth;
import org.junit.jupiter.api.Test;

/** The measurement of probes runs, so that it does not rot. */
class ProbeLoadTest {

    @Test
    void itRuns() throws Exception {
        try (ProbedPrimary primary = new ProbedPrimary(null);
                ProbeLoad load = new ProbeLoad(ProbeDepth.RCPT, primary)) {
            ProbeLoad.Cost cost = load.run(200, 1000);
            assertThat(primary.farewells()).isEqualTo(200);
            assertThat(cost.nanos()).isGreaterThanOrEqualTo(199_000_000);
            assertThat(cost.shareOfOneCore()).isPositive();
            assertThat(cost.report()).contains("200 probes", "backupmx-io", "% of one core");
        }
    }

    @Test
    void aProbeThatFailsIsNotCounted() throws Exception {
        try (ProbedPrimary primary = new ProbedPrimary(null);
                ProbeLoad load = new ProbeLoad(ProbeDepth.STARTTLS, primary)) {
            assertThatThrownBy(() -> load.run(1, 0))
                    .isInstanceOf(IOException.class)
                    .hasMessage("probes failed: 1 (expected: 0)");
        }
    }
}
