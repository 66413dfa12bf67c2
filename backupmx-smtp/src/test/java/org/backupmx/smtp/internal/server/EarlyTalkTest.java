package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.EarlyTalkers;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Row B10: the pause before the banner, and clients that talk before their turn. */
class EarlyTalkTest {

    private static final String HELLO = "EHLO client.example.org\r\n";
    private static final String ENVELOPE = "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.net>\r\n";
    private static final String REFUSED = "554 5.5.1 You talk before your turn\r\n";
    private static final String NOT_HEARD = "503 5.5.1 Refused, say QUIT\r\n";
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final SmtpLimits PAUSE =
            SmtpLimits.builder().greetPause(Duration.ofSeconds(3)).build();
    private static final SmtpLimits STRICT =
            SmtpLimits.builder().earlyTalkers(EarlyTalkers.REJECT).build();

    private final ScriptedIntake intake = new ScriptedIntake();

    @AfterEach
    void portIsKept() {
        assertThat(intake.breaches()).isEmpty();
    }

    private SessionHarness connect(SmtpLimits limits) {
        return new SessionHarness(intake, limits, BareLineEnds.NORMALISE, null);
    }

    @Test
    void b10_newClientWaitsForTheBanner() {
        SessionHarness session = connect(PAUSE);
        assertThat(session.said()).isEmpty();
        session.pass(SECOND);
        assertThat(session.pass(SECOND).said()).isEmpty();
        assertThat(session.pass(SECOND).said()).startsWith("220 mx2.example.net");
        assertThat(session.send(HELLO).said()).startsWith("250-");
    }

    @Test
    void b10_clientThatTalksBeforeTheBannerIsSentAway() {
        SessionHarness session = connect(PAUSE).send(HELLO);
        assertThat(session.pass(SECOND).said()).isEmpty();
        assertThat(session.pass(SECOND.multipliedBy(2)).said()).isEqualTo(REFUSED + NOT_HEARD);
        assertThat(intake.openSessions()).isZero();
        assertThat(session.send("QUIT\r\n").said()).isEqualTo("221 2.0.0 Bye\r\n");
        assertThat(session.isClosed()).isTrue();
        assertThat(session.bufferBytes()).isZero();
        assertThat(session.again().said()).as("it is still new").isEmpty();
    }

    @Test
    void b10_goodClientIsGreetedAtOnceForADay() {
        SessionHarness first = connect(PAUSE).pass(SECOND.multipliedBy(3));
        first.vanish();
        SessionHarness second = first.again();
        assertThat(second.said()).startsWith("220 ");
        second.vanish();
        SessionHarness later = second.pass(Duration.ofDays(1)).again();
        assertThat(later.said()).isEmpty();
    }

    @Test
    void b10_goodClientThatTalksEarlyIsNewAgain() {
        SessionHarness first = connect(PAUSE).pass(SECOND.multipliedBy(3));
        SessionHarness second = first.again().send(HELLO + ENVELOPE);
        assertThat(second.said()).contains("220 ").endsWith("554 5.5.1 You talk before your turn\r\n");
        assertThat(second.isClosed()).isTrue();
        assertThat(first.again().said()).isEmpty();
    }

