package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A server on each transport that is there: {@code -P native} brings the native ones of Linux on x86-64. */
class TransportIT {

    private static final String DIALOGUE = String.join(
            "\r\n",
            "PROXY TCP4 203.0.113.9 203.0.113.25 4711 25",
            "EHLO a",
            "MAIL FROM:<a@example.org>",
            "RCPT TO:<b@example.net>",
            "DATA",
            "x".repeat(70).concat("\r\n").repeat(1000) + ".",
            "QUIT",
            "");

    @ParameterizedTest
    @EnumSource(Transport.class)
    void aPipeliningClientThatEndsItsSideIsServedWhole(Transport transport) throws Exception {
        try (EventLoops loops = EventLoops.ofThreads(2).withTransport(transport)) {
            assumeTrue(works(loops), () -> transport + " is not there");
            ScriptedIntake intake = new ScriptedIntake();
            IpNetwork loopback = IpNetwork.of("127.0.0.0/8");
            SmtpServer server = SmtpServer.on(List.of(
                            SmtpListener.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                                    .proxyNetworks(loopback),
                            SmtpListener.at(new InetSocketAddress(InetAddress.getByName("::"), 0))
                                    .proxyNetworks(loopback)))
                    .eventLoops(loops);
            server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
            for (InetSocketAddress address : server.addresses()) {
                for (int i = 0; i < 5; i++) {
                    assertThat(converse(address.getPort()))
                            .startsWith("220 mx2.example.net ESMTP\r\n250-")
                            .contains("\r\n250 2.0.0 Queued\r\n")
                            .endsWith("221 2.0.0 Bye\r\n");
                }
            }
            server.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
            assertThat(intake.messages())
                    .hasSize(10)
                    .allSatisfy(message -> assertThat(message.mailData()).hasSize(72_000));
            assertThat(intake.clients())
                    .allSatisfy(client ->
                            assertThat(client.remote()).isEqualTo(new InetSocketAddress("203.0.113.9", 4711)));
            assertThat(intake.breaches()).isEmpty();
            assertThat(intake.openSessions()).isZero();
        }
    }

    private static boolean works(EventLoops loops) {
        try {
            return loops.running().group() != null;
        } catch (IOException e) {
            return false;
        }
    }

    private static String converse(int port) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(DIALOGUE.getBytes(StandardCharsets.US_ASCII));
            socket.shutdownOutput();
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            socket.getInputStream().transferTo(said);
            return said.toString(StandardCharsets.US_ASCII);
        }
    }
}
