package org.backupmx.smtp.internal.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.event.Level;

/** Row N1, the server's certificates: handshakes of two engines without a network. */
class ServerTlsTest {

    private static final Path FIXTURES = Path.of("src/test/resources/tls");
    private static final Instant NOW = Instant.parse("2026-11-22T18:00:00Z");

    @TempDir
    Path folder;

    private static CertificateFiles fixture(String certificate, String key) {
        return new CertificateFiles(FIXTURES.resolve(certificate + ".crt.pem"), FIXTURES.resolve(key + ".key.pem"));
    }

    private static CertificateFiles fixture(String name) {
        return fixture(name, name);
    }

    private static ServerTls tls(CertificateFiles... files) throws IOException {
        return ServerTls.read(List.of(files), InstantSource.fixed(NOW));
    }

    /** Shakes hands and returns what the client saw. */
    private static SSLSession shake(ServerTls tls, Consumer<SSLParameters> client) throws Exception {
        SSLContext context = TestCertificates.trustingClient();
        SSLEngine from = context.createSSLEngine();
        from.setUseClientMode(true);
        SSLParameters parameters = from.getSSLParameters();
        client.accept(parameters);
        from.setSSLParameters(parameters);
        SSLEngine to = tls.apply(UnpooledByteBufAllocator.DEFAULT).engine();
        ByteBuffer there = ByteBuffer.allocate(64 * 1024);
        ByteBuffer back = ByteBuffer.allocate(64 * 1024);
        from.beginHandshake();
        to.beginHandshake();
        for (int turn = 0; turn < 50; turn++) {
            turn(from, back, there);
            turn(to, there, back);
            if (isDone(from) && isDone(to)) {
                return from.getSession();
            }
        }
        throw new AssertionError("no end: " + from.getHandshakeStatus() + " and " + to.getHandshakeStatus());
    }

    private static boolean isDone(SSLEngine engine) {
        return engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING;
    }

