package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.internal.server.SmtpServerSession;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.Level;

/** Rows N1 and N2 on loopback sockets, with the JDK's TLS as client. */
class StartTlsIT {

    private static final Path FIXTURES = Path.of("src/test/resources/tls");
    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @TempDir
    Path folder;

    private final ScriptedIntake intake = new ScriptedIntake();
    private SmtpServer server = SmtpServer.on(ANY);

    @AfterEach
    void stop() throws Exception {
        server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.openSessions()).isZero();
    }

    private InetSocketAddress start(SmtpServer recipe) throws Exception {
        server = recipe;
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        return server.addresses().get(0);
    }

    private static StartTls pair(String name) {
        return StartTls.pem(FIXTURES.resolve(name + ".crt.pem"), FIXTURES.resolve(name + ".key.pem"));
    }

    private static final class Client implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader in;

        Client(Socket socket) throws IOException {
            this.socket = socket;
            socket.setSoTimeout(20_000);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        }

        static Client plain(InetSocketAddress address) throws IOException {
            Client client = new Client(new Socket(address.getAddress(), address.getPort()));
            client.reply();
            assertThat(client.ask("EHLO client.example.org")).isEqualTo("250 STARTTLS");
            assertThat(client.ask("STARTTLS")).startsWith("220 2.0.0");
            return client;
        }

        /** After the handshake; {@code protocols} empty for all. */
        static Client secure(InetSocketAddress address, String name, String... protocols) throws Exception {
            SSLSocket tls = (SSLSocket) TestCertificates.trustingClient()
                    .getSocketFactory()
                    .createSocket(plain(address).socket, "127.0.0.1", address.getPort(), true);
            SSLParameters parameters = tls.getSSLParameters();
            if (!name.isEmpty()) {
                parameters.setServerNames(List.of(new SNIHostName(name)));
            }
            if (protocols.length > 0) {
                parameters.setProtocols(protocols);
            }
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            return new Client(tls);
        }

        void send(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();
        }

        String ask(String line) throws IOException {
            send(line + "\r\n");
            return reply();
        }

        /** The last line of the next reply; empty at the end. */
        String reply() throws IOException {
            String line = in.readLine();
            while (line != null && line.charAt(3) == '-') {
                line = in.readLine();
            }
            return line == null ? "" : line;
        }

        String subject() throws IOException {
            SSLSession session = ((SSLSocket) socket).getSession();
            return ((X509Certificate) session.getPeerCertificates()[0])
                    .getSubjectX500Principal()
                    .getName();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private String certificateFor(InetSocketAddress address, String name) throws Exception {
        try (Client client = Client.secure(address, name)) {
            String subject = client.subject();
            assertThat(client.ask("EHLO a")).startsWith("250 ");
            assertThat(client.ask("QUIT")).startsWith("221 2.0.0");
            assertThat(client.reply()).isEmpty();
            return subject;
        }
    }

    @Test
    void n1_severalCertificatesAreChosenByServerName() throws Exception {
        InetSocketAddress address = start(SmtpServer.on(ANY)
                .startTls(pair("rsa")
                        .withCertificate(
                                FIXTURES.resolve("ec384.crt.pem"), FIXTURES.resolve("ec384-rfc5915.key.pem"))));
        assertThat(certificateFor(address, "")).isEqualTo("CN=rsa");
        assertThat(certificateFor(address, "mx2.example.net")).isEqualTo("CN=rsa");
        assertThat(certificateFor(address, "mail.example.org")).isEqualTo("CN=ec384");
        assertThat(certificateFor(address, "unknown.example")).isEqualTo("CN=rsa");
    }

    @Test
    void n1_filesThatChangeAreTakenWhileTheServerRuns() throws Exception {
        Path certificate = folder.resolve("crt.pem");
        Path key = folder.resolve("key.pem");
        Files.copy(FIXTURES.resolve("rsa.crt.pem"), certificate);
        Files.copy(FIXTURES.resolve("rsa.key.pem"), key);
        InetSocketAddress address = start(
                SmtpServer.on(ANY).startTls(StartTls.pem(certificate, key).reloadInterval(Duration.ofMillis(20))));
        try (Client before = Client.secure(address, "")) {
            assertThat(before.subject()).isEqualTo("CN=rsa");
            Files.write(key, Files.readAllBytes(FIXTURES.resolve("wild.key.pem")));
            assertThat(certificateFor(address, "")).isEqualTo("CN=rsa");
            Files.write(certificate, Files.readAllBytes(FIXTURES.resolve("wild.crt.pem")));
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> certificateFor(address, "").equals("CN=wild"));
            assertThat(before.ask("EHLO still.here")).startsWith("250 ");
        }
    }

    @Test
    void n1_reloadOnDemand() throws Exception {
        Path certificate = folder.resolve("crt.pem");
        Path key = folder.resolve("key.pem");
        Files.copy(FIXTURES.resolve("rsa.crt.pem"), certificate);
        Files.copy(FIXTURES.resolve("rsa.key.pem"), key);
        SmtpServer recipe =
                SmtpServer.on(ANY).startTls(StartTls.pem(certificate, key).reloadInterval(Duration.ofHours(1)));
        assertThatThrownBy(recipe::reloadCertificates).isInstanceOf(IllegalStateException.class);
        InetSocketAddress address = start(recipe);
        Files.write(key, Files.readAllBytes(FIXTURES.resolve("ec384.key.pem")));
        assertThatThrownBy(server::reloadCertificates)
                .isInstanceOf(IOException.class)
                .hasMessage("STARTTLS: " + key + " (expected: the RSA key of " + certificate + ")");
        assertThat(certificateFor(address, "")).isEqualTo("CN=rsa");
        Files.write(certificate, Files.readAllBytes(FIXTURES.resolve("ec384.crt.pem")));
        server.reloadCertificates();
        assertThat(certificateFor(address, "")).isEqualTo("CN=ec384");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void n1_renegotiationIsRefused(boolean resumed) throws Exception {
        InetSocketAddress address = start(SmtpServer.on(ANY).startTls(pair("rsa")));
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.INFO);
                Client client = Client.secure(address, "", "TLSv1.2")) {
            assertThat(client.ask("EHLO a")).startsWith("250 ");
            SSLSocket tls = (SSLSocket) client.socket;
            if (!resumed) {
                tls.getSession().invalidate();
            }
            assertThatThrownBy(() -> {
                        tls.startHandshake();
                        client.ask("NOOP");
                    })
                    .isInstanceOf(IOException.class);
            await().atMost(Duration.ofSeconds(20)).until(() -> intake.openSessions() == 0);
            assertThat(log.lines()).isEmpty();
        }
    }

    @Test
    void n1_aClientThatStopsInItsHandshakeIsCut() throws Exception {
        AtomicLong nanos = new AtomicLong(System.nanoTime());
        InetSocketAddress address =
                start(SmtpServer.on(ANY).startTls(pair("rsa")).nanoTime(nanos::get));
        try (Client silent = Client.plain(address);
                Client begun = Client.plain(address)) {
            begun.socket.getOutputStream().write(new byte[] {0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc});
            begun.socket.getOutputStream().flush();
            nanos.addAndGet(SmtpLimits.defaults().handshakeTime().plusSeconds(1).toNanos());
            await().atMost(Duration.ofSeconds(20)).until(() -> intake.openSessions() == 0);
            assertThat(silent.reply()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void n2_closeNotifyEndsTheSessionAfterWhatCameBefore(String protocol) throws Exception {
        InetSocketAddress address = start(SmtpServer.on(ANY).startTls(pair("rsa")));
        try (Client client = Client.secure(address, "", protocol)) {
            client.send("EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
            for (String code : List.of("250 ", "250 2.1.0", "250 2.1.5", "354 ")) {
                assertThat(client.reply()).startsWith(code);
            }
            client.send("one\r\n.\r\nMAIL FROM:<a@example.org>\r\n");
            client.socket.shutdownOutput(); // the connection itself stays open
            await().atMost(Duration.ofSeconds(20)).until(() -> intake.openSessions() == 0);
        }
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void n2_aTruncatedStreamIsNoMessage() throws Exception {
        InetSocketAddress address = start(SmtpServer.on(ANY).startTls(pair("rsa")));
        Client plain = Client.plain(address);
        SSLSocket tls = (SSLSocket) TestCertificates.trustingClient()
                .getSocketFactory()
                .createSocket(plain.socket, "127.0.0.1", address.getPort(), false);
        tls.startHandshake();
        Client client = new Client(tls);
        client.send("EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
        for (int i = 0; i < 4; i++) {
            client.reply();
        }
        client.send("half a message\r\n");
        plain.socket.close(); // no close_notify, no end of data
        await().atMost(Duration.ofSeconds(20)).until(() -> intake.openSessions() == 0);
        assertThat(intake.messages()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void n2_theLastReplyArrivesThoughTheClientGoesOnSending(String protocol) throws Exception {
        InetSocketAddress address = start(SmtpServer.on(ANY)
                .limits(SmtpLimits.builder().badCommands(1).build())
                .startTls(pair("rsa")));
        try (Client client = Client.secure(address, "", protocol)) {
            client.send("BAD\r\n" + "NOOP\r\n".repeat(5_000));
            assertThat(client.reply()).startsWith("421 4.7.0");
            assertThat(client.reply()).isEmpty();
        }
    }

    // ---- XCLIENT ----

    private static final String XCLIENT = "250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";

    private InetSocketAddress startTrusting(SmtpLimits limits) throws Exception {
        return start(SmtpServer.on(List.of(SmtpListener.at(ANY).xclientNetworks(IpNetwork.of("127.0.0.0/8"))))
                .limits(limits)
                .startTls(pair("rsa")));
    }

    /** A proxy that has said EHLO under TLS. */
    private static Client proxy(InetSocketAddress address) throws Exception {
        Client proxy = new Client(new Socket(address.getAddress(), address.getPort()));
        assertThat(proxy.reply()).startsWith("220 ");
        assertThat(proxy.ask("EHLO proxy.example.net")).isEqualTo(XCLIENT);
        assertThat(proxy.ask("STARTTLS")).startsWith("220 2.0.0");
        SSLSocket tls = (SSLSocket) TestCertificates.trustingClient()
                .getSocketFactory()
                .createSocket(proxy.socket, "127.0.0.1", address.getPort(), true);
        tls.startHandshake();
        Client secure = new Client(tls);
        assertThat(secure.ask("EHLO proxy.example.net")).isEqualTo(XCLIENT);
        return secure;
    }

    @Test
    void a14_xclientBeginsAnewUnderTheSameTls() throws Exception {
        try (Client proxy = proxy(startTrusting(SmtpLimits.defaults()))) {
            for (String client : List.of("203.0.113.9", "203.0.113.10")) {
                assertThat(proxy.ask("XCLIENT ADDR=" + client)).startsWith("220 ");
                assertThat(proxy.ask("MAIL FROM:<a@example.org>")).startsWith("503 5.5.1");
                assertThat(proxy.ask("EHLO client.example.org")).isEqualTo(XCLIENT);
                assertThat(proxy.ask("STARTTLS")).startsWith("503 5.5.1");
                assertThat(proxy.ask("MAIL FROM:<a@example.org>")).startsWith("250 ");
                assertThat(proxy.ask("XCLIENT ADDR=203.0.113.99")).startsWith("503 5.5.1");
                assertThat(proxy.ask("RCPT TO:<b@example.net>")).startsWith("250 ");
                assertThat(proxy.ask("DATA")).startsWith("354 ");
                assertThat(proxy.ask("x\r\n.")).startsWith("250 ");
            }
            assertThat(proxy.ask("QUIT")).startsWith("221 ");
        }
        assertThat(intake.clients())
                .extracting(client -> client.remote().getAddress().getHostAddress())
                .containsExactly("127.0.0.1", "203.0.113.9", "203.0.113.10");
        assertThat(intake.calls())
                .filteredOn(call -> call.startsWith("connect") || call.startsWith("secured") || call.startsWith("mail"))
                .as("who is asked anew is told of TLS before mail")
                .containsExactly(
                        "connect",
                        "secured TLSv1.3",
                        "connect",
                        "secured TLSv1.3",
                        "mail <a@example.org>",
                        "connect",
                        "secured TLSv1.3",
                        "mail <a@example.org>");
        assertThat(intake.messages()).hasSize(2);
    }

    @Test
    void a14_aNamedClientMayBeRefusedUnderTls() throws Exception {
        intake.onConnect("reject 203.0.113.9");
        InetSocketAddress address = startTrusting(SmtpLimits.defaults());
        try (Client proxy = proxy(address)) {
            assertThat(proxy.ask("XCLIENT ADDR=203.0.113.9")).isEqualTo("554 5.7.1 Go away");
            assertThat(proxy.ask("XCLIENT ADDR=203.0.113.10")).startsWith("503 5.5.1");
            assertThat(proxy.ask("EHLO client.example.org")).startsWith("503 5.5.1");
            assertThat(proxy.ask("MAIL FROM:<a@example.org>")).startsWith("503 5.5.1");
            assertThat(proxy.ask("QUIT")).startsWith("221 2.0.0");
            assertThat(proxy.reply()).isEmpty();
        }
    }

    @Test
    void a14_aNamedClientHasItsOwnShareUnderTls() throws Exception {
        InetSocketAddress address =
                startTrusting(SmtpLimits.builder().connectionsPerClient(1).build());
        try (Client first = proxy(address);
                Client second = proxy(address)) {
            assertThat(first.ask("XCLIENT ADDR=203.0.113.9")).startsWith("220 ");
            assertThat(second.ask("XCLIENT ADDR=203.0.113.9")).startsWith("421 4.7.0");
            assertThat(second.reply()).isEmpty();
            assertThat(first.ask("XCLIENT ADDR=203.0.113.10")).startsWith("220 ");
            try (Client third = proxy(address)) {
                assertThat(third.ask("XCLIENT ADDR=203.0.113.9")).startsWith("220 ");
            }
        }
    }
}
