package org.backupmx.smtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.smtp.testing.PrimaryBehaviour.accepting;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.smtp.testing.FakePrimary;
import org.backupmx.smtp.testing.PrimaryBehaviour;
import org.backupmx.smtp.testing.PrimaryBehaviour.Answer;
import org.backupmx.smtp.testing.PrimaryBehaviour.Point;
import org.backupmx.smtp.testing.RelayOutcome;
import org.backupmx.smtp.testing.ScramServer;
import org.backupmx.smtp.testing.TestCertificates;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** AUTH toward the primary (rows N8 and N9): mechanisms, refusals, and that no password shows. */
class RelayAuthTest {

    private static final String PASSWORD = "s\u00e9cret,=\u20ac";
    private static final RelayCredentials CREDENTIALS = RelayCredentials.of("backup@mx", PASSWORD.toCharArray());
    private static final String RELAYED = "Relayed 250 2.0.0 Taken";

    private static SSLContext tls;

    private FakePrimary primary;
    private SmtpClient client;

    @BeforeAll
    static void make() throws Exception {
        TestCertificates certificates = new TestCertificates();
        tls = certificates.server(certificates.forNames("primary.test"));
    }

    @BeforeEach
    void start() {
        primary = FakePrimary.start();
        client = SmtpClient.create();
        client.start().toCompletableFuture().join();
    }

    @AfterEach
    void stop() throws Exception {
        client.stop(Duration.ZERO).toCompletableFuture().get(10, TimeUnit.SECONDS);
        primary.close();
    }

    private static RelaySettings settings(TlsPolicy policy) {
        return RelaySettings.defaults().withTls(policy).withCredentials(CREDENTIALS);
    }

    private String relay() throws Exception {
        return RelayOutcome.of(client, primary, settings(TlsPolicy.encrypt()));
    }

