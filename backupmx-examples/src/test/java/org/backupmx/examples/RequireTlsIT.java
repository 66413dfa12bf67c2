package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.awaitility.Awaitility;
import org.backupmx.intake.ClientInfo;
import org.backupmx.intake.DataVerdict;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeSession;
import org.backupmx.intake.MailDataSink;
import org.backupmx.intake.MailParameters;
import org.backupmx.intake.RcptParameters;
import org.backupmx.intake.Verdict;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.SmtpServer;
import org.backupmx.smtp.StartTls;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** REQUIRETLS (RFC 8689) through the reference server: from a client's TLS, over a kill, to the primary's. */
@Timeout(120)
class RequireTlsIT {

    private static final Path CERTIFICATE = Path.of("src/test/resources/tls/mx2.crt.pem");
    private static final Path KEY = Path.of("src/test/resources/tls/mx2.key.pem");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private final List<String> arrived = new CopyOnWriteArrayList<>();
    private volatile boolean isOffered = true;
    private X509Certificate certificate;
    private SmtpServer primary;
    private InetSocketAddress primaryAddress;
    private ServerProcess server;
    private Path config;
    private Socket socket;
    private BufferedReader in;

    @BeforeEach
    void start() throws Exception {
        certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(CERTIFICATE)));
        startPrimary(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        config = Files.writeString(folder.resolve("server.yaml"), """
                hostname: mx2.example.net
                listen: ["127.0.0.1:0"]
                spool: "%1$s/spool"
                tls: {certificate: "%4$s", key: "%5$s"}
                domains:
                  example.test:
                    primary: 127.0.0.1:%2$d
                    relay: {tls: fingerprint, tls-fingerprints: "%3$s"}
                  lax.test:
                    primary: 127.0.0.1:%2$d
                probe: {up: 1s, down: 1s, rise: 1, fall: 1}
                retry: 1s
                """.formatted(
                folder, primaryAddress.getPort(), fingerprint(), CERTIFICATE.toAbsolutePath(), KEY.toAbsolutePath()));
        server = ServerProcess.start(config);
    }

    @AfterEach
    void stop() throws Exception {
        server.kill();
        stopPrimary();
    }

    private void startPrimary(InetSocketAddress address) {
        primary = SmtpServer.on(address).startTls(StartTls.pem(CERTIFICATE, KEY));
        primary.start(new Primary()).toCompletableFuture().join();
        primaryAddress = primary.addresses().get(0);
    }

    private void stopPrimary() {
        primary.stop(Duration.ZERO).toCompletableFuture().join();
    }

    private String fingerprint() throws Exception {
        return HexFormat.ofDelimiter(":")
                .withUpperCase()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    }

    @Test
    void whatIsAcceptedWithItIsRelayedWithItAndTheRestIsRefused() throws Exception {
        Awaitility.await().atMost(PATIENCE).until(() -> connect().contains("REQUIRETLS"));
        assertThat(ask("MAIL FROM:<a@sender.test> REQUIRETLS"))
                .singleElement()
                .asString()
                .startsWith("250 2.1.0 ");
        assertThat(ask("RCPT TO:<u@lax.test>").get(0)).startsWith("550 5.7.30 ");
        assertThat(ask("RCPT TO:<u@example.test>").get(0)).startsWith("250 2.1.5 ");
        isOffered = false;
        stopPrimary();
        assertThat(ask("DATA").get(0)).startsWith("354 ");
        assertThat(ask("Subject: secret\r\n\r\nbody\r\n.").get(0)).startsWith("250 2.0.0 ");
        socket.close();

        server.kill();
        startPrimary(primaryAddress);
        server = ServerProcess.start(config);
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> status().stream().anyMatch(line -> line.contains("example.test") && line.contains("UP")));
        connect();
        ask("MAIL FROM:<a@sender.test>");
        ask("RCPT TO:<plain@example.test>");
        ask("DATA");
        ask("Subject: any\r\n\r\n.");
        Awaitility.await().atMost(PATIENCE).until(() -> !arrived.isEmpty());
        assertThat(arrived)
                .as("the primary does not offer it, so only the other message goes")
                .containsExactly("plain@example.test TLS");

        isOffered = true;
        stopPrimary();
        startPrimary(primaryAddress);
        Awaitility.await().atMost(PATIENCE).until(() -> arrived.size() == 2);
        assertThat(arrived.get(1)).isEqualTo("u@example.test TLS REQUIRETLS");
    }

    private List<String> status() {
        StringWriter out = new StringWriter();
        ReferenceServer.commandLine()
                .setOut(new PrintWriter(out, true))
                .execute("status", "--config", config.toString());
        return out.toString().lines().toList();
    }

    /** Begins a session inside TLS; returns what EHLO says there. */
    private List<String> connect() throws Exception {
        if (socket != null) {
            socket.close();
        }
        use(new Socket(server.address().getAddress(), server.address().getPort()));
        reply();
        ask("EHLO client.sender.test");
        ask("STARTTLS");
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("server", certificate);
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        SSLSocket tls =
                (SSLSocket) context.getSocketFactory().createSocket(socket, "mx2.example.net", socket.getPort(), true);
        tls.startHandshake();
        use(tls);
        return ask("EHLO client.sender.test").stream()
                .map(line -> line.substring(4))
                .toList();
    }

    private void use(Socket given) throws IOException {
        socket = given;
        socket.setSoTimeout((int) PATIENCE.toMillis());
        in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    private List<String> ask(String line) throws IOException {
        socket.getOutputStream().write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
        return reply();
    }

    private List<String> reply() throws IOException {
        List<String> lines = new ArrayList<>();
        do {
            lines.add(in.readLine());
        } while (lines.get(lines.size() - 1).charAt(3) == '-');
        return lines;
    }

    /** A primary that notes who got mail, and how. */
    private final class Primary implements Intake {
        @Override
        public CompletionStage<Greeting> connect(ClientInfo client) {
            return CompletableFuture.completedFuture(
                    new Greeting.Welcome("primary.example.test", new Session(), 1 << 20, 100));
        }
    }

    private final class Session implements IntakeSession {
        private static final Verdict OK = new Verdict.Accept(SmtpReply.of(250, "2.0.0", "Ok"));

        private String line = "";
        private String tls = "";
        private String requireTls = "";

        private CompletionStage<Verdict> ok() {
            return CompletableFuture.completedFuture(OK);
        }

        @Override
        public void secured(String protocol, String cipherSuite) {
            tls = " TLS";
        }

        @Override
        public boolean offersRequireTls() {
            return isOffered;
        }

        @Override
        public CompletionStage<Verdict> helo(String name, boolean extended) {
            return ok();
        }

        @Override
        public CompletionStage<Verdict> mail(ReversePath path, MailParameters parameters) {
            requireTls = parameters.requireTls() ? " REQUIRETLS" : "";
            return ok();
        }

        @Override
        public CompletionStage<Verdict> rcpt(ForwardPath path, RcptParameters parameters) {
            line = path + tls + requireTls;
            return ok();
        }

        @Override
        public CompletionStage<Verdict> postmaster(RcptParameters parameters) {
            return ok();
        }

        @Override
        public CompletionStage<DataVerdict> data() {
            String recipient = line;
            return CompletableFuture.completedFuture(new DataVerdict.Proceed(new MailDataSink() {
                @Override
                public CompletionStage<Void> write(ByteBuffer mailData) {
                    return CompletableFuture.completedFuture(null);
                }

                @Override
                public CompletionStage<Verdict> finish() {
                    arrived.add(recipient);
                    return ok();
                }

                @Override
                public void abandon() {
                    // nothing is held
                }
            }));
        }

        @Override
        public void reset() {
            line = "";
        }

        @Override
        public void close() {
            // nothing is held
        }
    }
}
