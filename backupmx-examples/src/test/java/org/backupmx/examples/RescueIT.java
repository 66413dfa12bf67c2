package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.subethamail.smtp.MessageHandler;
import org.subethamail.smtp.RejectException;
import org.subethamail.smtp.server.SMTPServer;

/** Refused content goes to a rescue host that comes up after a restart of the server, with hosts that nobody here wrote. */
@Timeout(180)
class RescueIT {

    private static final byte[] PRIMARY = {127, 0, 0, 91};
    private static final byte[] RESCUE = {127, 0, 0, 92};
    private static final int MESSAGES = 5;

    @TempDir
    Path folder;

    private final AtomicInteger offered = new AtomicInteger(); // mail data that the primary was shown
    private final List<String> stored = new CopyOnWriteArrayList<>(); // by the rescue host: from, to, mail data
    private volatile boolean refuses = true;
    private ServerProcess server;
    private SMTPServer primary;
    private SMTPServer rescue;
    private Path config;

    @AfterEach
    void stop() throws Exception {
        server.kill();
        primary.stop();
        rescue.stop();
    }

    private static int freePort(byte[] address) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(address))) {
            return socket.getLocalPort();
        }
    }

    private static SMTPServer host(byte[] address, int port, Handler handler) throws IOException {
        return SMTPServer.port(port)
                .bindAddress(InetAddress.getByAddress(address))
                .messageHandlerFactory(context -> new Transaction(handler))
                .build();
    }

    /** Says what becomes of mail data. */
    private interface Handler {
        void take(String from, String to, String mailData) throws RejectException;
    }

    private void ofPrimary(String from, String to, String mailData) throws RejectException {
        offered.incrementAndGet();
        if (refuses) {
            throw new RejectException(554, "5.7.1 Message rejected as spam");
        }
    }

    private void ofRescue(String from, String to, String mailData) {
        stored.add(from + " " + to + " " + mailData);
    }

    private List<String> queue(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = ReferenceServer.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(Stream.of(Stream.of("queue"), Stream.of(args), Stream.of("--config", config.toString()))
                        .flatMap(one -> one)
                        .toArray(String[]::new));
        assertThat(err.toString()).isEmpty();
        assertThat(exitCode).isZero();
        return out.toString().lines().toList();
    }

    private int inRescue() {
        return queue("list", "--reply", "In rescue since").size() - 1; // without the heads
    }

    @Test
    void refusedContentGoesToTheRescueHostAndNeverBack() throws Exception {
        int primaryPort = freePort(PRIMARY);
        int rescuePort = freePort(RESCUE);
        primary = host(PRIMARY, primaryPort, this::ofPrimary);
        primary.start();
        rescue = host(RESCUE, rescuePort, this::ofRescue);
        config = Files.writeString(
                folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%s"
                domains:
                  example.test:
                    primary: 127.0.0.91:%d
                    undelivered: {refused-content: rescue, rescue: "127.0.0.92:%d"}
                breaker: false
                probe: {depth: rcpt, up: 8m, down: 1s, timeout: 10s, rise: 1, fall: 1}
                """.formatted(folder.resolve("spool"), primaryPort, rescuePort));
        server = ServerProcess.start(config);
        try (SmtpDialogue dialogue = new SmtpDialogue(server.address())) {
            for (int i = 0; i < MESSAGES; i++) {
                dialogue.send(
                        "a@sender.test",
                        "u" + i + "@example.test",
                        ("Subject: number " + i + "\r\n\r\nbody\r\n").getBytes(UTF_8));
            }
        }
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(inRescue()).isEqualTo(MESSAGES));
        assertThat(offered).hasValue(MESSAGES);
        assertThat(server.terminate(60)).isTrue();

        refuses = false; // the primary would take it now
        rescue.start();
        server = ServerProcess.start(config);
        queue("flush", "--domain", "example.test");
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(stored).hasSize(MESSAGES));
        assertThat(stored)
                .allSatisfy(mail -> assertThat(mail).startsWith("<> u").contains("\r\n\r\nbody\r\n"));
        assertThat(stored)
                .extracting(mail -> mail.split(" ", 3)[1])
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, MESSAGES)
                        .mapToObj(i -> "u" + i + "@example.test")
                        .toList());
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(queue("list")).hasSize(1));
        assertThat(offered).as("mail data that the primary saw").hasValue(MESSAGES);
    }

    /** One mail transaction. */
    private static final class Transaction implements MessageHandler {

        private final Handler handler;
        private final List<String> recipients = new ArrayList<>();
        private String from = "";

        Transaction(Handler handler) {
            this.handler = handler;
        }

        @Override
        public void from(String path) {
            from = path.isEmpty() ? "<>" : path;
        }

        @Override
        public void recipient(String recipient) {
            recipients.add(recipient);
        }

        @Override
        public String data(InputStream data) throws RejectException, IOException {
            String mailData = new String(data.readAllBytes(), ISO_8859_1);
            for (String recipient : recipients) {
                handler.take(from, recipient, mailData);
            }
            return "kept";
        }

        @Override
        public void done() {
            recipients.clear();
        }
    }
}
