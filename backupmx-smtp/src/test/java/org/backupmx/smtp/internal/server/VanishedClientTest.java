package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.testing.RelayEngine;
import org.backupmx.smtp.testing.SessionHarness;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.InMemorySpool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that go away, at each instant of a message, with the real engine behind: what is stored is whole, and what was
 * answered with 250 is stored; a 250 that is lost leaves its message queued.
 */
class VanishedClientTest {

    private static final String BEGIN =
            "EHLO a\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<u@ours.test>\r\nRCPT TO:<v@a.sub.test>\r\n";
    private static final String MESSAGE = "DATA\r\nSubject: x\r\n\r\nline\r\n..dot\r\n.\r\n";
    private static final List<String> STORED =
            List.of("a@sender.test -> u@ours.test, v@a.sub.test: \"Subject: x\\r\\n\\r\\nline\\r\\n.dot\\r\\n\"");

    private static SessionHarness connect(RelayEngine engine) {
        return new SessionHarness(engine.intake(), SmtpLimits.defaults(), BareLineEnds.NORMALISE, null);
    }

    private static void finish(RelayEngine engine, SessionHarness session) {
        while (engine.answer()) {
            session.runTasks();
        }
        session.runTasks();
        session.checkException();
        assertThat(session.bufferBytes()).isZero();
    }

    private static void assertQueuedWhole(RelayEngine engine) {
        assertThat(engine.stored()).isEqualTo(STORED);
        assertThat(engine.relayed())
                .extracting(Object::toString)
                .containsExactlyInAnyOrder("u@ours.test", "v@a.sub.test");
        assertThat(engine.stored()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void clientThatVanishesBehindAnyOctetLeavesNothing(boolean workers) {
        byte[] octets = (BEGIN + MESSAGE).getBytes(StandardCharsets.US_ASCII);
        for (int sent = 0; sent < octets.length; sent++) {
            RelayEngine engine = new RelayEngine(workers);
            SessionHarness session = connect(engine).send(octets, 0, sent);
            if (sent % 2 == 0) {
                while (engine.answer()) {
                    session.runTasks();
                }
            }
            session.vanish();
            finish(engine, session);
            assertThat(engine.stored()).as("after " + sent + " octets").isEmpty();
        }
    }

    /** The last octet is there; the workers have come so far and no further when the client goes. */
    @Test
    void clientThatVanishesBetweenTheStepsOfItsMessageLeavesItWholeOrNotAtAll() {
        boolean left = false;
        boolean taken = false;
        for (int steps = 0; steps < 12; steps++) {
            RelayEngine engine = new RelayEngine(true);
            SessionHarness session = connect(engine).send(BEGIN + MESSAGE);
            for (int step = 0; step < steps && engine.answer(); step++) {
                session.runTasks();
            }
            boolean accepted = session.said().contains("250 2.0.0 Queued");
            session.vanish();
            finish(engine, session);
            boolean stored = !engine.stored().isEmpty();
            assertThat(stored || !accepted)
                    .as("250 and nothing stored, after " + steps)
                    .isTrue();
            if (stored) {
                assertQueuedWhole(engine);
            }
            left |= !stored;
            taken |= stored;
        }
        assertThat(left && taken).as("both were seen").isTrue();
    }

    @Test
    void clientThatVanishesDuringTheCommitLosesA250AndNoMessage() {
        RelayEngine engine = new RelayEngine(false);
        engine.spool().stallCommits();
        SessionHarness session = connect(engine).send(BEGIN + MESSAGE);
        assertThat(session.said()).doesNotContain("Queued");
        assertThat(engine.stored()).isEmpty();
        session.vanish();
        engine.spool().resumeCommits();
        finish(engine, session);
        assertThat(session.said()).isEmpty();
        assertQueuedWhole(engine);
    }

    @Test
    void clientThatVanishesBetweenCommitAndReplyLosesA250AndNoMessage() {
        RelayEngine engine = new RelayEngine(false);
        engine.spool().stallCommits();
        SessionHarness session = connect(engine).send(BEGIN + MESSAGE);
        session.said();
        engine.spool().resumeCommits();
        // durable, and the event loop has not heard of it
        assertThat(engine.stored()).isEqualTo(STORED);
        session.vanish();
        finish(engine, session);
        assertQueuedWhole(engine);
    }

    @Test
    void commitThatPowerLossEndsWasNeverAnswered() {
        RelayEngine engine = new RelayEngine(false);
        engine.spool().stallCommits();
        SessionHarness session = connect(engine).send(BEGIN + MESSAGE);
        InMemorySpool after = engine.spool().crash();
        session.runTasks();
        assertThat(session.said()).doesNotContain("Queued");
        assertThat(after.health().isAccepting()).isTrue();
        int[] entries = new int[1];
        try {
            after.scan(entry -> entries[0]++);
        } catch (SpoolException e) {
            throw new AssertionError(e);
        }
        assertThat(entries[0]).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"BEGIN", "WRITE", "COMMIT"})
    void faultBeforeTheCommitIsA451AndNothingIsStored(InMemorySpool.Call call) {
        for (boolean workers : new boolean[] {false, true}) {
            RelayEngine engine = new RelayEngine(workers);
            engine.spool().failNext(call, new SpoolUnavailableException("scripted"));
            SessionHarness session = connect(engine).send(BEGIN + MESSAGE + "QUIT\r\n");
            while (engine.answer()) {
                session.runTasks();
            }
            assertThat(session.saidLines()).endsWith("221 2.0.0 Bye").anyMatch(line -> line.startsWith("451 4.3.0 "));
            assertThat(engine.stored()).isEmpty();
            session.vanish();
            finish(engine, session);
        }
    }

    /** What is pipelined behind a message waits for it, and is answered in its order. */
    @Test
    void commandsBehindAMessageThatIsBeingCommittedKeepTheirOrder() {
        RelayEngine engine = new RelayEngine(false);
        engine.spool().stallCommits();
        SessionHarness session = connect(engine).send(BEGIN + MESSAGE);
        session.said();
        session.send("VRFY x\r\nHELP\r\n").send("NOOP\r\n");
        assertThat(session.said()).isEmpty();
        engine.spool().resumeCommits();
        session.runTasks();
        assertThat(session.saidLines().stream().map(line -> line.substring(0, 3)))
                .containsExactly("250", "252", "214", "250");
        session.vanish();
        finish(engine, session);
        assertQueuedWhole(engine);
    }
}
