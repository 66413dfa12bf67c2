package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.subethamail.smtp.MessageHandler;
import org.subethamail.smtp.server.SMTPServer;

/** The server with a heap of 64 MiB and more clients, mail or malice than fit into it. */
class OverloadIT {

    private static final int IDLE = 2_000;
    private static final int SLOW = 400;
    static final byte[] SERVER = {127, 0, 0, 78};
    static final byte[] PRIMARY = {127, 0, 0, 79};
    private static final int BLOCKS = 1_600; // of 64 KiB: 100 MiB
    private static final String FIRST_FIELD = "X-First: ours\r\n";

    @TempDir
    Path folder;

    private final CompletableFuture<String> arrived = new CompletableFuture<>();

    @Test
    void a19_aMessageLargerThanTheHeapPassesBesideTwoThousandIdleSessions() throws Exception {
        int primaryPort = freePort(PRIMARY);
        Path config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.78:%d"]
                spool: "%s"
                domains:
                  example.test:
                    primary: 127.0.0.79:%d
                limits: {message-size: 110MB, connections: %d, connections-per-client: 50}
                """.formatted(
                        freePort(SERVER), folder.resolve("spool"), primaryPort, IDLE + 1));
        SMTPServer primary = SMTPServer.port(primaryPort)
                .bindAddress(InetAddress.getByAddress(PRIMARY))
                .maxMessageSize(120 << 20)
                .messageHandlerFactory(context -> new Delivery())
                .build();
        primary.start();
        ServerProcess server = startSmall(config);
        List<LoopbackClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < IDLE; i++) {
                LoopbackClient idle = new LoopbackClient(server.address(), i);
                clients.add(idle);
                idle.expect("220 ");
                idle.ask("EHLO idle.test", "250");
            }
            LoopbackClient sender = new LoopbackClient(server.address(), IDLE);
            clients.add(sender);
            sender.expect("220 ");
            sender.ask("EHLO sender.test", "250");
            sender.ask("MAIL FROM:<a@sender.test>", "250 ");
            sender.ask("RCPT TO:<u@example.test>", "250 ");
            sender.ask("DATA", "354 ");
            long start = System.nanoTime();
            try (LoopbackClient oneTooMany = new LoopbackClient(server.address(), IDLE + 1)) {
                oneTooMany.expect("421 4.3.2 ");
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));

            String sent = send100MiB(sender);
            sender.expect("250 ");
            assertThat(arrived.get(30, TimeUnit.SECONDS)).isEqualTo(sent);
            for (LoopbackClient client : clients) {
                client.ask("NOOP", "250 ");
            }
        } catch (IOException | AssertionError e) {
            e.addSuppressed(new IOException("the server said: " + server.output()));
            throw e;
        } finally {
            for (LoopbackClient client : clients) {
                client.close();
            }
            server.kill();
            primary.stop();
        }
    }

    @Test
    void t9_aGoodClientIsServedInTwoSecondsWhateverOthersDo() throws Exception {
        Path config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.78:%d"]
                spool: "%s"
                domains:
                  example.test:
                    primary: 127.0.0.79:%d
                limits: {message-size: 1MB, connections: 1000, connections-per-client: 50}
                """.formatted(
                        freePort(SERVER), folder.resolve("spool"), freePort(PRIMARY)));
        ServerProcess server = startSmall(config);
        InetSocketAddress address = server.address();
        List<LoopbackClient> slow = new ArrayList<>();
        List<Hostile> hostile = List.of(
                new Hostile("connections from many addresses", address, OverloadIT::comeAndGo),
                new Hostile("connections from one address", address, OverloadIT::takeAllConnections),
                new Hostile("RCPT storm", address, OverloadIT::stormRcpt),
                new Hostile("endless BDAT", address, OverloadIT::sendBdat));
        try {
            for (int i = 0; i < SLOW; i++) {
                LoopbackClient client = new LoopbackClient(address, i % 50);
                slow.add(client);
                client.expect("220 ");
            }
            hostile.forEach(Thread::start);
            for (int i = 0; i < 60; i++) {
                for (LoopbackClient client : slow) {
                    client.say("N"); // a command line that never ends
                }
                long start = System.nanoTime();
                try (LoopbackClient good = new LoopbackClient(address, 99)) {
                    good.expect("220 ");
                    good.ask("EHLO good.test", "250");
                    good.ask("MAIL FROM:<a@good.test>", "250 ");
                    good.ask("RCPT TO:<u@example.test>", "250 ");
                    good.ask("DATA", "354 ");
                    good.ask("Subject: hello\r\n\r\nbody\r\n.", "250 ");
                }
                assertThat(Duration.ofNanos(System.nanoTime() - start))
                        .as("message " + i)
                        .isLessThan(Duration.ofSeconds(2));
                for (Hostile attack : hostile) {
                    attack.awaitRound(); // all of them are at work
                }
            }
        } catch (IOException | AssertionError e) {
            e.addSuppressed(new IOException("the server said: " + server.output()));
            throw e;
        } finally {
            for (Hostile attack : hostile) {
                attack.end();
            }
            for (LoopbackClient client : slow) {
                client.close();
            }
            server.kill();
        }
    }

    /** Sends the message and returns the digest of all below its first field. */
    private static String send100MiB(LoopbackClient sender) throws Exception {
        byte[] block = new byte[65_536];
        Random random = new Random(5321);
        for (int i = 0; i < block.length; i++) {
            block[i] = (byte) (i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'a' + random.nextInt(26));
        }
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        OutputStream out = sender.out();
        out.write((FIRST_FIELD + "\r\n").getBytes(US_ASCII));
        digest.update("\r\n".getBytes(US_ASCII));
        for (int i = 0; i < BLOCKS; i++) {
            block[0] = (byte) ('a' + i % 26);
            out.write(block);
            digest.update(block);
        }
        out.write(".\r\n".getBytes(US_ASCII));
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void comeAndGo(InetSocketAddress address) throws IOException {
        try (LoopbackClient client =
                new LoopbackClient(address, 50 + ThreadLocalRandom.current().nextInt(40))) {
            client.expect("220 ");
        }
    }

    private static void takeAllConnections(InetSocketAddress address) throws IOException {
        List<LoopbackClient> held = new ArrayList<>();
        int greeted = 0;
        try {
            for (int i = 0; i < 60; i++) {
                held.add(new LoopbackClient(address, 98));
                greeted += held.get(i).reply().startsWith("220 ") ? 1 : 0;
            }
            assertThat(greeted).isLessThanOrEqualTo(50);
        } finally {
            for (LoopbackClient client : held) {
                client.close();
            }
        }
    }

    private static void stormRcpt(InetSocketAddress address) throws IOException {
        try (LoopbackClient client = new LoopbackClient(address, 97)) {
            client.expect("220 ");
            client.ask("EHLO storm.test", "250");
            client.ask("MAIL FROM:<a@sender.test>", "250 ");
            client.say("RCPT TO:<u@example.test>\r\n".repeat(1_500));
            String last = "";
            for (int i = 0; i < 1_500 && !last.startsWith("421"); i++) {
                last = client.reply();
            }
            assertThat(last).startsWith("4");
        }
    }

    private static void sendBdat(InetSocketAddress address) throws IOException {
        try (LoopbackClient client = new LoopbackClient(address, 96)) {
            client.expect("220 ");
            client.ask("EHLO storm.test", "250");
            client.ask("MAIL FROM:<a@sender.test>", "250 ");
            client.ask("RCPT TO:<u@example.test>", "250 ");
            String chunk = "BDAT 100000\r\n" + "x".repeat(100_000);
            String last = "250";
            for (int i = 0; i < 12 && last.startsWith("250"); i++) {
                client.say(chunk);
                last = client.reply();
            }
            assertThat(last).doesNotStartWith("250");
        }
    }

    /** One who does the same over and over. */
    private static final class Hostile extends Thread {

        /** What is done; ends with an exception if the server hangs up. */
        interface Attack {
            void on(InetSocketAddress server) throws IOException;
        }

        private final InetSocketAddress server;
        private final Attack attack;
        private final Semaphore rounds = new Semaphore(0);
        private final AtomicReference<AssertionError> wrong = new AtomicReference<>();
        private volatile boolean ended;

        Hostile(String name, InetSocketAddress server, Attack attack) {
            super(name);
            this.server = server;
            this.attack = attack;
            setDaemon(true);
        }

        @Override
        public void run() {
            while (!ended) {
                try {
                    attack.on(server);
                } catch (IOException e) {
                    // sent away
                } catch (AssertionError e) {
                    wrong.compareAndSet(null, e);
                }
                rounds.release();
            }
        }

        /** Waits until a round has ended after this call. */
        void awaitRound() throws InterruptedException {
            rounds.drainPermits();
            assertThat(rounds.tryAcquire(20, TimeUnit.SECONDS)).as(getName()).isTrue();
            assertThat(wrong.get()).as(getName()).isNull();
        }

        void end() throws InterruptedException {
            ended = true;
            join(20_000);
        }
    }

    static ServerProcess startSmall(Path config) throws Exception {
        return ServerProcess.start(
                List.of(
                        "-Xmx64m",
                        "-XX:+ExitOnOutOfMemoryError",
                        "-jar",
                        Path.of("target", "backupmx-server.jar").toString()),
                config);
    }

    /** On addresses of their own, no outgoing connection of the machine takes the port meanwhile. */
    static int freePort(byte[] address) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(address))) {
            return socket.getLocalPort();
        }
    }

    /** One mail transaction at the primary: tells the digest of all below the first field that was sent. */
    private final class Delivery implements MessageHandler {

        @Override
        public void from(String from) {
            // any
        }

        @Override
        public void recipient(String recipient) {
            // any
        }

        @Override
        public String data(InputStream data) throws IOException {
            InputStream in = new BufferedInputStream(data, 65_536);
            StringBuilder line = new StringBuilder();
            while (!line.toString().equals(FIRST_FIELD)) {
                if (line.length() > 0 && line.charAt(line.length() - 1) == '\n') {
                    line.setLength(0);
                }
                int octet = in.read();
                if (octet < 0) {
                    throw new IOException("no " + FIRST_FIELD);
                }
                line.append((char) octet);
            }
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                byte[] buffer = new byte[65_536];
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    digest.update(buffer, 0, count);
                }
                arrived.complete(HexFormat.of().formatHex(digest.digest()));
            } catch (java.security.NoSuchAlgorithmException e) {
                throw new AssertionError(e);
            }
            return "kept";
        }

        @Override
        public void done() {
            // nothing is kept
        }
    }
}
