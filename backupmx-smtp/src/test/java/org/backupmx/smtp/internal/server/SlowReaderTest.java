package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that sends and does not read: its commands wait, so that its replies cannot pile up. */
class SlowReaderTest {

    private static final int ENOUGH = 100_000;
    private static final SmtpLimits LIMITS =
            SmtpLimits.builder().idleCommands(10_000_000).build();

    private final ScriptedIntake intake = new ScriptedIntake();
    private final SessionHarness session =
            new SessionHarness(intake, LIMITS, BareLineEnds.NORMALISE, null).clientReads(false);

    /** Sends as much as is read; returns how many commands that were. */
    private int sendAll(int commandsARead) {
        byte[] read = "EHLO a\r\n".repeat(commandsARead).getBytes(StandardCharsets.US_ASCII);
        int sent = 0;
        while (sent < ENOUGH && session.offer(read)) {
            sent += commandsARead;
            assertThat(session.bufferBytes() + session.pendingBytes()).isLessThanOrEqualTo(LIMITS.sessionBytes());
        }
        return sent;
    }

    private int worked() {
        return (int)
                intake.calls().stream().filter(call -> call.startsWith("ehlo")).count();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 10, 50, 400, 2048})
    void a19_clientThatReadsNothingIsWorkedForNoMore(int commandsARead) {
        int sent = sendAll(commandsARead);

        assertThat(sent).isLessThan(ENOUGH);
        assertThat(worked()).isLessThan(sent);
        // once it reads, it gets all its answers
        session.clientReads(true);
        assertThat(worked()).isEqualTo(sent);
        assertThat(session.saidLines().stream().filter(line -> line.startsWith("250 ")))
                .hasSize(sent);
        assertThat(session.pendingBytes()).isZero();
        assertThat(session.offer("NOOP\r\n".getBytes(StandardCharsets.US_ASCII)))
                .isTrue();
        assertThat(session.said()).startsWith("250 ");
        session.vanish();
        assertThat(session.bufferBytes()).isZero();
    }

    @Test
    void a2_clientThatReadsNothingIsCutAsAnIdleOneIs() {
        sendAll(10);
        session.pass(LIMITS.idleTime().plus(Duration.ofSeconds(1)));
        assertThat(session.isClosed()).isTrue();
        assertThat(session.bufferBytes()).isZero();
        assertThat(intake.openSessions()).isZero();
    }
}
