package org.backupmx.benchmarks.health;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.backupmx.health.HealthProbe;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.smtp.SmtpClient;
import org.jspecify.annotations.Nullable;

/**
 * What part of one core do the probes of 10,000 primaries take? Each probe goes over loopback to an address of its own,
 * where a primary in this JVM answers; CPU is told by groups of threads, so that the primary's part can be left out.
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.health.ProbeLoad DEPTH PROBES RATE [KEY.p12 PASSWORD]}; 20,000 probes go
 * first, uncounted and 100 at a time, for the compiler. RATE is in probes a second, 0 for 100 at a time; 20.83 is that of 10,000 primaries.
 * The key is for the depth STARTTLS.
 */
public final class ProbeLoad implements AutoCloseable {

    private static final int PRIMARIES = 10_000;
    private static final Duration BEAT = HealthProbe.recipient().interval();
    private static final int WARM_UP = 20_000;
    private static final int AT_A_TIME = 100;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String CLIENT = "backupmx-io";
    private static final String PRIMARY = "primary";
    private static final String JVM = "JVM: compiler, collector";

    private final ProbeDepth depth;
    private final ProbedPrimary primary;
    private final SmtpClient client = SmtpClient.create();

    ProbeLoad(ProbeDepth depth, ProbedPrimary primary) {
        this.depth = depth;
        this.primary = primary;
        client.start().toCompletableFuture().join();
    }

    /**
     * Probes and reports.
     *
     * @param args as above
     * @throws Exception if a probe fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 3 && args.length != 5) {
            System.err.println("usage: ProbeLoad DEPTH PROBES RATE [KEY.p12 PASSWORD]");
            System.exit(2);
        }
        int probes = Integer.parseInt(args[1]);
        double perSecond = Double.parseDouble(args[2]);
        try (ProbedPrimary primary =
                        new ProbedPrimary(args.length == 5 ? ProbedPrimary.key(Path.of(args[3]), args[4]) : null);
                ProbeLoad load = new ProbeLoad(ProbeDepth.valueOf(args[0]), primary)) {
            load.run(WARM_UP, 0);
            System.out.print(load.run(probes, perSecond).report());
        }
    }

    /**
     * What a run took.
     *
     * @param probes how many
     * @param nanos from the first to the last
     * @param cpuNanos by group of threads
     */
    record Cost(int probes, long nanos, Map<String, Long> cpuNanos) {

        /** Returns the part of one core that the client's event loops take for all primaries at their beat. */
        double shareOfOneCore() {
            return share(cpuNanos.getOrDefault(CLIENT, 0L));
        }

        private double share(long cpu) {
            return cpu / 1e9 / probes * PRIMARIES / BEAT.toSeconds();
        }

        String report() {
            StringBuilder out = new StringBuilder();
            out.append(String.format("%,d probes in %.1f s, %.1f/s%n", probes, nanos / 1e9, probes * 1e9 / nanos));
            cpuNanos.forEach(
                    (group, cpu) -> out.append(String.format("  %8.1f us a probe  %s%n", cpu / 1e3 / probes, group)));
            long ours = cpuNanos.entrySet().stream()
                    .filter(entry -> !entry.getKey().equals(PRIMARY))
                    .mapToLong(Map.Entry::getValue)
                    .sum();
            return out.append(String.format(
                            "%,d primaries every %d s: %.2f%% of one core by the client's event loops,"
                                    + " %.2f%% with all but the primary%n",
                            PRIMARIES, BEAT.toSeconds(), 100 * shareOfOneCore(), 100 * share(ours)))
                    .toString();
        }
    }

    Cost run(int probes, double perSecond) throws InterruptedException, IOException, TimeoutException {
        Semaphore free = new Semaphore(AT_A_TIME);
        AtomicInteger failed = new AtomicInteger();
        int farewells = primary.farewells();
        Map<String, Long> before = cpuNanos();
        long start = System.nanoTime();
        for (int i = 0; i < probes; i++) {
            if (perSecond > 0) {
                awaitUntil(start + (long) (i * 1e9 / perSecond));
            }
            free.acquire();
            client.probe(request(i)).whenComplete((result, fault) -> {
                if (!(result instanceof ProbeResult.Healthy)) {
                    failed.incrementAndGet();
                }
                free.release();
            });
        }
        if (!free.tryAcquire(AT_A_TIME, PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new TimeoutException("probes without a result (expected: none)");
        }
        if (failed.get() > 0) {
            throw new IOException("probes failed: " + failed + " (expected: 0)");
        }
        awaitFarewells(farewells + probes);
        long nanos = System.nanoTime() - start;
        Map<String, Long> spent = new TreeMap<>();
        cpuNanos().forEach((group, cpu) -> spent.put(group, cpu - before.getOrDefault(group, 0L)));
        return new Cost(probes, nanos, spent);
    }

    /** Each probe to another address of 127.0.0.0/8, as primaries have, and as the ports of one would run out. */
    private ProbeRequest request(int i) throws UnknownHostException {
        int n = i % PRIMARIES;
        byte[] address = {127, 1, (byte) (n / 250), (byte) (1 + n % 250)};
        return new ProbeRequest(
                new NextHopAddress(
                        new NextHop("primary-" + n + ".test", primary.port()), InetAddress.getByAddress(address)),
                "mx2.test",
                depth,
                MailDomain.of("d" + n + ".test"),
                Duration.ofSeconds(30));
    }

    private static void awaitUntil(long due) {
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** The result comes before RSET and QUIT, which cost as well. */
    private void awaitFarewells(int count) throws TimeoutException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (primary.farewells() < count) {
            if (System.nanoTime() > end) {
                throw new TimeoutException("farewells: " + primary.farewells() + " (expected: " + count + ")");
            }
            LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
        }
    }

    private static Map<String, Long> cpuNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        Map<String, Long> byGroup = new TreeMap<>();
        long known = 0;
        for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
            long cpu = thread == null ? -1 : threads.getThreadCpuTime(thread.getThreadId());
            if (cpu > 0) {
                known += cpu;
                byGroup.merge(group(thread), cpu, Long::sum);
            }
        }
        long all = ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        byGroup.put(JVM, all - known);
        return byGroup;
    }

    private static String group(@Nullable ThreadInfo thread) {
        String name = thread == null ? "" : thread.getThreadName();
        return name.startsWith(CLIENT) ? CLIENT : name.startsWith(PRIMARY) ? PRIMARY : "other threads of Java";
    }

    @Override
    public void close() {
        client.stop(Duration.ZERO).toCompletableFuture().join();
    }
}