    private static void turn(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
        ByteBuffer nothing = ByteBuffer.allocate(32 * 1024);
        in.flip();
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> engine.getDelegatedTask().run();
                case NEED_WRAP -> engine.wrap(ByteBuffer.allocate(0), out);
                default -> {
                    if (!in.hasRemaining()
                            || engine.unwrap(in, nothing).getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
                        in.compact();
                        return;
                    }
                }
            }
        }
    }

    private static String subject(SSLSession session) throws Exception {
        return ((X509Certificate) session.getPeerCertificates()[0])
                .getSubjectX500Principal()
                .getName();
    }

    private static Consumer<SSLParameters> asking(String name) {
        return parameters -> parameters.setServerNames(List.of(new SNIHostName(name)));
    }

    // ---- SNI ----

    @ParameterizedTest
    @CsvSource({
        "mx2.example.net, rsa",
        "MX2.Example.NET, rsa",
        "mail.example.net, rsa",
        "other.example.org, ec384",
        "any.example.org, ec384",
        "any.example.com, wild",
        "deep.any.example.com, rsa", // a star stands for one label
        "example.com, rsa",
        "unknown.example, rsa",
        "192.0.2.1, rsa",
        "localhost, rsa",
    })
    void n1_theServerNameChooses(String name, String expected) throws Exception {
        ServerTls tls = tls(fixture("rsa"), fixture("ec384"), fixture("wild"));
        for (String version : List.of("TLSv1.3", "TLSv1.2")) {
            SSLSession session =
                    shake(tls, asking(name).andThen(parameters -> parameters.setProtocols(new String[] {version})));
            assertThat(session.getProtocol()).isEqualTo(version);
            assertThat(subject(session)).isEqualTo("CN=" + expected);
        }
    }

    @Test
    void n1_whoNamesNobodyGetsTheDefault() throws Exception {
        assertThat(subject(shake(tls(fixture("rsa"), fixture("ec"), fixture("wild")), p -> {})))
                .isIn("CN=rsa", "CN=ec"); // one host by two keys
        assertThat(subject(shake(tls(fixture("wild"), fixture("ec384")), p -> {})))
                .isEqualTo("CN=wild");
        assertThat(subject(shake(tls(fixture("ec384"), fixture("wild")), p -> {})))
                .isEqualTo("CN=ec384");
    }

    @Test
    void n1_anExactNameGoesBeforeAWildcard() throws Exception {
        CertificateFiles exact = fixture("ec384"); // other.example.org and *.example.org
        assertThat(subject(shake(tls(fixture("wild"), exact), asking("other.example.org"))))
                .isEqualTo("CN=ec384");
    }

    @ParameterizedTest
    @CsvSource({
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, rsa",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ec",
    })
    void n1_twoKeysOfOneNameServeTwoKindsOfClients(String suite, String expected) throws Exception {
        ServerTls tls = tls(fixture("rsa"), fixture("ec"), fixture("ec384"));
        for (String name : List.of("mx2.example.net", "unknown.example")) {
            SSLSession session =
                    shake(tls, asking(name).andThen(parameters -> parameters.setCipherSuites(new String[] {suite})));
            assertThat(session.getCipherSuite()).isEqualTo(suite);
            assertThat(subject(session)).isEqualTo("CN=" + expected);
        }
    }

    @Test
    void n1_aCertificateThatTheClientCannotVerifyMakesWayForAnother() throws Exception {
        // mail goes by TLS without a verified name rather than in clear text
        SSLSession session = shake(
                tls(fixture("rsa"), fixture("ec384")),
                asking("other.example.org").andThen(parameters -> {
                    parameters.setProtocols(new String[] {"TLSv1.2"});
                    parameters.setCipherSuites(new String[] {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"});
                }));
        assertThat(subject(session)).isEqualTo("CN=rsa");
    }

    // ---- versions and suites ----

    @Test
    void n1_olderVersionsAreNotSpoken() throws Exception {
        SSLEngine engine =
                tls(fixture("rsa")).apply(UnpooledByteBufAllocator.DEFAULT).engine();
        assertThat(engine.getEnabledProtocols()).containsExactlyInAnyOrder("TLSv1.2", "TLSv1.3");
        assertThat(engine.getEnabledCipherSuites())
                .startsWith("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")
                .contains("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")
                .noneMatch(suite -> suite.startsWith("TLS_RSA_") || suite.contains("_anon_") || suite.contains("NULL"));
        assertThat(Arrays.stream(engine.getEnabledCipherSuites()).dropWhile(suite -> !suite.contains("_CBC_")))
                .allMatch(suite -> suite.contains("_CBC_"));
    }

    @Test
    void n1_ourOrderOfSuitesCounts() throws Exception {
        SSLSession session = shake(tls(fixture("rsa")), parameters -> {
            parameters.setProtocols(new String[] {"TLSv1.2"});
            parameters.setCipherSuites(new String[] {
                "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
            });
        });
        assertThat(session.getCipherSuite()).isEqualTo("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    }

    // ---- files ----

    @ParameterizedTest
    @CsvSource({
        "rsa, rsa",
        "rsa, rsa-pkcs1",
        "ec, ec",
        "ec, ec-rfc5915",
        "ec384, ec384",
        "ec384, ec384-rfc5915",
        "ed25519, ed25519",
    })
    void n1_keysInEveryCommonForm(String certificate, String key) throws Exception {
        assertThat(subject(shake(tls(fixture(certificate, key)), p -> {}))).isEqualTo("CN=" + certificate);
    }

    @Test
    void n1_oneFileMayHoldBoth() throws Exception {
        CertificateFiles apart = fixture("rsa");
        Path both = folder.resolve("both.pem");
        Files.writeString(
                both,
                "# key first\n" + Files.readString(apart.key()) + "\r\nthen\r\n" + Files.readString(apart.chain()));
        assertThat(subject(shake(tls(new CertificateFiles(both, both)), p -> {})))
                .isEqualTo("CN=rsa");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "rsa | wild | {k} is another certificate's key (expected: the key of {c})",
                "rsa | ec | {k} (expected: the RSA key of {c})",
                "rsa | ec-rfc5915 | {k} (expected: the RSA key of {c})",
                "ec | rsa-pkcs1 | {k} (expected: the EC key of {c})",
                "ec384 | ec | {k} is another certificate's key (expected: the key of {c})",
                "ec384 | ec-rfc5915 | {k} is another certificate's key (expected: the key of {c})",
                "rsa | rsa-password | {k} holds a key with a password (expected: one without; openssl pkey -in KEY -out NEW makes it)",
                "rsa | rsa-pkcs1-password | {k} holds a key with a password (expected: one without; openssl pkey -in KEY -out NEW makes it)",
                "rsa | none | {k}: no such file (expected: a PEM file)",
                "none | rsa | {c}: no such file (expected: a PEM file)",
            })
    void n1_filesThatDoNotFitAreNamed(String certificate, String key, String expected) {
        CertificateFiles files = fixture(certificate, key);
        assertThatThrownBy(() -> tls(files))
                .isInstanceOf(IOException.class)
                .hasMessage("STARTTLS: "
                        + expected.replace("{c}", files.chain().toString())
                                .replace("{k}", files.key().toString()));
    }

    static Stream<String> textsThatAreNoCertificate() {
        return Stream.of(
                "",
                "no PEM",
                "-----BEGIN CERTIFICATE-----",
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "-----BEGIN -----\nAAAA\n-----END -----\n",
                "\u0000".repeat(100),
                "-".repeat(100_000),
                "-----BEGIN X-----\n".repeat(10_000));
    }

    @ParameterizedTest
    @MethodSource("textsThatAreNoCertificate")
    void n1_whatIsNoPemIsNamedOnOneLine(String text) throws IOException {
        Path garbage = Files.writeString(folder.resolve("garbage.pem"), text);
        Path good = fixture("rsa").chain();
        for (CertificateFiles files :
                List.of(new CertificateFiles(garbage, garbage), new CertificateFiles(good, garbage))) {
            assertThatThrownBy(() -> tls(files))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("STARTTLS: " + garbage)
                    .hasMessageContaining("(expected: ")
                    .message()
                    .doesNotContain("\n");
        }
    }

    @Test
    void n1_everyTruncationOfAChainOrKeyIsRefusedOrWhole() throws IOException {
        CertificateFiles whole = fixture("ec");
        for (Path file : List.of(whole.chain(), whole.key())) {
            String text = Files.readString(file);
            int end = text.indexOf("-----END")
                    + text.substring(text.indexOf("-----END")).stripTrailing().length();
            for (int length = 0; length < text.length(); length++) {
                Path cut = Files.writeString(folder.resolve("cut.pem"), text.substring(0, length));
                CertificateFiles files = file.equals(whole.chain())
                        ? new CertificateFiles(cut, whole.key())
                        : new CertificateFiles(whole.chain(), cut);
                if (length < end) {
                    assertThatThrownBy(() -> tls(files)).isInstanceOf(IOException.class);
                } else {
                    assertThat(tls(files)).isNotNull();
                }
            }
        }
    }

    // ---- reload ----

    private CertificateFiles copy(CertificateFiles from) throws IOException {
        put(from.chain(), "crt.pem");
        put(from.key(), "key.pem");
        return new CertificateFiles(folder.resolve("crt.pem"), folder.resolve("key.pem"));
    }

    private void put(Path from, String name) throws IOException {
        Files.write(folder.resolve(name), Files.readAllBytes(from));
    }

    @Test
    void n1_aNewPairIsTakenAndNeverHalfOfIt() throws Exception {
        ServerTls tls = tls(copy(fixture("rsa")), fixture("ec384"));
        try (CapturedLog log = new CapturedLog(ServerTls.class, Level.INFO)) {
            tls.look();
            assertThat(log.lines()).isEmpty();
            put(fixture("wild").key(), "key.pem"); // the certificate follows before the next look but one
            tls.look();
            assertThat(subject(shake(tls, p -> {}))).isEqualTo("CN=rsa");
            assertThat(log.lines()).isEmpty();
            put(fixture("wild").chain(), "crt.pem");
            tls.look();
            assertThat(subject(shake(tls, p -> {}))).isEqualTo("CN=wild");
            assertThat(log.lines()).singleElement().asString().contains("certificate reloaded", "*.example.com");
            tls.look();
            assertThat(log.lines()).isEmpty();
        }
    }

    @Test
    void n1_aBrokenNewFileKeepsTheOldOneAndIsToldOnce() throws Exception {
        ServerTls tls = tls(copy(fixture("rsa")), fixture("ec384"));
        try (CapturedLog log = new CapturedLog(ServerTls.class, Level.INFO)) {
            Files.writeString(folder.resolve("crt.pem"), "broken");
            for (int i = 0; i < 5; i++) {
                tls.look();
            }
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .contains("WARN", "crt.pem", "(expected: certificates in PEM form)", "the old one stays");
            assertThat(subject(shake(tls, p -> {}))).isEqualTo("CN=rsa");
            Files.delete(folder.resolve("crt.pem"));
            tls.look();
            tls.look();
            assertThat(log.lines()).singleElement().asString().contains("no such file");
            put(fixture("wild").chain(), "crt.pem");
            put(fixture("wild").key(), "key.pem");
            tls.look();
            assertThat(log.lines()).singleElement().asString().contains("certificate reloaded");
            assertThat(subject(shake(tls, p -> {}))).isEqualTo("CN=wild");
        }
    }

    @Test
    void n1_oneBrokenPairDoesNotHoldTheOthersUp() throws Exception {
        Path broken = Files.write(
                folder.resolve("other.pem"), Files.readAllBytes(fixture("ec384").chain()));
        ServerTls tls = tls(
                copy(fixture("rsa")),
                new CertificateFiles(broken, fixture("ec384").key()));
        Files.writeString(broken, "broken");
        put(fixture("wild").chain(), "crt.pem");
        put(fixture("wild").key(), "key.pem");
        tls.look();
        assertThat(subject(shake(tls, p -> {}))).isEqualTo("CN=wild");
        assertThat(subject(shake(tls, asking("other.example.org")))).isEqualTo("CN=ec384");
        assertThatThrownBy(tls::reload).isInstanceOf(IOException.class).hasMessageContaining("other.pem");
        assertThat(subject(shake(tls, asking("other.example.org")))).isEqualTo("CN=ec384");
    }

    @Test
    void n1_reloadOnDemandTellsAFaultAtOnce() throws Exception {
        ServerTls tls = tls(copy(fixture("rsa")));
        put(fixture("wild").key(), "key.pem");
        assertThatThrownBy(tls::reload).hasMessageContaining("is another certificate's key");
        put(fixture("wild").chain(), "crt.pem");
        tls.reload();
        assertThat(subject(shake(tls, p -> {}))).isEqualTo("CN=wild");
    }

    // ---- expiry ----

    @Test
    void n1_anEndingCertificateIsToldAt30And7DaysAndThenDaily() throws Exception {
        ServerCertificate certificate = fixture("rsa").read();
        WatchedCertificate watched = new WatchedCertificate(certificate);
        try (CapturedLog log = new CapturedLog(ServerTls.class, Level.INFO)) {
            int[] hoursLeft = {31 * 24, 30 * 24, 29 * 24, 8 * 24, 7 * 24, 6 * 24, 24, 23, 1, 0, -1, -24, -47};
            boolean[] told = {false, true, false, false, true, false, true, false, false, true, false, true, false};
            for (int i = 0; i < hoursLeft.length; i++) {
                watched.tellExpiry(certificate.expiry().minusSeconds(hoursLeft[i] * 3600L));
                assertThat(log.lines()).as("%s hours left", hoursLeft[i]).hasSize(told[i] ? 1 : 0);
            }
            watched.tellExpiry(certificate.expiry().plusSeconds(3 * 86_400));
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .contains("WARN", "certificate has expired", "rsa.crt.pem");
        }
    }
}
