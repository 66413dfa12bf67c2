package org.backupmx.benchmarks.relay;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.backupmx.BackupMx;
import org.backupmx.event.BackupMxListener;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.health.HealthProbe;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.relay.NextHop;
import org.backupmx.smtp.SmtpClient;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.FileSpool;

/**
 * How fast does mail go home, and at what cost, whatever the number of domains it is for? Rounds of a file spool that is
 * filled first, and an engine that starts with it and relays everything to one primary, for which {@code smtp-sink} may
 * stand.
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.relay.DrainLoad DIRECTORY ADDRESS:PORT MESSAGES BYTES DOMAINS ROUNDS [HOLES]}
 *
 * <p>With {@code HOLES} each domain has a primary of its own, in 127.1.0.0/16 at that port, where the sink has to listen at all
 * addresses (in a network namespace of its own); in every other round as many further domains have one that takes connections and says nothing, with as much mail
 * for each.
 */
public final class DrainLoad {

    private static final long PATIENCE_SECONDS = 120;
    private static final int UNDER_WAY = 1_000;

    private final Path directory;
    private final NextHop primary;
    private final int messages;
    private final byte[] mailData;
    private final int domains;
    private final int holes;

    private DrainLoad(Path directory, NextHop primary, int messages, int bytes, int domains, int holes) {
        this.directory = directory;
        this.primary = primary;
        this.messages = messages;
        this.mailData = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n"
                .repeat(Math.max(1, bytes / 64))
                .getBytes(StandardCharsets.US_ASCII);
        this.domains = domains;
        this.holes = holes;
    }

    /**
     * Measures and reports.
     *
     * @param args as above
     * @throws Exception if the disk, the spool or the engine fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 6 && args.length != 7) {
            System.err.println("usage: DrainLoad DIRECTORY ADDRESS:PORT MESSAGES BYTES DOMAINS ROUNDS [HOLES]");
            System.exit(2);
        }
        DrainLoad load = new DrainLoad(
                Files.createTempDirectory(Path.of(args[0]), "drain-load"),
                NextHop.parse(args[1]),
                Integer.parseInt(args[2]),
                Integer.parseInt(args[3]),
                Integer.parseInt(args[4]),
                args.length == 7 ? Integer.parseInt(args[6]) : 0);
        try (ServerSocket silent = new ServerSocket()) {
            if (load.holes > 0) {
                silent.bind(new InetSocketAddress(0), 10_000);
            }
            for (int i = 0; i < Integer.parseInt(args[5]); i++) {
                load.round(i % 2 == 0 ? 0 : load.holes, silent.getLocalPort());
            }
        } finally {
            remove(load.directory);
        }
    }

    private NextHop nextHop(int domain, int silentPort) {
        return holes == 0
                ? primary
                : new NextHop(
                        "127.1." + domain / 200 + "." + (1 + domain % 200),
                        domain < domains ? primary.port() : silentPort);
    }

    private void round(int silent, int silentPort) throws Exception {
        Path path = directory.resolve("spool");
        try (FileSpool spool = FileSpool.builder(path)
                .minimumFreeBytes(256L << 20)
                .minimumFreePercent(0)
                .open()) {
            fill(spool, silent);
            CountDownLatch relayed = new CountDownLatch(messages);
            BackupMxListener listener = new BackupMxListener() {
                @Override
                public void onRelayed(RecipientRelayed event) {
                    relayed.countDown();
                }
            };
            List<RelayDomain> all = IntStream.range(0, domains + silent)
                    .mapToObj(i -> RelayDomain.of("d" + i + ".test").withNextHops(List.of(nextHop(i, silentPort))))
                    .toList();
            try (BackupMx mx = BackupMx.builder()
                    .hostname("mx2.example.net")
                    .relayDomains(RelayDomains.of(all))
                    .intakeServer(SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)))
                    .relayClient(SmtpClient.create())
                    .spool(spool)
                    .healthProbe(HealthProbe.smtpGreeting().everyWhileDown(Duration.ofSeconds(1)))
                    .listener(listener)
                    .build()) {
                long cpu = cpu();
                long begin = System.nanoTime();
                mx.start().toCompletableFuture().join();
                if (!relayed.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("left: " + relayed.getCount() + " messages (expected: none)");
                }
                double seconds = (System.nanoTime() - begin) / 1e9;
                System.out.printf(
                        "%,d messages for %,d domains%s: %,.0f/s, %.3f s of CPU for 1,000%n",
                        messages,
                        domains,
                        silent == 0 ? "" : " beside " + silent + " silent primaries",
                        messages / seconds,
                        (cpu() - cpu) / 1e9 / messages * 1000);
            }
        } finally {
            remove(path);
        }
    }

    private void fill(FileSpool spool, int silent) throws IOException {
        Deque<CompletableFuture<SpoolId>> underWay = new ArrayDeque<>();
        Instant now = Instant.now();
        int all = domains + silent;
        for (int i = 0; i < (long) messages * all / domains; i++) {
            Envelope envelope = Envelope.from(ReversePath.parse("sender@example.net"))
                    .to(Recipient.of(ForwardPath.parse("user" + i + "@d" + i % all + ".test")))
                    .build();
            try (SpoolWriter writer = spool.begin(envelope, now)) {
                writer.write(ByteBuffer.wrap(mailData));
                underWay.addLast(writer.commit().toCompletableFuture());
            }
            if (underWay.size() == UNDER_WAY) {
                underWay.removeFirst().join();
            }
        }
        underWay.forEach(CompletableFuture::join);
    }

    private static long cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
