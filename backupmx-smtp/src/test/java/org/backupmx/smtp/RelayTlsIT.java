package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.backupmx.smtp.testing.RelayOutcome;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows N1, N2, N7 and N8, threats T2 and T28, as client: each policy against each kind of primary. */
class RelayTlsIT {

    private static final String RELAYED = "Relayed 250 2.0.0 Taken";
    private static final String NO_TLS = "NoSession ADDRESS 451 4.7.5 ";

    private static TestCertificates certificates;
    private static X509Bundle good;
    private static X509Bundle selfSigned;

    private FakePrimary primary;
    private SmtpClient client;

    @BeforeAll
    static void make() throws Exception {
        certificates = new TestCertificates();
        good = certificates.forNames("primary.test");
        selfSigned = new CertificateBuilder()
                .subject("CN=primary.test")
                .addSanDnsName("primary.test")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
    }

    @AfterAll
    static void forget() {
        certificates = null;
    }

    @BeforeEach
    void start() {
        primary = FakePrimary.start();
        client = SmtpClient.create().withTimeouts(ClientTimeouts.rfc5321().withGreeting(Duration.ofSeconds(5)));
        client.start().toCompletableFuture().join();
    }

    @AfterEach
    void stop() throws Exception {
        client.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        primary.close();
    }

    private String relay(TlsPolicy policy) throws Exception {
        return RelayOutcome.of(client, primary, RelaySettings.defaults().withTls(policy));
    }

    private static PrimaryBehaviour secure(X509Bundle bundle) throws Exception {
        return accepting().secure(certificates.server(bundle));
    }

    private static TlsPolicy.Verify verify() {
        return TlsPolicy.verify().withAuthorities(certificates.authorities());
    }

    private boolean wentInClear() {
        return !primary.messages().isEmpty()
                && primary.commands().stream()
                                .filter(line -> line.startsWith("EHLO"))
                                .count()
                        == 1;
    }

