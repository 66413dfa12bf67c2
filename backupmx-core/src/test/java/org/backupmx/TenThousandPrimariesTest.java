package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.relay.NextHop;
import org.junit.jupiter.api.Test;

/** Row E1: ten thousand primaries, watched and written down for an hour on virtual time. */
class TenThousandPrimariesTest {

    private static final int PRIMARIES = 10_000;
    private static final Duration HOUR = Duration.ofHours(1);

    private final VirtualEngine engine = new VirtualEngine();

    private static NextHop primary(int i) {
        return NextHop.parse("127.2." + i / 250 + "." + (1 + i % 250) + ":25");
    }

    @Test
    void e1_eachIsProbedAtItsBeatAndAllOfThemCostLittle() {
        engine.builder
                .relayDomains(RelayDomains.of(IntStream.range(0, PRIMARIES)
                        .mapToObj(i -> RelayDomain.of("d" + i + ".test").withNextHops(List.of(primary(i))))
                        .toList()))
                .historyStore(HistoryStore.inMemory(1_000_000));
        engine.start();
        engine.time.advance(HOUR); // the first probes come together, jitter parts them
        int before = engine.client.probes().size();
        long began = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        engine.time.advance(HOUR);
        long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - began;
        Map<String, Long> probes = engine.client.probes().stream()
                .skip(before)
                .map(probe -> probe.nextHop().toString())
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        engine.stop();

        assertThat(probes).hasSize(PRIMARIES);
        assertThat(probes.values()).allMatch(count -> count >= 6 && count <= 9);
        double share = (double) nanos / HOUR.toNanos();
        System.out.printf("10,000 primaries: %.3f %% of a core without the wire%n", 100 * share);
        assertThat(share).isLessThan(0.01);
    }
}
