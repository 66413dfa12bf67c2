package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Row T9: five thousand connections that only cost, from one address and from as many, beside a good client. */
class FloodIT {

    private static final int FLOOD = 5_000;
    private static final int PER_CLIENT = 50;

    /** The heap, as much again outside of it, and what a JVM needs. */
    private static final long MOST_RESIDENT_KIB = (64 + 64 + 160) * 1024;

    @TempDir
    Path folder;

    private InetSocketAddress server = new InetSocketAddress(0);
    private int goodClients;

    @Test
    void t9_aGoodClientIsServedBesideFiveThousandConnectionsAndMemoryIsBounded() throws Exception {
        int most = (int) Math.min(FLOOD, filesOfThisProcess() - 1_000);
        Path config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.78:%d"]
                spool: "%s"
                domains:
                  example.test:
                    primary: 127.0.0.79:%d
                limits: {connections: %d, connections-per-client: %d}
                """.formatted(
                        OverloadIT.freePort(OverloadIT.SERVER),
                        folder.resolve("spool"),
                        OverloadIT.freePort(OverloadIT.PRIMARY),
                        most + 10,
                        PER_CLIENT));
        ServerProcess process = OverloadIT.startSmall(config);
        server = process.address();
        List<LoopbackClient> flood = new ArrayList<>();
        try {
            int greeted = 0;
            for (int i = 0; i < most; i++) {
                flood.add(new LoopbackClient(server, 127, 0, 4, 1));
                String banner = flood.get(i).reply();
                greeted += banner.startsWith("220 ") ? 1 : 0;
                assertThat(banner).matches("(?s)(220|421 4\\.7\\.0) .*");
                deliverNowAndThen(i);
            }
            assertThat(greeted).isEqualTo(PER_CLIENT);
            closeAll(flood);

            for (int i = 0; i < FLOOD; i++) {
                LoopbackClient one = new LoopbackClient(server, 127, 16, i / 250, 1 + i % 250);
                flood.add(one);
                one.expect("220 ");
                if (flood.size() > most) {
                    flood.remove(0).close();
                }
                deliverNowAndThen(i);
            }
            for (int round = 0; round < 10; round++) {
                for (LoopbackClient slow : flood) {
                    slow.say("N"); // a command line that never ends
                }
                deliver();
            }
            for (LoopbackClient slow : flood) {
                slow.ask("\r\nNOOP", "500 "); // none was lost
            }
            long resident = residentKib(process);
            System.out.printf(
                    "flood: %d connections, %d at once, %d good clients served, %d KiB resident%n",
                    2 * FLOOD, most, goodClients, resident);
            assertThat(resident).isLessThan(MOST_RESIDENT_KIB);
        } catch (IOException | AssertionError e) {
            e.addSuppressed(new IOException("the server said: " + process.output()));
            throw e;
        } finally {
            closeAll(flood);
            process.kill();
        }
    }

    private static long filesOfThisProcess() {
        return ((UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getMaxFileDescriptorCount();
    }

    private static long residentKib(ServerProcess process) throws IOException {
        String line = Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
                .filter(field -> field.startsWith("VmRSS:"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }

    private static void closeAll(List<LoopbackClient> flood) throws IOException {
        for (LoopbackClient one : flood) {
            one.close();
        }
        flood.clear();
    }

    private void deliverNowAndThen(int connection) throws IOException {
        if (connection % 500 == 499) {
            deliver();
        }
    }

    /** A client comes, delivers a message and leaves, within two seconds. */
    private void deliver() throws IOException {
        long start = System.nanoTime();
        try (LoopbackClient good = new LoopbackClient(server, goodClients++)) {
            good.expect("220 ");
            good.ask("EHLO good.test", "250");
            good.ask("MAIL FROM:<a@good.test>", "250 ");
            good.ask("RCPT TO:<u@example.test>", "250 ");
            good.ask("DATA", "354 ");
            good.ask("Subject: hello\r\n\r\nbody\r\n.", "250 ");
            good.ask("QUIT", "221 ");
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("message " + goodClients)
                .isLessThan(Duration.ofSeconds(2));
    }
}
