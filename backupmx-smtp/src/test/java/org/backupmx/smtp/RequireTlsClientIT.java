package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;

import io.netty.pkitesting.X509Bundle;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.backupmx.smtp.testing.RelayOutcome;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** REQUIRETLS (RFC 8689) as client: inside TLS that has shown who the next hop is, to who offers it there, or not at all. */
class RequireTlsClientIT {

    private static final String LACKING =
            "PermanentFailure 550 5.7.30 Next hop lacks REQUIRETLS, which the message needs";

    private static TestCertificates certificates;
    private static X509Bundle bundle;

    private FakePrimary primary;
    private SmtpClient client;

    @BeforeAll
    static void make() throws Exception {
        certificates = new TestCertificates();
        bundle = certificates.forNames("primary.test");
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

    private static TlsPolicy verify() {
        return TlsPolicy.verify().withAuthorities(certificates.authorities());
    }

    private static TlsPolicy fingerprint() throws Exception {
        return TlsPolicy.fingerprint(TestCertificates.sha256(bundle));
    }

    static Stream<TlsPolicy> authenticating() throws Exception {
        return Stream.of(verify(), fingerprint());
    }

    static Stream<TlsPolicy> others() {
        return Stream.of(TlsPolicy.none(), TlsPolicy.may(), TlsPolicy.encrypt());
    }

    private RelayRequest request(TlsPolicy policy) {
        return RelayOutcome.request(
                primary,
                "primary.test",
                RelaySettings.defaults().withTls(policy),
                RelayOutcome.BODY,
                "a@example.test",
                "b@example.test");
    }

    private String relay(TlsPolicy policy) throws Exception {
        return RelayOutcome.of(client, RelayOutcome.withRequireTls(request(policy)));
    }

    private List<String> mails() {
        return primary.commands().stream()
                .filter(line -> line.startsWith("MAIL"))
                .toList();
    }

    private PrimaryBehaviour secure() throws Exception {
        return accepting().secure(certificates.server(bundle));
    }

    @ParameterizedTest
    @MethodSource("authenticating")
    void x12_itGoesToWhoHasShownHimselfAndOffersIt(TlsPolicy policy) throws Exception {
        primary.behaviour(secure().alsoOffering("REQUIRETLS"));
        assertThat(relay(policy)).isEqualTo("Relayed 250 2.0.0 Taken");
        assertThat(mails()).singleElement().asString().contains(" REQUIRETLS");
        assertThat(RelayOutcome.of(client, request(policy))).isEqualTo("Relayed 250 2.0.0 Taken");
        assertThat(mails().get(1)).as("of a message without it").doesNotContain("REQUIRETLS");
        assertThat(relay(policy)).isEqualTo("Relayed 250 2.0.0 Taken");
        assertThat(mails().get(2)).contains(" REQUIRETLS");
        assertThat(primary.connections()).as("a kept connection will do").isEqualTo(1);
    }

    @ParameterizedTest
    @MethodSource("authenticating")
    void x12_whoDoesNotOfferItDoesNotGetIt(TlsPolicy policy) throws Exception {
        primary.behaviour(secure());
        assertThat(relay(policy)).isEqualTo(LACKING);
        assertThat(RelayOutcome.of(client, request(policy))).isEqualTo("Relayed 250 2.0.0 Taken");
        assertThat(relay(policy)).as("on a kept connection").isEqualTo(LACKING);
        assertThat(mails()).hasSize(1);
    }

    @Test
    void x12_whatIsOfferedInClearTextDoesNotCount() throws Exception {
        primary.behaviour(
                secure().alsoOffering("REQUIRETLS").reply(Point.EHLO_IN_TLS, "250-primary.test", "250 SIZE 1000000"));
        assertThat(relay(verify())).isEqualTo(LACKING);
        primary.behaviour(secure().alsoOffering("REQUIRETLS").reply(Point.EHLO_IN_TLS, "502 5.5.1 What?"));
        primary.dropConnections();
        assertThat(relay(verify())).as("after HELO").isEqualTo(LACKING);
        assertThat(mails()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("others")
    void x12_aPolicyThatDoesNotAuthenticateSendsNothing(TlsPolicy policy) throws Exception {
        primary.behaviour(secure().alsoOffering("REQUIRETLS"));
        assertThat(relay(policy)).startsWith("TransientFailure 451 4.7.5 ");
        assertThat(RelayOutcome.of(client, request(policy))).isEqualTo("Relayed 250 2.0.0 Taken");
        assertThat(relay(policy)).as("on a kept connection").startsWith("TransientFailure 451 4.7.5 ");
        assertThat(mails()).hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("authenticating")
    void x12_withoutTlsItStays(TlsPolicy policy) throws Exception {
        primary.behaviour(accepting().alsoOffering("REQUIRETLS"));
        assertThat(relay(policy)).isEqualTo("NoSession ADDRESS 451 4.7.5 STARTTLS not offered");
        primary.behaviour(accepting()
                .secure(certificates.server(certificates.forNames("other.test")))
                .alsoOffering("REQUIRETLS"));
        assertThat(relay(policy)).startsWith("NoSession ADDRESS 451 4.7.5 The certificate of primary.test");
        assertThat(mails()).isEmpty();
    }
}
