package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.net.ssl.SSLSocket;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** REQUIRETLS (RFC 8689) as server: announced inside TLS alone, and taken only where it was announced. */
class RequireTlsServerIT {

    private static final Path FIXTURES = Path.of("src/test/resources/tls");
    private static final String PLAIN_EHLO = "EHLO client.example.org";

    private final ScriptedIntake intake = new ScriptedIntake();
    private final SmtpServer server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .startTls(StartTls.pem(FIXTURES.resolve("rsa.crt.pem"), FIXTURES.resolve("rsa.key.pem")));
    private Socket socket;
    private BufferedReader in;

    @BeforeEach
    void start() throws Exception {
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        InetSocketAddress address = server.addresses().get(0);
        use(new Socket(address.getAddress(), address.getPort()));
        assertThat(reply().get(0)).startsWith("220 ");
    }

    @AfterEach
    void stop() throws Exception {
        socket.close();
        server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        assertThat(intake.breaches()).isEmpty();
    }

    private void use(Socket given) throws IOException {
        socket = given;
        socket.setSoTimeout(20_000);
        in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    private void send(String octets) throws IOException {
        socket.getOutputStream().write(octets.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
    }

    private List<String> reply() throws IOException {
        List<String> lines = new ArrayList<>();
        do {
            lines.add(in.readLine());
        } while (lines.get(lines.size() - 1).charAt(3) == '-');
        return lines;
    }

    private List<String> ask(String line) throws IOException {
        send(line + "\r\n");
        return reply();
    }

    private List<String> ehlo() throws IOException {
        return ask(PLAIN_EHLO).stream().map(line -> line.substring(4)).toList();
    }

    private String mail(String parameters) throws IOException {
        return ask("MAIL FROM:<a@example.org>" + parameters).get(0);
    }

    private void startTls() throws Exception {
        assertThat(ask("STARTTLS").get(0)).startsWith("220 ");
        SSLSocket tls = (SSLSocket) TestCertificates.trustingClient()
                .getSocketFactory()
                .createSocket(socket, "127.0.0.1", socket.getPort(), true);
        tls.startHandshake();
        use(tls);
    }

    @Test
    void n6_itIsAnnouncedInsideTlsAlone() throws Exception {
        intake.offerRequireTls(true);
        assertThat(ehlo()).contains("STARTTLS").doesNotContain("REQUIRETLS");
        assertThat(mail(" REQUIRETLS")).startsWith("530 5.7.10");
        assertThat(intake.calls()).noneMatch(call -> call.startsWith("mail") || call.equals("offersRequireTls"));
        startTls();
        assertThat(mail("")).as("EHLO comes first").startsWith("503 ");
        assertThat(ehlo()).contains("REQUIRETLS").doesNotContain("STARTTLS");
        assertThat(mail(" REQUIRETLS")).startsWith("250 2.1.0");
    }

    @Test
    void n6_itIsTakenWithItsMessage() throws Exception {
        intake.offerRequireTls(true);
        ehlo();
        startTls();
        ehlo();
        for (String parameters : List.of(" REQUIRETLS", "", " SIZE=3 requireTLS RET=HDRS")) {
            mail(parameters);
            ask("RCPT TO:<b@example.net>");
            ask("DATA");
            assertThat(ask("x\r\n.").get(0)).startsWith("250 ");
        }
        assertThat(intake.messages())
                .extracting(ScriptedIntake.Received::parameters)
                .containsExactly("-1 SEVEN_BIT REQUIRETLS", "-1 SEVEN_BIT", "3 SEVEN_BIT REQUIRETLS RET=HDRS");
    }

    @Test
    void n6_whatWasNotAnnouncedIsRefused() throws Exception {
        ehlo();
        startTls();
        assertThat(ehlo()).doesNotContain("REQUIRETLS");
        assertThat(mail(" REQUIRETLS")).startsWith("550 5.7.30");
        intake.offerRequireTls(true);
        assertThat(mail(" REQUIRETLS")).as("not before another EHLO").startsWith("550 5.7.30");
        assertThat(ehlo()).contains("REQUIRETLS");
        assertThat(mail(" REQUIRETLS=x")).startsWith("501 5.5.4");
        assertThat(mail(" REQUIRETLS REQUIRETLS")).startsWith("501 5.5.4");
        assertThat(mail(" REQUIRETLS")).startsWith("250 ");
        assertThat(ask("HELO client.example.org").get(0)).startsWith("250 ");
        assertThat(mail(" REQUIRETLS")).as("HELO announces nothing").startsWith("550 5.7.30");
        intake.offerRequireTls(false);
        ehlo();
        assertThat(mail(" REQUIRETLS")).startsWith("550 5.7.30");
        assertThat(mail("")).startsWith("250 ");
    }

    @Test
    void n6_howeverItIsCut() throws Exception {
        intake.offerRequireTls(true);
        ehlo();
        startTls();
        ehlo();
        String line = "MAIL FROM:<a@example.org> REQUIRETLS SIZE=1\r\n";
        for (int cut : IntStream.range(1, line.length()).toArray()) {
            send(line.substring(0, cut));
            send(line.substring(cut));
            assertThat(reply().get(0)).as("cut at %s", cut).startsWith("250 2.1.0");
            assertThat(ask("RSET").get(0)).startsWith("250 ");
        }
    }
}