    static Stream<Arguments> policies() throws Exception {
        X509Bundle starred = certificates.forNames("*.primary.test", "*.test");
        X509Bundle starOfMore = certificates.forNames("*.test");
        X509Bundle partOfALabel = certificates.forNames("pri*.test");
        X509Bundle other = certificates.forNames("other.test");
        X509Bundle commonName = certificates.issue(new CertificateBuilder().subject("CN=primary.test"));
        X509Bundle byAddress = certificates.issue(
                new CertificateBuilder().subject("CN=primary.test").addSanIpAddress("127.0.0.1"));
        X509Bundle expired = certificates.issue(new CertificateBuilder()
                .subject("CN=primary.test")
                .addSanDnsName("primary.test")
                .notBefore(Instant.parse("2020-01-01T00:00:00Z"))
                .notAfter(Instant.parse("2021-01-01T00:00:00Z")));
        TlsPolicy pinned = TlsPolicy.fingerprint(TestCertificates.sha256(selfSigned), "ab".repeat(32));
        String notAccepted = NO_TLS + "The certificate of primary.test is not accepted: ";
        return Stream.of(
                arguments("none", TlsPolicy.none(), good, RELAYED, true),
                arguments("may, good", TlsPolicy.may(), good, RELAYED, false),
                arguments("may, self-signed", TlsPolicy.may(), selfSigned, RELAYED, false),
                arguments("may, expired", TlsPolicy.may(), expired, RELAYED, false),
                arguments("encrypt, expired", TlsPolicy.encrypt(), expired, RELAYED, false),
                arguments("verify, good", verify(), good, RELAYED, false),
                arguments("verify, star for one label", verify(), starOfMore, RELAYED, false),
                arguments("verify, several names", verify(), starred, RELAYED, false),
                arguments(
                        "verify, part of a label",
                        verify(),
                        partOfALabel,
                        notAccepted + "it is not for primary.test",
                        false),
                arguments("verify, another name", verify(), other, notAccepted + "it is not for primary.test", false),
                arguments("verify, configured name", verify().withNames("Other.test"), other, RELAYED, false),
                arguments(
                        "verify, configured name in place of the next hop's",
                        verify().withNames("other.test"),
                        good,
                        notAccepted + "it is not for other.test",
                        false),
                arguments(
                        "verify, common name alone",
                        verify(),
                        commonName,
                        notAccepted + "it is not for primary.test",
                        false),
                arguments(
                        "verify, address alone",
                        verify(),
                        byAddress,
                        notAccepted + "it is not for primary.test",
                        false),
                arguments("verify, expired", verify(), expired, notAccepted + "it is not trusted: NotAfter: .*", false),
                arguments(
                        "verify, self-signed",
                        verify(),
                        selfSigned,
                        notAccepted + "it is not trusted: unable to find valid certification path to requested target",
                        false),
                arguments(
                        "verify by the JDK's authorities",
                        TlsPolicy.verify(),
                        good,
                        notAccepted + "it is not trusted: unable to find valid certification path to requested target",
                        false),
                arguments("fingerprint, known", pinned, selfSigned, RELAYED, false),
                arguments(
                        "fingerprint, another",
                        pinned,
                        good,
                        notAccepted + "its SHA-256 is [0-9a-f]{64}, which is not among the known ones",
                        false));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("policies")
    void n7_eachPolicyTakesWhatItSays(
            String name, TlsPolicy policy, X509Bundle bundle, String expected, boolean inClear) throws Exception {
        primary.behaviour(secure(bundle));

        assertThat(relay(policy)).matches(expected);
        assertThat(wentInClear()).isEqualTo(inClear);
        assertThat(primary.messages()).hasSize(expected.equals(RELAYED) ? 1 : 0);
        assertThat(primary.connections()).isEqualTo(1);
    }

    static Stream<Arguments> broken() throws Exception {
        PrimaryBehaviour offering = accepting().alsoOffering("STARTTLS");
        Answer goOn = new Answer.Say("220 2.0.0 Go on\r\n");
        SSLContext tls = certificates.server(good);
        return Stream.of(
                arguments("not offered", accepting(), "STARTTLS not offered", 1),
                arguments(
                        "stripped by HELO alone",
                        accepting().reply(Point.EHLO, "502 What?"),
                        "STARTTLS not offered",
                        1),
                arguments(
                        "refused for now",
                        offering.reply(Point.STARTTLS, "454 4.7.0 Not now"),
                        "STARTTLS refused: 454 4.7.0 Not now",
                        1),
                arguments("unknown", offering, "STARTTLS refused: 502 5.5.1 Not here", 1),
                arguments(
                        "accepted, then clear text",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(goOn, new Answer.Say("250-primary.test\r\n250 PIPELINING\r\n"))),
                        "TLS handshake failed: no TLS record",
                        2),
                arguments(
                        "accepted, then gone",
                        offering.at(Point.STARTTLS, new Answer.Then(goOn, new Answer.SayAndClose(""))),
                        "Connection lost in the TLS handshake",
                        2),
                arguments(
                        "gone after the handshake",
                        accepting().secure(tls).close(Point.EHLO_IN_TLS),
                        "Connection lost waiting for the reply to EHLO",
                        2),
                arguments(
                        "an alert",
                        offering.at(
                                Point.STARTTLS,
                                new Answer.Then(goOn, new Answer.SayAndClose("\u0015\u0003\u0003\u0000\u0002\u0002("))),
                        "TLS handshake failed: .*handshake_failure",
                        2));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("broken")
    void t28_whereTlsIsDemandedThereIsNoMailWithoutIt(
            String name, PrimaryBehaviour behaviour, String reason, int connections) throws Exception {
        primary.behaviour(behaviour);
        for (TlsPolicy policy :
                new TlsPolicy[] {TlsPolicy.encrypt(), verify(), TlsPolicy.fingerprint(TestCertificates.sha256(good))}) {
            assertThat(relay(policy)).matches("NoSession ADDRESS 451 4\\.[47]\\.[25] " + reason);
            assertThat(relay(policy)).as("again").matches("NoSession ADDRESS 451 4\\.[47]\\.[25] " + reason);
        }
        assertThat(primary.commands()).noneMatch(line -> line.startsWith("MAIL"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("broken")
    void n7_opportunityFallsBackToClearTextAndRemembersIt(
            String name, PrimaryBehaviour behaviour, String reason, int connections) throws Exception {
        primary.behaviour(behaviour);
        assertThat(relay(TlsPolicy.may())).isEqualTo(RELAYED);
        assertThat(primary.connections()).isEqualTo(connections);
        primary.dropConnections();
        primary.clear();

        assertThat(relay(TlsPolicy.may())).isEqualTo(RELAYED);
        assertThat(primary.connections()).isEqualTo(connections + 1);
        boolean remembered = connections == 2;
        boolean offered = !reason.contains("not offered");
        assertThat(primary.commands().contains("STARTTLS")).isEqualTo(offered && !remembered);
    }

    @Test
    void t2_octetsBehindTheReplyToStartTlsEndTheConnection() throws Exception {
        primary.behaviour(accepting()
                .alsoOffering("STARTTLS")
                .at(Point.STARTTLS, new Answer.Say("220 2.0.0 Go on\r\n250 2.0.0 Injected\r\n")));
        for (TlsPolicy policy : new TlsPolicy[] {TlsPolicy.may(), TlsPolicy.encrypt(), verify()}) {
            assertThat(relay(policy))
                    .isEqualTo("NoSession ADDRESS 451 4.5.0 Protocol error of the next hop:"
                            + " data after the reply to STARTTLS");
        }
        assertThat(primary.messages()).isEmpty();
    }

    @Test
    void n2_whatWasOfferedInClearIsForgotten() throws Exception {
        primary.behaviour(secure(good).reply(Point.EHLO_IN_TLS, "250-primary.test", "250 SIZE 1000000"));

        assertThat(relay(verify())).isEqualTo(RELAYED);
        assertThat(primary.commands())
                .containsExactly(
                        "EHLO mx2.test",
                        "STARTTLS",
                        "EHLO mx2.test",
                        "MAIL FROM:<from@sender.test> SIZE=" + RelayOutcome.BODY.length,
                        "RCPT TO:<a@example.test>",
                        "DATA");
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void n1_bothVersionsAreSpoken(String version) throws Exception {
        primary.behaviour(accepting().secure(version(good, version)));
        assertThat(relay(TlsPolicy.encrypt())).isEqualTo(RELAYED);
    }

    private static SSLContext version(X509Bundle bundle, String version) throws Exception {
        SSLContext context = SSLContext.getInstance(version);
        context.init(bundle.toKeyManagerFactory().getKeyManagers(), null, null);
        return context;
    }

    @Test
    void n8_aCertificateOfOursIsShownToWhoAsks() throws Exception {
        X509Bundle ours = certificates.issue(new CertificateBuilder().subject("CN=mx2.test"));
        primary.behaviour(accepting()
                .alsoOffering("STARTTLS")
                .at(Point.STARTTLS, new Answer.Secure(certificates.server(good), true)));

        RelaySettings settings = RelaySettings.defaults().withTls(verify());
        assertThat(RelayOutcome.of(client, primary, settings)).matches("NoSession ADDRESS 451 .*");
        assertThat(RelayOutcome.of(client, primary, settings.withClientCertificate(certificates.client(ours))))
                .isEqualTo(RELAYED);
        assertThat(primary.clientCertificates())
                .singleElement()
                .extracting(certificate -> ((X509Certificate) certificate)
                        .getSubjectX500Principal()
                        .getName())
                .isEqualTo("CN=mx2.test");
    }

    // ---- probes take the same way

    private ProbeResult probe(ProbeDepth depth, TlsPolicy policy) throws Exception {
        return client.probe(new ProbeRequest(
                        new NextHopAddress(new NextHop("primary.test", primary.port()), primary.address()),
                        "mx2.test",
                        depth,
                        MailDomain.of("example.test"),
                        Duration.ofSeconds(10),
                        RelaySettings.defaults().withTls(policy)))
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"EHLO", "STARTTLS", "RCPT"})
    void aProbeDemandsWhatMailDoes(String depth) throws Exception {
        primary.behaviour(secure(selfSigned));
        assertThat(probe(ProbeDepth.valueOf(depth), TlsPolicy.encrypt())).isInstanceOf(ProbeResult.Healthy.class);
        assertThat(probe(ProbeDepth.valueOf(depth), verify()))
                .isEqualTo(new ProbeResult.Unreachable("The certificate of primary.test is not accepted: it is not"
                        + " trusted: unable to find valid certification path to requested target"));
        primary.behaviour(accepting());
        assertThat(probe(ProbeDepth.valueOf(depth), TlsPolicy.encrypt()))
                .isEqualTo(new ProbeResult.Unreachable("STARTTLS not offered"));
    }

    @Test
    void aProbeForARecipientFallsBackAsMailDoes() throws Exception {
        primary.behaviour(accepting()
                .alsoOffering("STARTTLS")
                .at(
                        Point.STARTTLS,
                        new Answer.Then(new Answer.Say("220 2.0.0 Go on\r\n"), new Answer.Say("500 5.5.1 What?\r\n"))));

        assertThat(probe(ProbeDepth.RCPT, TlsPolicy.may()))
                .isInstanceOfSatisfying(
                        ProbeResult.Healthy.class,
                        healthy -> assertThat(healthy.capabilities().tls()).isEmpty());
        assertThat(primary.connections()).isEqualTo(2);
        assertThat(probe(ProbeDepth.STARTTLS, TlsPolicy.may())).isInstanceOf(ProbeResult.Unreachable.class);
        assertThat(relay(TlsPolicy.may())).isEqualTo(RELAYED);
        assertThat(primary.connections()).as("mail knows it, too").isEqualTo(4);
    }

    @Test
    void aProbeForARecipientGoesByTlsWhereMailDoes() throws Exception {
        primary.behaviour(secure(selfSigned));
        assertThat(probe(ProbeDepth.RCPT, TlsPolicy.may()))
                .isInstanceOfSatisfying(
                        ProbeResult.Healthy.class,
                        healthy -> assertThat(healthy.capabilities().tls()).isPresent());
        assertThat(probe(ProbeDepth.EHLO, TlsPolicy.may()))
                .as("the cheap probe")
                .isInstanceOfSatisfying(
                        ProbeResult.Healthy.class,
                        healthy -> assertThat(healthy.capabilities().tls()).isEmpty());
    }
}
