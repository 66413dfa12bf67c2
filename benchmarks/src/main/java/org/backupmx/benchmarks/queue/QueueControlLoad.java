package org.backupmx.benchmarks.queue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
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
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
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
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.queue.QueueControl;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueuePage;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueSelection;
import org.backupmx.relay.NextHop;
import org.backupmx.smtp.SmtpClient;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.FileSpool;

/**
 * How long does an operator wait for a queue of many messages: for a page of the list, for what an order would change, and
 * for the first message after a flush? A file spool with mail for 1,000 domains of one primary, which is down until the flush.
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.queue.QueueControlLoad DIRECTORY MESSAGES}
 */
public final class QueueControlLoad {

    private static final int DOMAINS = 1_000;
    private static final int UNDER_WAY = 1_000;
    private static final int PAGE = 100;
    private static final byte[] MAIL_DATA =
            "Subject: x\r\n\r\nSome text that is not long.\r\n".getBytes(StandardCharsets.US_ASCII);

    private QueueControlLoad() {}

    /**
     * Measures and reports.
     *
     * @param args as above
     * @throws Exception if the disk, the spool or the engine fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 2) {
            System.err.println("usage: QueueControlLoad DIRECTORY MESSAGES");
            System.exit(2);
        }
        Path directory = Files.createTempDirectory(Path.of(args[0]), "queue-control-load");
        try {
            run(directory.resolve("spool"), Integer.parseInt(args[1]));
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void run(Path path, int messages) throws Exception {
        InetSocketAddress address = closedPort();
        NextHop primary = new NextHop("127.0.0.1", address.getPort());
        AtomicLong firstRelayed = new AtomicLong();
        BackupMxListener listener = new BackupMxListener() {
            @Override
            public void onRelayed(RecipientRelayed event) {
                firstRelayed.compareAndSet(0, System.nanoTime());
            }
        };
        List<RelayDomain> domains = IntStream.range(0, DOMAINS)
                .mapToObj(i -> RelayDomain.of("d" + i + ".test").withNextHops(List.of(primary)))
                .toList();
        try (FileSpool spool = FileSpool.builder(path)
                .minimumFreeBytes(256L << 20)
                .minimumFreePercent(0)
                .open()) {
            fill(spool, messages);
            try (BackupMx mx = BackupMx.builder()
                    .hostname("mx2.example.net")
                    .relayDomains(RelayDomains.of(domains))
                    .intakeServer(SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)))
                    .relayClient(SmtpClient.create())
                    .spool(spool)
                    .healthProbe(HealthProbe.smtpGreeting())
                    .listener(listener)
                    .build()) {
                mx.start().toCompletableFuture().join();
                measure(mx.queue(), messages);
                flush(mx.queue(), address, firstRelayed);
            }
        }
    }

    private static void measure(QueueControl queue, int messages) throws Exception {
        SpoolFilter domain = SpoolFilter.all().domain(MailDomain.of("d7.test"));
        SpoolFilter sender = SpoolFilter.all().reversePath(ReversePath.parse("sender@example.net"));
        for (int round = 1; round <= 3; round++) {
            System.out.printf("round %d of %,d messages%n", round, messages);
            QueuePage page = timed(
                    "list, first page of " + PAGE, () -> queue.list(QueueSelection.all(), Optional.empty(), PAGE));
            SpoolId last = page.mails().get(PAGE - 1).message().message().id();
            timed("list, the page after it", () -> queue.list(QueueSelection.all(), Optional.of(last), PAGE));
            timed("list, first page of a domain", () -> queue.list(QueueSelection.of(domain), Optional.empty(), PAGE));
            timed("drain progress", queue::drain);
            timed(
                    "plan: flush a domain",
                    () -> queue.plan(QueueOrder.of(QueueOrder.Kind.FLUSH), QueueSelection.of(domain)));
        }
        timed(
                "plan: hold what a sender sent, all",
                () -> queue.plan(QueueOrder.of(QueueOrder.Kind.HOLD), QueueSelection.of(sender)));
    }

    private static void flush(QueueControl queue, InetSocketAddress address, AtomicLong firstRelayed) throws Exception {
        QueuePlan one = queue.plan(
                QueueOrder.of(QueueOrder.Kind.FLUSH),
                QueueSelection.of(SpoolFilter.all().domain(MailDomain.of("d8.test"))));
        try (ServerSocket primary = new ServerSocket()) {
            primary.setReuseAddress(true);
            primary.bind(address);
            Thread acceptor = new Thread(() -> accept(primary), "primary");
            acceptor.setDaemon(true);
            long begin = System.nanoTime();
            acceptor.start();
            CompletableFuture<?> ended = queue.run(one.token()).toCompletableFuture();
            while (firstRelayed.get() == 0) {
                Thread.onSpinWait();
            }
            System.out.printf(
                    "%-40s %,9.1f ms; ended after %,9.1f ms%n",
                    "flush a domain of " + one.messages() + ", first relayed",
                    (firstRelayed.get() - begin) / 1e6,
                    timedEnd(ended, begin));
        }
    }

    private static InetSocketAddress closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return (InetSocketAddress) socket.getLocalSocketAddress();
        }
    }

    private static void accept(ServerSocket primary) {
        try {
            while (true) {
                Socket client = primary.accept();
                Thread session = new Thread(() -> sayYes(client), "primary-session");
                session.setDaemon(true);
                session.start();
            }
        } catch (IOException e) {
            return; // closed: the end
        }
    }

    /** A primary that says yes to everything. */
    private static void sayYes(Socket client) {
        try (client;
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
                OutputStream out = client.getOutputStream()) {
            say(out, "220 primary.test ESMTP");
            boolean inData = false;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (inData) {
                    inData = !line.equals(".");
                    if (!inData) {
                        say(out, "250 ok");
                    }
                } else {
                    inData = line.equalsIgnoreCase("DATA");
                    say(out, inData ? "354 go" : "250 ok");
                }
            }
        } catch (IOException e) {
            return; // the engine is done with it
        }
    }

    private static void say(OutputStream out, String reply) throws IOException {
        out.write((reply + "\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    private static double timedEnd(CompletableFuture<?> ended, long begin) {
        ended.join();
        return (System.nanoTime() - begin) / 1e6;
    }

    private static <T> T timed(String what, Callable<T> task) throws Exception {
        long begin = System.nanoTime();
        T result = task.call();
        System.out.printf("%-40s %,9.1f ms%n", what, (System.nanoTime() - begin) / 1e6);
        return result;
    }

    private static void fill(FileSpool spool, int messages) throws IOException {
        Deque<CompletableFuture<SpoolId>> underWay = new ArrayDeque<>();
        Instant now = Instant.now().minus(Duration.ofMinutes(1));
        for (int i = 0; i < messages; i++) {
            Envelope envelope = Envelope.from(ReversePath.parse("sender@example.net"))
                    .to(Recipient.of(ForwardPath.parse("user" + i + "@d" + i % DOMAINS + ".test")))
                    .build();
            try (SpoolWriter writer = spool.begin(envelope, now)) {
                writer.write(ByteBuffer.wrap(MAIL_DATA));
                underWay.addLast(writer.commit().toCompletableFuture());
            }
            if (underWay.size() == UNDER_WAY) {
                underWay.removeFirst().join();
            }
        }
        underWay.forEach(CompletableFuture::join);
        for (int i = 0; i < DOMAINS; i++) {
            spool.reschedule(MailDomain.of("d" + i + ".test"), now.plus(Duration.ofDays(1)));
        }
    }
}
