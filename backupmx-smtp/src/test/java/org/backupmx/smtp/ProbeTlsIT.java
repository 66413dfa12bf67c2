package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Row E12: what a probe learns inside TLS, from our own server as the primary. */
class ProbeTlsIT {

    private static final Path FIXTURES = Path.of("src/test/resources/tls");

    private final ScriptedIntake intake = new ScriptedIntake();
    private final SmtpServer server = SmtpServer.on(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .startTls(pair("rsa").withCertificate(FIXTURES.resolve("wild.crt.pem"), FIXTURES.resolve("wild.key.pem")));
    private final SmtpClient client = SmtpClient.create();

    private static StartTls pair(String name) {
        return StartTls.pem(FIXTURES.resolve(name + ".crt.pem"), FIXTURES.resolve(name + ".key.pem"));
    }

    @BeforeEach
    void start() throws Exception {
        server.start(intake).toCompletableFuture().get(20, TimeUnit.SECONDS);
        client.start().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() throws Exception {
        client.stop(Duration.ZERO).toCompletableFuture().get(20, TimeUnit.SECONDS);
        server.stop(Duration.ofSeconds(5)).toCompletableFuture().get(20, TimeUnit.SECONDS);
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.openSessions()).isZero();
    }

    private PrimaryCapabilities probe(ProbeDepth depth, String host) throws Exception {
        InetSocketAddress address = server.addresses().get(0);
        ProbeResult result = client.probe(new ProbeRequest(
                        new NextHopAddress(new NextHop(host, address.getPort()), address.getAddress()),
                        "mx2.test",
                        depth,
                        MailDomain.of("example.test"),
                        Duration.ofSeconds(20)))
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
        assertThat(result).isInstanceOf(ProbeResult.Healthy.class);
        return ((ProbeResult.Healthy) result).capabilities();
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 2126-10-29T18:30:00Z",
        "mail.example.com, 2126-10-29T18:30:01Z",
        "no_tls_name.example.com, 2126-10-29T18:30:00Z"
    })
    void e12_theCertificateOfItsNameIsReadAndNotVerified(String host, Instant end) throws Exception {
        PrimaryCapabilities learned = probe(ProbeDepth.STARTTLS, host);
        assertThat(learned.tls()).hasValueSatisfying(tls -> {
            assertThat(tls.protocol()).isEqualTo("TLSv1.3");
            assertThat(tls.cipherSuite()).startsWith("TLS_AES_");
            assertThat(tls.certificateEnd()).isEqualTo(end);
        });
    }

    @Test
    void e12_whatIsOfferedInsideTlsCounts() throws Exception {
        PrimaryCapabilities inClear = probe(ProbeDepth.EHLO, "127.0.0.1");
        PrimaryCapabilities inside = probe(ProbeDepth.STARTTLS, "127.0.0.1");
        assertThat(inClear.offers("STARTTLS")).isTrue();
        assertThat(inside.offers("STARTTLS")).isFalse();
        assertThat(inside.offers("PIPELINING")).isTrue();
        assertThat(inside.maxMessageBytes())
                .isEqualTo(inClear.maxMessageBytes())
                .isPresent();
        assertThat(inside.banner()).isEqualTo(inClear.banner()).isNotEmpty();
    }

    @Test
    void e1_recipientsAreAskedForByTlsAsMailIsRelayed() throws Exception {
        assertThat(probe(ProbeDepth.RCPT, "127.0.0.1").tls()).isPresent();
    }
}
