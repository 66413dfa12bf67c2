package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

/** Rows N1 and N2: what happens around STARTTLS, before there is TLS. */
class StartTlsTest {

    private static final SslContext TLS = tls();
    private static final byte[] INJECTED = String.join(
                    "\r\n",
                    "STARTTLS",
                    "MAIL FROM:<evil@example.org>",
                    "RCPT TO:<bob@example.net>",
                    "DATA",
                    "evil",
                    ".",
                    "")
            .getBytes(StandardCharsets.US_ASCII);

    private final ScriptedIntake intake = new ScriptedIntake();
    private final SessionHarness session =
            new SessionHarness(intake, SmtpLimits.defaults(), BareLineEnds.NORMALISE, TLS);

    private static SslContext tls() {
        try {
            X509Bundle bundle = new CertificateBuilder()
                    .subject("CN=mx2.example.net")
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned();
            return SslContextBuilder.forServer(bundle.toKeyManagerFactory()).build();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private void ehlo() {
        session.send("EHLO client.example.org\r\n");
        assertThat(session.said()).contains("STARTTLS");
    }

    @Test
    void n2_octetsAfterStartTlsAreNeverHeardHoweverTheyAreCut() {
        for (int cut = 0; cut <= INJECTED.length; cut++) {
            for (boolean slow : new boolean[] {false, true}) {
                ScriptedIntake asked = new ScriptedIntake();
                SessionHarness attacked = new SessionHarness(asked, SmtpLimits.defaults(), BareLineEnds.NORMALISE, TLS);
                if (slow) {
                    // what follows EHLO is read ahead of its answer
                    asked.answersLater();
                }
                attacked.send("EHLO a\r\n");
                attacked.said();
                attacked.send(INJECTED, 0, cut).send(INJECTED, cut, INJECTED.length);
                while (asked.answer()) {
                    attacked.runTasks();
                }
                List<String> said = attacked.saidLines().stream()
                        .filter(line -> !line.startsWith("250"))
                        .toList();
                // cut right after the line, the octets come to the handshake, which they are not
                assertThat(said.get(0))
                        .as("cut at %s, slow %s", cut, slow)
                        .startsWith(cut == "STARTTLS\r\n".length() && !slow ? "220 2.0.0" : "501 5.5.1");
                assertThat(said).as("cut at %s", cut).hasSize(1);
                assertThat(attacked.isClosed()).isTrue();
                attacked.vanish();
                assertThat(asked.calls()).noneMatch(call -> call.startsWith("mail"));
                assertThat(asked.messages()).isEmpty();
                assertThat(asked.openSessions()).isZero();
                assertThat(attacked.bufferBytes()).isZero();
            }
        }
    }

    @Test
    void n2_repliesThatWaitLeaveBeforeTheHandshake() {
        session.send("EHLO a\r\nNOOP\r\nNOOP\r\nSTARTTLS\r\n");
        assertThat(session.saidLines())
                .filteredOn(line -> !line.startsWith("250-"))
                .containsExactly(
                        "220 mx2.example.net ESMTP",
                        "250 STARTTLS",
                        "250 2.0.0 OK",
                        "250 2.0.0 OK",
                        "220 2.0.0 Ready to start TLS");
        assertThat(session.isClosed()).isFalse();
    }

    @Test
    void n2_notInATransactionAndNotBeforeEhlo() {
        session.said();
        session.send("STARTTLS\r\n");
        assertThat(session.said()).startsWith("503 5.5.1");
        ehlo();
        session.send("MAIL FROM:<a@example.org>\r\nSTARTTLS\r\n");
        assertThat(session.saidLines().get(1)).startsWith("503 5.5.1");
        session.send("RSET\r\nSTARTTLS\r\n");
        assertThat(session.saidLines().get(1)).startsWith("220 2.0.0");
    }

    @Test
    void n1_aHandshakeHasItsTimeHoweverItsOctetsCome() throws Exception {
        ehlo();
        session.send("STARTTLS\r\n");
        session.said();
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.INFO)) {
            byte[] record = {0x16, 3, 1, 2, 0, 1};
            for (int second = 0; second < 30; second += 6) {
                session.send(record, second / 6, second / 6 + 1).pass(Duration.ofSeconds(6));
                assertThat(session.isClosed()).isFalse();
            }
            session.pass(Duration.ofSeconds(1));
            assertThat(session.isClosed()).isTrue();
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .contains("INFO", "192.0.2.1", "not done in PT30S", "TLS handshake failed");
        }
        session.vanish();
        assertThat(intake.openSessions()).isZero();
        assertThat(session.bufferBytes()).isZero();
    }

    @Test
    void n1_aFailedHandshakeIsOneLine() throws Exception {
        ehlo();
        session.send("STARTTLS\r\n");
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.INFO)) {
            session.send("NOOP\r\n");
            session.vanish();
            assertThat(log.lines()).singleElement().asString().contains("INFO", "192.0.2.1", "TLS handshake failed");
        }
    }

    @Test
    void n1_aClientThatLeavesDuringItsHandshakeIsOneLine() throws Exception {
        ehlo();
        session.send("STARTTLS\r\n");
        try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.INFO)) {
            session.vanish();
            assertThat(log.lines()).singleElement().asString().contains("connection closed", "TLS handshake failed");
        }
        assertThat(intake.openSessions()).isZero();
    }
}
