package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server on loopback sockets. */
class SmtpServerIT {

    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private static final int MANY_COMMANDS = 1_000_000_000;
    private static final long UNREAD_BYTES = 48 << 20;
    private static final long STALL_MILLIS = 1000;

    private SmtpServer server = SmtpServer.on(ANY);

    @AfterEach
    void stop() throws Exception {
        server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    private InetSocketAddress start(SmtpServer recipe, ScriptedIntake intake) throws Exception {
        server = recipe;
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        return server.addresses().get(0);
    }

    /** A blocking client. */
    private static final class Client implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader in;

        Client(InetSocketAddress address) throws IOException {
            this(new Socket(address.getAddress(), address.getPort()));
        }

        Client(Socket socket) throws IOException {
            this.socket = socket;
            socket.setSoTimeout(20_000);
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        }

        void send(byte[] octets) throws IOException {
            socket.getOutputStream().write(octets);
            socket.getOutputStream().flush();
        }

        String ask(String line) throws IOException {
            send((line + "\r\n").getBytes(StandardCharsets.UTF_8));
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

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    void addressInUseFailsWholeAndIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            SmtpServer failing =
                    SmtpServer.on(ANY, new InetSocketAddress(InetAddress.getLoopbackAddress(), taken.getLocalPort()));
            assertThatThrownBy(() -> failing.start(new ScriptedIntake())
                            .toCompletableFuture()
                            .join())
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IOException.class)
                    .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
            assertThatThrownBy(failing::addresses).isInstanceOf(IllegalStateException.class);
            failing.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void startsOnceAndStopsOften() throws Exception {
        start(SmtpServer.on(ANY), new ScriptedIntake());
        assertThatThrownBy(() -> server.start(new ScriptedIntake())).isInstanceOf(IllegalStateException.class);
        server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        server.stop(Duration.ofSeconds(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);
        SmtpServer never = SmtpServer.on(ANY);
        assertThat(never.stop(Duration.ZERO).toCompletableFuture()).isCompleted();
        assertThatThrownBy(() -> never.start(new ScriptedIntake())).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void listensOnSeveralAddresses() throws Exception {
        start(SmtpServer.on(ANY, ANY), new ScriptedIntake());
        for (InetSocketAddress address : server.addresses()) {
            try (Client client = new Client(address)) {
                assertThat(client.reply()).startsWith("220 ");
            }
        }
    }

    @Test
    void a19_oneConnectionTooManyIsTurnedAway() throws Exception {
        InetSocketAddress address = start(
                SmtpServer.on(ANY).limits(SmtpLimits.builder().connections(2).build()), new ScriptedIntake());
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            clients.add(new Client(address));
            assertThat(clients.get(i).reply()).startsWith("220 ");
        }
        try (Client refused = new Client(address)) {
            assertThat(refused.reply()).startsWith("421 4.3.2");
            assertThat(refused.reply()).isEmpty();
        }
        assertThat(clients.get(0).ask("QUIT")).startsWith("221");
        assertThat(clients.get(0).reply()).isEmpty();
        try (Client next = new Client(address)) {
            assertThat(next.reply()).startsWith("220 ");
        }
        for (Client client : clients) {
            client.close();
        }
    }

    @Test
    void oneClientHasItsShareOnly() throws Exception {
        InetSocketAddress address = start(
                SmtpServer.on(ANY)
                        .limits(SmtpLimits.builder().connectionsPerClient(1).build()),
                new ScriptedIntake());
        try (Client first = new Client(address);
                Client second = new Client(address)) {
            assertThat(first.reply()).startsWith("220 ");
            assertThat(second.reply()).startsWith("421 4.7.0");
        }
    }

    @Test
    void clientThatNeverReadsIsReadFromNoMore() throws Exception {
        AtomicLong nanos = new AtomicLong(System.nanoTime());
        ScriptedIntake intake = new ScriptedIntake();
        InetSocketAddress address = start(
                SmtpServer.on(ANY)
                        .limits(SmtpLimits.builder().idleCommands(MANY_COMMANDS).build())
                        .nanoTime(nanos::get),
                intake);
        String command = "EHLO a\r\n";
        ByteBuffer commands = ByteBuffer.wrap(command.repeat(10_000).getBytes(StandardCharsets.US_ASCII));
        try (SocketChannel client = SocketChannel.open();
                Selector selector = Selector.open()) {
            client.connect(address);
            client.configureBlocking(false);
            client.register(selector, SelectionKey.OP_WRITE);
            // what the kernel holds is bounded, so a server that goes on reading is the only one that takes all
            long sent = 0;
            while (sent < UNREAD_BYTES && selector.select(STALL_MILLIS) > 0) {
                selector.selectedKeys().clear();
                commands.rewind();
                sent += client.write(commands);
            }
            assertThat(sent).isLessThan(UNREAD_BYTES);
            assertThat(intake.openSessions()).isEqualTo(1);
            // as many as there is room for replies in the kernel, and not all that came
            assertThat((long) intake.calls().size()).isLessThan(sent / command.length() / 2);
            // nor is it waited for without end
            nanos.addAndGet(SmtpLimits.defaults().idleTime().plusSeconds(1).toNanos());
            await().atMost(Duration.ofSeconds(20)).until(() -> intake.openSessions() == 0);
        }
        assertThat(intake.breaches()).isEmpty();
    }

    @Test
    void stopLetsATransactionEnd() throws Exception {
        ScriptedIntake intake = new ScriptedIntake();
        InetSocketAddress address = start(SmtpServer.on(ANY), intake);
        try (Client idle = new Client(address);
                Client busy = new Client(address)) {
            idle.reply();
            busy.reply();
            busy.ask("EHLO a");
            busy.ask("MAIL FROM:<a@example.org>");
            busy.ask("RCPT TO:<b@example.net>");
            var stopping = server.stop(Duration.ofSeconds(20)).toCompletableFuture();
            assertThat(idle.reply()).startsWith("421 4.3.0");
            assertThat(busy.ask("DATA")).startsWith("354");
            assertThat(busy.ask("x\r\n.")).startsWith("250 2.0.0");
            assertThat(busy.ask("NOOP")).startsWith("421 4.3.0");
            stopping.get(10, TimeUnit.SECONDS);
        }
        assertThat(intake.messages()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void n1_startTlsSecuresTheSessionAndForgetsTheOldOne(String protocol, @TempDir Path directory) throws Exception {
        ScriptedIntake intake = new ScriptedIntake();
        InetSocketAddress address = start(SmtpServer.on(ANY).startTls(certificate(directory)), intake);
        try (Client plain = new Client(address)) {
            plain.reply();
            assertThat(plain.ask("EHLO a")).isEqualTo("250 STARTTLS");
            assertThat(plain.ask("STARTTLS")).startsWith("220 2.0.0");
            SSLSocket tls = (SSLSocket) TestCertificates.trustingClient()
                    .getSocketFactory()
                    .createSocket(plain.socket, "mx2.example.net", address.getPort(), true);
            tls.setEnabledProtocols(new String[] {protocol});
            tls.startHandshake();
            try (Client secure = new Client(tls)) {
                assertThat(secure.ask("MAIL FROM:<a@example.org>")).startsWith("503 5.5.1");
                assertThat(secure.ask("EHLO b")).startsWith("250 ").isNotEqualTo("250 STARTTLS");
                assertThat(secure.ask("STARTTLS")).startsWith("503 5.5.1");
                assertThat(secure.ask("MAIL FROM:<a@example.org>")).startsWith("250 2.1.0");
                assertThat(secure.ask("RCPT TO:<b@example.net>")).startsWith("250 2.1.5");
                assertThat(secure.ask("DATA")).startsWith("354");
                assertThat(secure.ask("x".repeat(100_000) + "\r\n.")).startsWith("250 2.0.0");
                assertThat(secure.ask("QUIT")).startsWith("221");
                assertThat(secure.reply()).isEmpty();
            }
        }
        assertThat(intake.messages())
                .singleElement()
                .satisfies(message -> assertThat(message.mailData()).hasSize(100_002));
        assertThat(intake.calls()).contains("secured " + protocol);
        assertThat(intake.breaches()).isEmpty();
    }

    @Test
    void badCertificateFailsTheStart(@TempDir Path directory) throws Exception {
        Path missing = directory.resolve("missing.pem");
        SmtpServer failing = SmtpServer.on(ANY).startTls(StartTls.pem(missing, missing));
        assertThatThrownBy(() -> failing.start(new ScriptedIntake())
                        .toCompletableFuture()
                        .join())
                .hasMessageContaining("missing.pem");
        Path garbage = Files.writeString(directory.resolve("garbage.pem"), "no certificate");
        SmtpServer alsoFailing = SmtpServer.on(ANY).startTls(StartTls.pem(garbage, garbage));
        assertThatThrownBy(() -> alsoFailing
                        .start(new ScriptedIntake())
                        .toCompletableFuture()
                        .join())
                .hasMessageContaining("garbage.pem");
    }

    private static StartTls certificate(Path directory) throws Exception {
        X509Bundle bundle = new CertificateBuilder()
                .subject("CN=mx2.example.net")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        return StartTls.pem(
                Files.writeString(directory.resolve("chain.pem"), bundle.getCertificatePathPEM()),
                Files.writeString(directory.resolve("key.pem"), bundle.getPrivateKeyPEM()));
    }

    @Test
    void limitsNameWhatIsWrong() {
        assertThatThrownBy(() -> SmtpLimits.builder().connections(0))
                .hasMessage("connections: 0 (expected: 1 to 1000000)");
        assertThatThrownBy(() -> SmtpLimits.builder().idleTime(Duration.ZERO))
                .hasMessage("idleTime: PT0S (expected: PT1S to PT24H)");
        assertThatThrownBy(() -> EventLoops.ofThreads(0)).hasMessage("threads: 0 (expected: 1 to 1024)");
        assertThatThrownBy(() -> SmtpServer.on()).hasMessage("listeners: [] (expected: at least one)");
        assertThat(SmtpLimits.defaults().sessionBytes()).isEqualTo(52_224).isLessThan(64 * 1024);
    }
}
