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
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.subethamail.smtp.MessageHandler;
import org.subethamail.smtp.server.SMTPServer;

/** The server with a heap of 64 MiB, 2,000 idle sessions and a message that is larger than the heap. */
class OverloadIT {

    private static final int IDLE = 2_000;
    private static final byte[] SERVER = {127, 0, 0, 78};
    private static final byte[] PRIMARY = {127, 0, 0, 79};
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
        ServerProcess server = ServerProcess.start(
                List.of(
                        "-Xmx64m",
                        "-XX:+ExitOnOutOfMemoryError",
                        "-jar",
                        Path.of("target", "backupmx-server.jar").toString()),
                config);
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < IDLE; i++) {
                Client idle = new Client(server.address(), i);
                clients.add(idle);
                idle.expect("220 ");
                idle.ask("EHLO idle.test", "250");
            }
            Client sender = new Client(server.address(), IDLE);
            clients.add(sender);
            sender.expect("220 ");
            sender.ask("EHLO sender.test", "250");
            sender.ask("MAIL FROM:<a@sender.test>", "250 ");
            sender.ask("RCPT TO:<u@example.test>", "250 ");
            sender.ask("DATA", "354 ");
            long start = System.nanoTime();
            try (Client oneTooMany = new Client(server.address(), IDLE + 1)) {
                oneTooMany.expect("421 4.3.2 ");
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));

            String sent = sender.send100MiB();
            sender.expect("250 ");
            assertThat(arrived.get(30, TimeUnit.SECONDS)).isEqualTo(sent);
            for (Client client : clients) {
                client.ask("NOOP", "250 ");
            }
        } catch (IOException | AssertionError e) {
            e.addSuppressed(new IOException("the server said: " + server.output()));
            throw e;
        } finally {
            for (Client client : clients) {
                client.close();
            }
            server.kill();
            primary.stop();
        }
    }

    /** On addresses of their own, no outgoing connection of the machine takes the port meanwhile. */
    private static int freePort(byte[] address) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(address))) {
            return socket.getLocalPort();
        }
    }

    /** One connection, from one of many addresses. */
    private static final class Client implements AutoCloseable {
        private final Socket socket = new Socket();
        private final InputStream in;

        Client(InetSocketAddress server, int number) throws IOException {
            socket.bind(new InetSocketAddress(
                    InetAddress.getByAddress(new byte[] {127, 0, 3, (byte) (1 + number % 100)}), 0));
            socket.setSoTimeout(20_000);
            socket.connect(server, 20_000);
            in = socket.getInputStream();
        }

        /** Reads one reply, whose last line must begin so. */
        void expect(String start) throws IOException {
            String line;
            do {
                StringBuilder octets = new StringBuilder();
                int octet = in.read();
                while (octet >= 0 && octet != '\n') {
                    octets.append((char) octet);
                    octet = in.read();
                }
                line = octets.toString();
            } while (line.length() > 3 && line.charAt(3) == '-');
            assertThat(line).startsWith(start);
        }

        void ask(String command, String reply) throws IOException {
            socket.getOutputStream().write((command + "\r\n").getBytes(US_ASCII));
            expect(reply);
        }

        /** Sends the message and returns the digest of all below its first field. */
        String send100MiB() throws Exception {
            byte[] block = new byte[65_536];
            Random random = new Random(5321);
            for (int i = 0; i < block.length; i++) {
                block[i] = (byte) (i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'a' + random.nextInt(26));
            }
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            OutputStream out = socket.getOutputStream();
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

        @Override
        public void close() throws IOException {
            socket.close();
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
