package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.mail.Address;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.eclipse.angus.mail.smtp.SMTPTransport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.subethamail.smtp.MessageHandler;
import org.subethamail.smtp.server.SMTPServer;

/**
 * The main job with software that nobody here wrote: Angus Mail sends, SubEthaSMTP is the primary, and the server is
 * killed three times while it takes mail in.
 */
class MainJobIT {

    private static final int MESSAGES = 500;
    private static final int SENDERS = 4;
    private static final int KILLS = 3;
    private static final long SEED = 5321;
    private static final byte[] SERVER = {127, 0, 0, 76};
    private static final byte[] PRIMARY = {127, 0, 0, 77};
    private static final Path JAR = Path.of("target", "backupmx-server.jar");

    @TempDir
    Path folder;

    private final Map<String, String> acknowledged = new ConcurrentHashMap<>();
    private final Map<String, ConcurrentLinkedQueue<String>> arrived = new ConcurrentHashMap<>();

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    void everyMessageAnswered250ArrivesOctetForOctetThoughTheServerIsKilled() throws Exception {
        int serverPort = freePort(SERVER);
        int primaryPort = freePort(PRIMARY);
        Path config = Files.writeString(
                folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.76:%d"]
                spool: "%s"
                domains:
                  example.test:
                    primary: 127.0.0.77:%d
                probe: {up: 8m, down: 1s, rise: 1, fall: 1}
                """.formatted(serverPort, folder.resolve("spool"), primaryPort));
        ServerProcess[] server = {start(config)};
        try {
            AtomicInteger next = new AtomicInteger();
            AtomicInteger acks = new AtomicInteger();
            CountDownLatch[] killAt = {new CountDownLatch(90), new CountDownLatch(210), new CountDownLatch(360)};
            ExecutorService senders = Executors.newFixedThreadPool(SENDERS);
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < SENDERS; i++) {
                done.add(senders.submit(() -> {
                    for (int n = next.getAndIncrement(); n < MESSAGES; n = next.getAndIncrement()) {
                        if (send(n, serverPort)) {
                            acks.incrementAndGet();
                        }
                        for (CountDownLatch latch : killAt) {
                            latch.countDown();
                        }
                    }
                    return null;
                }));
            }
            for (CountDownLatch latch : killAt) {
                assertThat(latch.await(5, TimeUnit.MINUTES)).isTrue();
                server[0].kill();
                server[0] = start(config);
            }
            for (Future<?> sender : done) {
                sender.get(5, TimeUnit.MINUTES);
            }
            senders.shutdown();

            SMTPServer primary = primary(primaryPort);
            primary.start();
            try {
                Awaitility.await()
                        .atMost(3, TimeUnit.MINUTES)
                        .untilAsserted(() -> assertThat(missing()).isEmpty());
            } finally {
                primary.stop();
            }
            assertThat(acks.get()).isGreaterThan(MESSAGES * 3 / 4);
            acknowledged.forEach((recipient, digest) -> assertThat(arrived.get(recipient))
                    .as("mail data of %s", recipient)
                    .containsOnly(digest));
            int deliveries = arrived.values().stream()
                    .mapToInt(ConcurrentLinkedQueue::size)
                    .sum();
            System.out.printf(
                    "main job: %d of %d messages answered 250, %d recipients; server killed %d times;"
                            + " lost 0, changed 0, duplicates %d (seed %d)%n",
                    acks.get(), MESSAGES, acknowledged.size(), KILLS, deliveries - arrived.size(), SEED);
        } finally {
            server[0].kill();
        }
    }

    private Set<String> missing() {
        Set<String> missing = ConcurrentHashMap.newKeySet();
        acknowledged.keySet().stream()
                .filter(recipient -> !arrived.containsKey(recipient))
                .forEach(missing::add);
        return missing;
    }

    private static ServerProcess start(Path config) throws Exception {
        return ServerProcess.start(List.of("-jar", JAR.toString()), config);
    }

    /** On addresses of their own, no outgoing connection of the machine takes the port meanwhile. */
    private static int freePort(byte[] address) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(address))) {
            return socket.getLocalPort();
        }
    }

    /** Sends message {@code n} until it is answered or this server's life ends; true if it was answered 250. */
    private boolean send(int n, int port) throws Exception {
        Random random = new Random(SEED + n);
        byte[] mailData = mailData(n, random);
        List<Address> recipients = new ArrayList<>();
        int count = 1 + (n % 5 == 0 ? random.nextInt(50) : 0);
        for (int i = 0; i < count; i++) {
            recipients.add(new InternetAddress("m" + n + "-r" + i + "@example.test"));
        }
        Properties properties = new Properties();
        properties.put("mail.smtp.host", "127.0.0.76");
        properties.put("mail.smtp.port", Integer.toString(port));
        properties.put("mail.smtp.allow8bitmime", "true");
        properties.put("mail.smtp.connectiontimeout", "10000");
        properties.put("mail.smtp.timeout", "60000");
        Session session = Session.getInstance(properties);
        MimeMessage message = new RawMessage(session, mailData);
        message.setFrom(new InternetAddress("sender@sender.test"));
        try (SMTPTransport transport = (SMTPTransport) session.getTransport("smtp")) {
            Awaitility.await().atMost(1, TimeUnit.MINUTES).until(() -> connects(transport));
            transport.sendMessage(message, recipients.toArray(new Address[0]));
        } catch (MessagingException e) {
            return false; // the server was killed under it: not acknowledged, so nothing is owed
        }
        String digest = digest(mailData);
        recipients.forEach(recipient -> acknowledged.put(recipient.toString(), digest));
        return true;
    }

    private static boolean connects(SMTPTransport transport) {
        try {
            transport.connect();
            return true;
        } catch (MessagingException e) {
            return false;
        }
    }

    /** 0 B to 10 MB: lines over 998 octets, dots at line starts, 8-bit octets, some without a final line end. */
    private static byte[] mailData(int n, Random random) {
        int size = n % 100 == 50 ? 10 << 20 : n % 25 == 7 ? 1 << 20 : n % 10 == 3 ? 0 : random.nextInt(40_000);
        byte[] data = new byte[size];
        int at = 0;
        while (at < size) {
            int length = Math.min(size - at, random.nextInt(20) == 0 ? 2000 : random.nextInt(90));
            for (int i = 0; i < length; i++) {
                data[at++] = (byte) (random.nextInt(30) == 0 ? 0xa0 + random.nextInt(0x60) : ' ' + random.nextInt(95));
            }
            if (length > 0 && random.nextInt(3) == 0) {
                data[at - length] = '.';
            }
            if (at + 2 <= size) {
                data[at++] = '\r';
                data[at++] = '\n';
            }
        }
        if (size > 0 && data[0] == ' ') {
            data[0] = '.'; // a space would continue the field that the server puts above it
        }
        return data;
    }

    private SMTPServer primary(int port) throws IOException {
        InetAddress bindAddress = InetAddress.getByAddress(PRIMARY);
        return SMTPServer.port(port)
                .bindAddress(bindAddress)
                .maxMessageSize(64 << 20)
                .maxRecipients(1000)
                .messageHandlerFactory(context -> new Delivery())
                .build();
    }

    /** Takes off what the servers put on top: our Received field, and the primary's own above it if it came by DATA. */
    private static byte[] withoutTrace(byte[] data) {
        String start = new String(data, 0, Math.min(data.length, 600), StandardCharsets.ISO_8859_1);
        int second = start.indexOf("\r\nReceived: ");
        boolean hasPrimarys = second >= 0 && second < start.indexOf("\tby mx2.example.net");
        return Demo.withoutFirstField(hasPrimarys ? Demo.withoutFirstField(data) : data);
    }

    /** SMTP ends mail data with a line end, so a message without one arrives with one. */
    private static String digest(byte[] mailData) {
        byte[] onTheWire = mailData;
        if (mailData.length > 0 && (mailData.length < 2 || mailData[mailData.length - 1] != '\n')) {
            onTheWire = Arrays.copyOf(mailData, mailData.length + 2);
            onTheWire[mailData.length] = '\r';
            onTheWire[mailData.length + 1] = '\n';
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(onTheWire);
            return onTheWire.length + ":" + HexFormat.of().formatHex(digest);
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** A message that goes out as these octets and nothing else. */
    private static final class RawMessage extends MimeMessage {

        private final byte[] mailData;

        RawMessage(Session session, byte[] mailData) {
            super(session);
            this.mailData = mailData;
        }

        @Override
        public void writeTo(OutputStream out, String[] ignored) throws IOException {
            out.write(mailData);
        }
    }

    /** One mail transaction at the primary: every recipient gets the digest of its mail data. */
    private final class Delivery implements MessageHandler {

        private final List<String> recipients = new ArrayList<>();

        @Override
        public void from(String from) {
            // any
        }

        @Override
        public void recipient(String recipient) {
            recipients.add(recipient);
        }

        @Override
        public String data(InputStream data) throws IOException {
            String digest = digest(withoutTrace(data.readAllBytes()));
            recipients.forEach(recipient -> arrived.computeIfAbsent(recipient, to -> new ConcurrentLinkedQueue<>())
                    .add(digest));
            return "kept";
        }

        @Override
        public void done() {
            recipients.clear();
        }
    }
}
