package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Row A18 and RFC 5321 section 3.1: what a client that is refused in place of the banner may take of us. */
class RefusedClientTest {

    private static final SmtpListener NO_MAIL = SessionHarness.LISTENER.acceptsMail(false);
    private static final String REFUSAL = "521 5.3.2 This host does not accept mail\r\n";
    private static final SmtpLimits FEW =
            SmtpLimits.builder().connections(2).connectionsPerClient(2).build();

    private final ScriptedIntake intake = new ScriptedIntake();
    private final SessionHarness refused = new SessionHarness(intake, FEW, BareLineEnds.NORMALISE, null, NO_MAIL);

    @AfterEach
    void nothingIsLeft() {
        refused.vanish();
        refused.checkException();
        assertThat(refused.bufferBytes()).isZero();
        assertThat(intake.openSessions()).isZero();
        assertThat(intake.breaches()).isEmpty();
    }

    @Test
    void a18_theIntakeIsNotAskedWhereNoMailIsAccepted() {
        assertThat(refused.said()).isEqualTo(REFUSAL);
        assertThat(refused.send("EHLO a\r\nQUIT\r\n").said())
                .isEqualTo("503 5.5.1 Refused, say QUIT\r\n221 2.0.0 Bye\r\n");
        assertThat(refused.isClosed()).isTrue();
        assertThat(intake.calls()).isEmpty();
    }

    @Test
    void a18_quitIsAwaitedForTenSecondsWhateverElseIsSaid() {
        refused.said();
        assertThat(refused.pass(Duration.ofSeconds(5)).send("NOOP\r\n").said()).startsWith("503 ");
        assertThat(refused.pass(Duration.ofSeconds(5)).said()).isEmpty();
        assertThat(refused.isClosed()).isFalse();
        assertThat(refused.pass(Duration.ofSeconds(1)).said()).startsWith("421 4.4.2 ");
        assertThat(refused.isClosed()).isTrue();
    }

    @Test
    void a18_theFifthOtherCommandEndsTheSession() {
        refused.said();
        for (int i = 1; i < 5; i++) {
            assertThat(refused.send("NOOP\r\n").said()).startsWith("503 5.5.1 ");
        }
        assertThat(refused.send("NOOP\r\n").said()).startsWith("421 4.7.0 ");
        assertThat(refused.isClosed()).isTrue();
    }

    @Test
    void a18_theBoundOfAllSessionsHoldsToo() {
        SessionHarness strict = new SessionHarness(
                intake, SmtpLimits.builder().badCommands(2).build(), BareLineEnds.NORMALISE, null, NO_MAIL);
        strict.said();
        assertThat(strict.send("NOOP\r\n").said()).startsWith("503 ");
        assertThat(strict.send("NOOP\r\n").said()).startsWith("421 4.7.0 ");
    }

    @Test
    void a18_aFloodIsBoundedAndTakesNoPlaceFromMail() {
        List<SessionHarness> flood = new ArrayList<>(List.of(refused));
        for (int i = 1; i < 1_000; i++) {
            flood.add(refused.again());
        }
        assertThat(flood).allSatisfy(one -> assertThat(one.said()).isEqualTo(REFUSAL));
        assertThat(flood).filteredOn(one -> !one.isClosed()).hasSize(ConnectionLimiter.MOST_REFUSED);

        SessionHarness first = refused.again(SessionHarness.LISTENER);
        SessionHarness second = refused.again(SessionHarness.LISTENER);
        assertThat(first.said()).startsWith("220 ");
        assertThat(second.said()).startsWith("220 ");
        assertThat(refused.again(SessionHarness.LISTENER).said()).startsWith("421 4.3.2 ");

        flood.get(0).send("QUIT\r\n");
        assertThat(refused.again().isClosed()).as("the one that left made room").isFalse();
        assertThat(refused.again().isClosed()).isTrue();

        refused.pass(Duration.ofSeconds(11));
        assertThat(flood).allSatisfy(one -> assertThat(one.isClosed()).isTrue());
        first.vanish();
        second.vanish();
    }

    @Test
    void a19_whomTheIntakeRefusesGivesItsPlaceUp() {
        intake.onConnect("reject");
        List<SessionHarness> some = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            some.add(refused.again(SessionHarness.LISTENER));
            assertThat(some.get(i).said()).startsWith("554 5.7.1 ");
        }
        intake.onConnect("");
        SessionHarness good = refused.again(SessionHarness.LISTENER);
        assertThat(good.said()).startsWith("220 ");
        good.vanish();
        some.forEach(SessionHarness::vanish);
    }

    @Test
    void a18_aServerThatStopsDoesNotWaitForQuit() {
        refused.said();
        refused.loop().drain();
        assertThat(refused.said()).startsWith("421 4.3.0 ");
        assertThat(refused.isClosed()).isTrue();
        assertThat(refused.loop().emptied()).isCompleted();
    }
}