    private static PrimaryBehaviour offering(String mechanisms) {
        return accepting().alsoOffering("AUTH " + mechanisms).secure(tls);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    private static Answer say(String line) {
        return new Answer.Say(line + "\r\n");
    }

    @Test
    void plain() throws Exception {
        primary.behaviour(offering("PLAIN LOGIN").reply(Point.AUTH, "235 2.7.0 Come in"));

        assertThat(relay()).isEqualTo(RELAYED);
        assertThat(primary.commands())
                .containsSubsequence("STARTTLS", "EHLO mx2.test", "AUTH PLAIN " + base64("\0backup@mx\0" + PASSWORD))
                .anyMatch(line -> line.startsWith("MAIL"));
    }

    @Test
    void aLongPlainGoesInALineOfItsOwn() throws Exception {
        String password = "p".repeat(600);
        primary.behaviour(
                offering("PLAIN").reply(Point.AUTH, "334 ").at(Point.OTHER, line -> say("235 2.7.0 Come in")));

        assertThat(RelayOutcome.of(
                        client,
                        primary,
                        RelaySettings.defaults()
                                .withTls(TlsPolicy.encrypt())
                                .withCredentials(RelayCredentials.of("u", password.toCharArray()))))
                .isEqualTo(RELAYED);
        assertThat(primary.commands()).containsSubsequence("AUTH PLAIN", base64("\0u\0" + password));
    }

    @Test
    void login() throws Exception {
        Function<String, Answer> answers =
                line -> line.equals(base64("backup@mx")) ? say("334 UGFzc3dvcmQ6") : say("235 2.7.0 Come in");
        primary.behaviour(
                offering("LOGIN").reply(Point.AUTH, "334 VXNlcm5hbWU6").at(Point.OTHER, answers));

        assertThat(relay()).isEqualTo(RELAYED);
        assertThat(primary.commands())
                .containsSubsequence(
                        "AUTH LOGIN",
                        base64("backup@mx"),
                        base64(PASSWORD),
                        "MAIL FROM:<from@sender.test>" + " SIZE=" + RelayOutcome.BODY.length);
    }

    private static PrimaryBehaviour scram(String password, PrimaryBehaviour behaviour) {
        ScramServer server = new ScramServer("backup@mx", password, 4096);
        return behaviour
                .at(Point.AUTH, line -> say("334 " + base64(server.challenge(text(line.split(" ", 3)[2])))))
                .at(Point.OTHER, line -> {
                    if (line.isEmpty()) {
                        return say("235 2.7.0 Come in");
                    }
                    String signature = server.signature(text(line));
                    return signature.isEmpty() ? say("535 5.7.8 No") : say("334 " + base64(signature));
                });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void scramIsPreferredAndNeedsNoTls(boolean inTls) throws Exception {
        primary.behaviour(scram(
                PASSWORD,
                inTls ? offering("PLAIN SCRAM-SHA-256") : accepting().alsoOffering("AUTH SCRAM-SHA-256 PLAIN")));

        assertThat(RelayOutcome.of(client, primary, settings(inTls ? TlsPolicy.encrypt() : TlsPolicy.none())))
                .isEqualTo(RELAYED);
        assertThat(primary.commands()).anyMatch(line -> line.startsWith("AUTH SCRAM-SHA-256 "));
        assertThat(String.join("\n", primary.commands())).doesNotContain(base64(PASSWORD));
    }

    @Test
    void aWrongPasswordIsADeferral() throws Exception {
        primary.behaviour(scram("another", offering("SCRAM-SHA-256")));
        assertThat(relay()).isEqualTo("NoSession HOST 451 4.7.8 Authentication refused by the next hop: 535 5.7.8 No");
    }

    @Test
    void aServerThatDoesNotKnowThePasswordEitherGetsNoMail() throws Exception {
        ScramServer server = new ScramServer("backup@mx", PASSWORD, 4096);
        primary.behaviour(offering("SCRAM-SHA-256")
                .at(Point.AUTH, line -> say("334 " + base64(server.challenge(text(line.split(" ", 3)[2])))))
                .at(Point.OTHER, line -> say("334 " + base64("v=" + base64("anything")))));
        assertThat(relay())
                .isEqualTo(
                        "NoSession HOST 451 4.7.8 Authentication broken off: a server that does not know the password");
        primary.behaviour(offering("SCRAM-SHA-256")
                .at(Point.AUTH, line -> say("334 " + base64(server.challenge(text(line.split(" ", 3)[2])))))
                .at(Point.OTHER, line -> say("235 2.7.0 Welcome anyway")));
        assertThat(relay())
                .isEqualTo(
                        "NoSession ADDRESS 451 4.5.0 Protocol error of the next hop: reply 235 in the middle of AUTH");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "334 x | NoSession HOST 451 4.7.8 Authentication broken off: a challenge that is not Base64",
                "334 | NoSession HOST 451 4.7.8 Authentication broken off: a challenge that cannot be read",
                "334 cj14 | NoSession HOST 451 4.7.8 Authentication broken off: a challenge that does not fit",
                "235 Hello | NoSession ADDRESS 451 4.5.0 Protocol error of the next hop: reply 235 in the middle of AUTH",
                "354 Hello | NoSession ADDRESS 451 4.5.0 Protocol error of the next hop: reply 354 to AUTH",
                "421 4.3.2 Bye | NoSession ADDRESS 421 4.3.2 Bye",
                "454 4.7.0 Later | NoSession HOST 451 4.7.8 Authentication refused by the next hop: 454 4.7.0 Later",
                "504 5.5.4 What? | NoSession HOST 451 4.7.8 Authentication refused by the next hop: 504 5.5.4 What?",
            })
    void aBrokenChallengeIsADeferral(String reply, String expected) throws Exception {
        primary.behaviour(offering("SCRAM-SHA-256").reply(Point.AUTH, reply));
        assertThat(relay()).isEqualTo(expected);
    }

    @Test
    void thePasswordIsNotShownOutsideTls() throws Exception {
        primary.behaviour(accepting().alsoOffering("AUTH PLAIN LOGIN"));
        assertThat(RelayOutcome.of(client, primary, settings(TlsPolicy.may())))
                .isEqualTo("NoSession HOST 451 4.7.8 AUTH that shows the password is offered outside TLS");
        assertThat(primary.commands()).noneMatch(line -> line.startsWith("AUTH") || line.startsWith("MAIL"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"CRAM-MD5 GSSAPI", ""})
    void whoOffersNothingThatWeKnowGetsNoMail(String mechanisms) throws Exception {
        primary.behaviour(mechanisms.isEmpty() ? accepting().secure(tls) : offering(mechanisms));
        assertThat(relay()).isEqualTo("NoSession HOST 451 4.7.8 No AUTH that we know is offered");
    }

    @Test
    void whatThePrimarySaysOfAPasswordItWasShownIsNotRepeated() throws Exception {
        primary.behaviour(
                offering("PLAIN").at(Point.AUTH, line -> say("535 5.7.8 " + line + " is wrong: " + PASSWORD)));
        assertThat(relay()).isEqualTo("NoSession HOST 451 4.7.8 Authentication refused by the next hop: 535 5.7.8");
    }

    @Test
    void aProbeAuthenticates() throws Exception {
        primary.behaviour(offering("PLAIN").reply(Point.AUTH, "535 5.7.8 No"));
        SmtpReply refused = SmtpReply.of(451, "4.7.8", "Authentication refused by the next hop: 535 5.7.8");
        for (ProbeDepth depth : List.of(ProbeDepth.EHLO, ProbeDepth.STARTTLS, ProbeDepth.RCPT)) {
            assertThat(probe(depth)).as("%s", depth).isEqualTo(new ProbeResult.Refused(refused));
        }
        primary.behaviour(offering("PLAIN").reply(Point.AUTH, "235 2.7.0 Come in"));
        for (ProbeDepth depth : ProbeDepth.values()) {
            assertThat(probe(depth)).as("%s", depth).isInstanceOf(ProbeResult.Healthy.class);
        }
    }

    private ProbeResult probe(ProbeDepth depth) throws Exception {
        return client.probe(new ProbeRequest(
                        new NextHopAddress(new NextHop("primary.test", primary.port()), primary.address()),
                        "mx2.test",
                        depth,
                        MailDomain.of("example.test"),
                        Duration.ofSeconds(10),
                        settings(TlsPolicy.encrypt())))
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS);
    }

    @Test
    void oneSessionAuthenticatesOnce() throws Exception {
        primary.behaviour(offering("PLAIN").reply(Point.AUTH, "235 2.7.0 Come in"));
        for (int i = 0; i < 3; i++) {
            assertThat(relay()).isEqualTo(RELAYED);
        }
        assertThat(primary.connections()).isEqualTo(1);
        assertThat(primary.commands().stream().filter(line -> line.startsWith("AUTH")))
                .hasSize(1);
    }
}
