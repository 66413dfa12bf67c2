package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients that end their side of the connection and still listen: Exim does after a pipelined QUIT. */
class HalfClosedClientIT {

    private static final int PATIENCE_MILLIS = 20_000;
    private static final String MESSAGE =
            "EHLO client\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nhello\r\n";

    private final ScriptedIntake intake = new ScriptedIntake();
    private final SmtpServer server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    private Socket client = new Socket();

    @BeforeEach
    void start() throws Exception {
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        InetSocketAddress address = server.addresses().get(0);
        client = new Socket(address.getAddress(), address.getPort());
        client.setSoTimeout(PATIENCE_MILLIS);
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    private void sendAndEnd(String octets) throws IOException {
        client.getOutputStream().write(octets.getBytes(StandardCharsets.US_ASCII));
        client.shutdownOutput();
    }

    /** The codes of all replies until the server closes. */
    private List<String> codes() throws IOException {
        return new String(client.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                .lines()
                .filter(line -> line.charAt(3) == ' ')
                .map(line -> line.substring(0, 3))
                .toList();
    }

    @Test
    void hearsTheReplyToItsMessage() throws Exception {
        sendAndEnd(MESSAGE + ".\r\nQUIT\r\n");

        assertThat(codes()).containsExactly("220", "250", "250", "250", "354", "250", "221");
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void hearsTheReplyThatIsWaitedFor() throws Exception {
        intake.answersLater();
        sendAndEnd(MESSAGE + ".\r\nQUIT\r\n");
        await().until(() -> {
            intake.answer();
            return !intake.messages().isEmpty();
        });

        assertThat(codes()).containsExactly("220", "250", "250", "250", "354", "250", "221");
    }

    @Test
    void hearsTheReplyToItsLastChunk() throws Exception {
        sendAndEnd("EHLO client\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nBDAT 7 LAST\r\nhello\r\nQUIT\r\n");

        assertThat(codes()).containsExactly("220", "250", "250", "250", "250", "221");
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void isClosedWithoutQuit() throws Exception {
        sendAndEnd(MESSAGE + ".\r\n");

        assertThat(codes()).containsExactly("220", "250", "250", "250", "354", "250");
        await().until(() -> intake.openSessions() == 0);
    }

    @Test
    void halfAMessageIsForgotten() throws Exception {
        sendAndEnd(MESSAGE);

        assertThat(codes()).containsExactly("220", "250", "250", "250", "354");
        await().until(() -> intake.openSessions() == 0);
        assertThat(intake.messages()).isEmpty();
        assertThat(intake.abandoned()).isEqualTo(1);
    }

    @Test
    void silentOneIsClosed() throws Exception {
        sendAndEnd("");

        assertThat(codes()).containsExactly("220");
        await().until(() -> intake.openSessions() == 0);
    }
}