    @Test
    void b10_earlyTalkIsHeardWhereItIsIgnored() {
        SessionHarness session = connect(SmtpLimits.builder()
                        .greetPause(Duration.ofSeconds(3))
                        .earlyTalkers(EarlyTalkers.IGNORE)
                        .build())
                .send(HELLO + ENVELOPE + "DATA\r\nx\r\n.\r\n");
        assertThat(session.said()).isEmpty();
        assertThat(session.pass(SECOND.multipliedBy(3)).said())
                .startsWith("220 ")
                .endsWith("250 2.0.0 Queued\r\n");
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void b10_noGroupMayGoOnBehindHeloOrEhlo() {
        for (String hello : new String[] {HELLO, "HELO client.example.org\r\n"}) {
            SessionHarness session = connect(STRICT);
            session.said();
            assertThat(session.send(hello + ENVELOPE).said()).startsWith("554 5.5.1");
            assertThat(session.isClosed()).isTrue();
        }
        assertThat(intake.calls()).doesNotContain("mail <alice@example.org>");
    }

    @Test
    void b10_mailDataMayNotComeBefore354() {
        SessionHarness session = connect(STRICT).send(HELLO);
        session.said();
        session.send(ENVELOPE + "DATA\r\nx\r\n.\r\n");
        assertThat(session.said()).endsWith("250 2.1.5 Recipient ok\r\n554 5.5.1 You talk before your turn\r\n");
        assertThat(intake.messages()).isEmpty();
        assertThat(session.isClosed()).isTrue();
    }

    @Test
    void b10_lawfulPipeliningIsWelcome() {
        SessionHarness session = connect(STRICT).send(HELLO);
        session.send(ENVELOPE + "DATA\r\n");
        session.send("x\r\n.\r\n" + ENVELOPE + "BDAT 3 LAST\r\nx\r\nQUIT\r\n");
        assertThat(session.said()).endsWith("221 2.0.0 Bye\r\n");
        assertThat(intake.messages()).hasSize(2);
    }

    @Test
    void b10_clientThatVanishesInThePauseLeavesNothing() {
        SessionHarness session = connect(PAUSE).send(HELLO);
        session.vanish();
        session.runTasks();
        assertThat(intake.openSessions()).isZero();
        assertThat(session.bufferBytes()).isZero();
        session.loop().drain();
        assertThat(session.loop().emptied()).isCompleted();
    }

    @Test
    void b10_serverThatStopsDoesNotWaitForPauses() {
        SessionHarness session = connect(PAUSE);
        session.loop().cut();
        session.runTasks();
        assertThat(session.isClosed()).isTrue();
        assertThat(session.loop().emptied()).isCompleted();
    }

    @Test
    void b10_goodClientsAreBounded() {
        GoodClients clients = new GoodClients();
        for (long client = 0; client < GoodClients.MOST; client++) {
            clients.add(client, 0);
        }
        assertThat(clients.contains(0L, 0)).isTrue(); // and so it is the one seen last
        clients.add(-1L, 0);
        assertThat(clients.contains(0L, 0)).isTrue();
        assertThat(clients.contains(1L, 0)).isFalse();
        assertThat(clients.contains(-1L, 0)).isTrue();
    }

    @Test
    void b10_earlyTalkersAreHeardUnlessThereIsAPause() {
        assertThat(SmtpLimits.defaults().greetPause()).isEqualTo(Duration.ZERO);
        assertThat(SmtpLimits.defaults().earlyTalkers()).isEqualTo(EarlyTalkers.IGNORE);
        assertThat(PAUSE.earlyTalkers()).isEqualTo(EarlyTalkers.REJECT);
        assertThatThrownBy(() -> SmtpLimits.builder().greetPause(Duration.ofSeconds(7)))
                .hasMessage("greetPause: PT7S (expected: PT0S to PT6S)");
    }

    @Test
    void b10_clientBehindAProxyIsJudgedByItsOwnOctets() {
        String header = "PROXY TCP4 203.0.113.9 192.0.2.25 4000 25\r\n";
        assertThat(behindProxy(SmtpLimits.defaults()).send(header + HELLO).said())
                .startsWith("220 ")
                .contains("\r\n250-");
        assertThat(behindProxy(STRICT).send(header).send(HELLO).said()).startsWith("220 ");
        assertThat(behindProxy(PAUSE)
                        .send(header + HELLO)
                        .pass(SECOND.multipliedBy(3))
                        .said())
                .isEqualTo(REFUSED + NOT_HEARD);

        SessionHarness waiting = behindProxy(PAUSE).send(header);
        assertThat(waiting.pass(SECOND.multipliedBy(3)).said()).startsWith("220 ");
        waiting.vanish();
        assertThat(waiting.again().send(header).said()).as("good by now").startsWith("220 ");
        assertThat(waiting.again().send(header.replace(".9 ", ".10 ")).said())
                .as("another client of the same proxy")
                .isEmpty();
    }

    private SessionHarness behindProxy(SmtpLimits limits) {
        return new SessionHarness(intake, limits, BareLineEnds.NORMALISE, null, SessionHarness.BEHIND_PROXY);
    }

    @Test
    void b10_whomXclientNamesIsNotJudged() {
        SmtpLimits both = SmtpLimits.builder()
                .greetPause(Duration.ofSeconds(3))
                .earlyTalkers(EarlyTalkers.REJECT)
                .build();
        SmtpListener trusting = SmtpListener.at(SessionHarness.SERVER).xclientNetworks(IpNetwork.of("192.0.2.1"));
        SessionHarness session = new SessionHarness(intake, both, BareLineEnds.NORMALISE, null, trusting);
        session.pass(SECOND.multipliedBy(3)).send(HELLO).said();
        assertThat(session.send("XCLIENT ADDR=203.0.113.9\r\n" + HELLO + ENVELOPE)
                        .said())
                .startsWith("220 ")
                .endsWith("250 2.1.5 Recipient ok\r\n");
    }
}
