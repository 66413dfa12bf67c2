package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Time, vanishing clients, order of commands, and noise. */
class SmtpServerSessionTest {

    private static final String HELLO = "EHLO client.example.org\r\n";
    private static final String MAIL = "MAIL FROM:<alice@example.org>\r\n";
    private static final String RCPT = "RCPT TO:<bob@example.net>\r\n";

    // ---- A1: command x state ----

    private static final Map<String, String> STATES = new LinkedHashMap<>();
    private static final Map<String, List<String>> COMMANDS = new LinkedHashMap<>();

    static {
        STATES.put("greeted", "");
        STATES.put("ready", HELLO);
        STATES.put("mail", HELLO + MAIL);
        STATES.put("rcpt", HELLO + MAIL + RCPT);
        STATES.put("reset", HELLO + MAIL + RCPT + "RSET\r\n");
        STATES.put("after a message", HELLO + MAIL + RCPT + "DATA\r\nx\r\n.\r\n");
        // command to the reply in each of the states above
        COMMANDS.put("HELO a", List.of("250 mx2", "250 mx2", "250 mx2", "250 mx2", "250 mx2", "250 mx2"));
        COMMANDS.put("EHLO a", List.of("250-mx2", "250-mx2", "250-mx2", "250-mx2", "250-mx2", "250-mx2"));
        COMMANDS.put(
                "MAIL FROM:<>", List.of("503 5.5.1", "250 2.1.0", "503 5.5.1", "503 5.5.1", "250 2.1.0", "250 2.1.0"));
        COMMANDS.put(
                "RCPT TO:<c@example.net>",
                List.of("503 5.5.1", "503 5.5.1", "250 2.1.5", "250 2.1.5", "503 5.5.1", "503 5.5.1"));
        COMMANDS.put("DATA", List.of("503 5.5.1", "503 5.5.1", "503 5.5.1", "354 ", "503 5.5.1", "503 5.5.1"));
        for (String command : List.of("RSET", "NOOP", "NOOP x")) {
            COMMANDS.put(
                    command, List.of("250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0"));
        }
        COMMANDS.put(
                "ETRN example.net",
                List.of("503 5.5.1", "250 2.0.0", "503 5.5.1", "503 5.5.1", "250 2.0.0", "250 2.0.0"));
        COMMANDS.put("ETRN", List.of("503 5.5.1", "501 5.5.4", "503 5.5.1", "503 5.5.1", "501 5.5.4", "501 5.5.4"));
        everywhere("VRFY x", "252 2.0.0");
        everywhere("EXPN x", "502 5.5.1");
        everywhere("HELP", "214 2.0.0");
        everywhere("QUIT", "221 2.0.0");
        everywhere("STARTTLS", "502 5.5.1");
        COMMANDS.put(
                "BDAT 0", List.of("503 5.5.1", "503 5.5.1", "503 5.5.1", "250 2.0.0 Chunk", "503 5.5.1", "503 5.5.1"));
        COMMANDS.put(
                "BDAT 0 LAST",
                List.of("503 5.5.1", "503 5.5.1", "503 5.5.1", "250 2.0.0 Queued", "503 5.5.1", "503 5.5.1"));
        everywhere("", "500 5.5.2");
        for (String bare :
                List.of("HELO", "EHLO", "VRFY", "RSET x", "QUIT x", "DATA x", "BDAT", "BDAT x", "BDAT 0 LASTLY")) {
            everywhere(bare, "501 5.5.4");
        }
        everywhere("FOO BAR", "500 5.5.2");
        COMMANDS.put(
                "MAIL FROM:a", List.of("503 5.5.1", "501 5.1.7", "503 5.5.1", "503 5.5.1", "501 5.1.7", "501 5.1.7"));
        COMMANDS.put(
                "RCPT TO:a", List.of("503 5.5.1", "503 5.5.1", "501 5.1.3", "501 5.1.3", "503 5.5.1", "503 5.5.1"));
    }

    private static void everywhere(String command, String reply) {
        COMMANDS.put(command, List.of(reply, reply, reply, reply, reply, reply));
    }

    static Stream<Arguments> commandsInStates() {
        return COMMANDS.entrySet().stream().flatMap(command -> {
            List<String> states = List.copyOf(STATES.keySet());
            return states.stream()
                    .map(state -> Arguments.of(
                            state, command.getKey(), command.getValue().get(states.indexOf(state))));
        });
    }

    @ParameterizedTest
    @MethodSource("commandsInStates")
    void a1_everyCommandInEveryState(String state, String command, String reply) {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(STATES.get(state));
        session.said();
        assertThat(session.send(command + "\r\n").said()).startsWith(reply);
        session.vanish();
        assertThat(intake.breaches()).isEmpty();
        assertThat(session.bufferBytes()).isZero();
    }

    // ---- A2: time ----

    @Test
    void a2_idleClientIsCut() {
        SessionHarness session = new SessionHarness(new ScriptedIntake());
        session.said();
        assertThat(session.pass(Duration.ofMinutes(5)).said()).isEmpty();
        assertThat(session.pass(Duration.ofSeconds(1)).said()).startsWith("421 4.4.2");
        assertThat(session.isClosed()).isTrue();
    }

    @Test
    void a2_commandOfAnOctetAMinuteIsCut() {
        SessionHarness session = new SessionHarness(new ScriptedIntake());
        int minutes = 0;
        for (; !session.isClosed() && minutes < 20; minutes++) {
            session.send("E").pass(Duration.ofMinutes(1));
        }
        assertThat(minutes).isLessThanOrEqualTo(10);
        assertThat(session.said()).contains("421 4.4.2");
    }

    @Test
    void a2_mailDataOfAnOctetAMinuteIsCut() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "DATA\r\n");
        session.said();
        int minutes = 0;
        for (; !session.isClosed() && minutes < 20; minutes++) {
            session.send("x").pass(Duration.ofMinutes(1));
        }
        assertThat(minutes).isLessThanOrEqualTo(10);
        assertThat(intake.abandoned()).isEqualTo(1);
        assertThat(intake.messages()).isEmpty();
        assertThat(session.bufferBytes()).isLessThan(1000); // the 421 is still to be read
    }

    @Test
    void a2_slowButSteadyMailDataIsTaken() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "DATA\r\n");
        for (int minute = 0; minute < 50; minute++) {
            session.send("x".repeat(1500) + "\r\n").pass(Duration.ofMinutes(1));
        }
        session.send(".\r\n");
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void a2_sessionHasAnEnd() {
        SessionHarness session = new SessionHarness(new ScriptedIntake());
        for (int minute = 0; minute < 60; minute++) {
            session.send("NOOP\r\n").pass(Duration.ofMinutes(1));
            assertThat(session.isClosed()).isFalse();
        }
        session.send("NOOP\r\n").pass(Duration.ofMinutes(1));
        assertThat(session.said()).endsWith("421 4.4.2 Session too long, connect again\r\n");
        assertThat(session.isClosed()).isTrue();
    }

    @Test
    void a2_sessionEndsWithinMailDataToo() {
        for (String data : List.of("DATA\r\n", "BDAT 900000 LAST\r\n")) {
            ScriptedIntake intake = new ScriptedIntake();
            SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + data);
            int minutes = 0;
            for (; !session.isClosed() && minutes < 90; minutes++) {
                session.send("x".repeat(1500) + "\r\n").pass(Duration.ofMinutes(1));
            }
            assertThat(minutes).isEqualTo(61);
            assertThat(session.said()).endsWith("421 4.4.2 Session too long, connect again\r\n");
            assertThat(intake.abandoned()).isEqualTo(1);
        }
    }

    // ---- A2: sizes ----

    private static final String LABEL = "d".repeat(63);

    static Stream<Arguments> pathsAtTheirBounds() {
        String local = "l".repeat(64);
        // <a@ and > leave 252 octets for the domain
        String domain = LABEL + "." + LABEL + "." + LABEL + "." + "d".repeat(60);
        return Stream.of(
                Arguments.of(local + "@example.net", true),
                Arguments.of("l" + local + "@example.net", false),
                Arguments.of("a@" + domain, true),
                Arguments.of("ab@" + domain, false),
                Arguments.of("a@" + domain + "d", false),
                Arguments.of("a@" + LABEL + "d.example.net", false),
                Arguments.of("a@" + LABEL + "." + domain, false));
    }

    @ParameterizedTest
    @MethodSource("pathsAtTheirBounds")
    void a2_pathsOverTheirBoundsAre501(String path, boolean taken) {
        SessionHarness session = new SessionHarness(new ScriptedIntake()).send(HELLO);
        session.said();
        assertThat(session.send("MAIL FROM:<" + path + ">\r\n").said()).startsWith(taken ? "250 2.1.0" : "501 5.1.7");
        session.send("RSET\r\n" + MAIL).said();
        assertThat(session.send("RCPT TO:<" + path + ">\r\n").said()).startsWith(taken ? "250 2.1.5" : "501 5.1.3");
    }

    @Test
    void a2_commandLineOf2048OctetsIsTakenAndOneMoreIs500() {
        SessionHarness session = new SessionHarness(new ScriptedIntake()).send(HELLO);
        session.said();
        for (int octets : List.of(512, 513, 2048)) {
            assertThat(session.send("NOOP " + "x".repeat(octets - 7) + "\r\n").said())
                    .startsWith("250 2.0.0");
        }
        assertThat(session.send("NOOP " + "x".repeat(2049 - 7) + "\r\n").said()).startsWith("500 5.5.2");
        assertThat(session.send("NOOP\r\n").said()).startsWith("250 2.0.0");
    }

    @Test
    void a2_recipientsOverTheBoundAre452AndTheOthersGetTheMessage() {
        ScriptedIntake intake = new ScriptedIntake().maxRecipients(100);
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL);
        session.said();
        for (int i = 1; i <= 100; i++) {
            assertThat(session.send("RCPT TO:<b" + i + "@example.net>\r\n").said())
                    .startsWith("250 2.1.5");
        }
        assertThat(session.send("RCPT TO:<b101@example.net>\r\n").said()).startsWith("452 4.5.3");
        session.send("DATA\r\nx\r\n.\r\n");
        assertThat(intake.messages())
                .singleElement()
                .satisfies(message -> assertThat(message.forwardPaths()).hasSize(100));
    }

    @ParameterizedTest
    @ValueSource(ints = {998, 999, 65_536, 1 << 20, (1 << 20) + 1})
    void a2_textLinesAreTakenToOneMebibyte(int octets) {
        ScriptedIntake intake = new ScriptedIntake().maxMessageBytes(5_000_000);
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "DATA\r\n");
        session.said();
        String line = "x".repeat(octets) + "\r\n";
        for (int from = 0; from < line.length(); from += 16_384) {
            session.send(line.substring(from, Math.min(line.length(), from + 16_384)));
        }
        session.send(".\r\n");
        if (octets <= 1 << 20) {
            assertThat(session.said()).startsWith("250 2.0.0");
            assertThat(intake.messages().get(0).mailData()).isEqualTo(line);
        } else {
            assertThat(session.said()).startsWith("554 5.6.0");
        }
    }

    // ---- answers that take time ----

    @Test
    void answerThatIsWorkedOnOutlastsTheIdleTime() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "DATA\r\n");
        intake.answersLater();
        session.send("x\r\n.\r\n");
        session.pass(Duration.ofMinutes(9));
        assertThat(session.isClosed()).isFalse();
        while (intake.answer()) {
            session.runTasks();
        }
        assertThat(session.said()).endsWith("250 2.0.0 Queued\r\n");
    }

    @Test
    void answerThatNeverComesEndsTheSession() {
        ScriptedIntake intake = new ScriptedIntake().answersLater();
        SessionHarness session = new SessionHarness(intake);
        session.pass(Duration.ofMinutes(11));
        assertThat(session.said()).startsWith("421 4.3.0");
        assertThat(session.isClosed()).isTrue();
        // and when it comes after all, the session is closed as it must be
        while (intake.answer()) {
            session.runTasks();
        }
        assertThat(intake.openSessions()).isZero();
        assertThat(intake.breaches()).isEmpty();
    }

    // ---- A4: chunks ----

    @Test
    void a4_chunkIsAnsweredOnceTheSinkTookItAndTheLastOnceItIsCommitted() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT);
        session.said();
        intake.answersLater();
        session.send("BDAT 5\r\nabcdeBDAT 2 LAST\r\n\r\n");
        List<String> asked = List.of("data", "write", "write", "finish");
        for (int answered = 0; answered < asked.size(); answered++) {
            assertThat(intake.calls()).endsWith(asked.get(answered));
            assertThat(session.said()).isEqualTo(answered == 2 ? "250 2.0.0 Chunk taken\r\n" : "");
            assertThat(intake.answer()).isTrue();
            session.runTasks();
        }
        assertThat(session.said()).isEqualTo("250 2.0.0 Queued\r\n");
        assertThat(intake.messages()).hasSize(1);
        assertThat(intake.breaches()).isEmpty();
    }

    @Test
    void a4_chunkOfAnOctetAMinuteIsCut() {
        for (String chunk : List.of(HELLO + MAIL + RCPT + "BDAT 1000 LAST\r\n", "BDAT 1000\r\n")) {
            ScriptedIntake intake = new ScriptedIntake();
            SessionHarness session = new SessionHarness(intake).send(chunk);
            int minutes = 0;
            for (; !session.isClosed() && minutes < 20; minutes++) {
                session.send("x").pass(Duration.ofMinutes(1));
            }
            assertThat(minutes).isLessThanOrEqualTo(10);
            assertThat(session.said()).endsWith("421 4.4.2 Timeout\r\n");
            assertThat(intake.messages()).isEmpty();
        }
    }

    @Test
    void a4_slowButSteadyChunkIsTaken() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "BDAT 75100 LAST\r\n");
        for (int minute = 0; minute < 50; minute++) {
            session.send("x".repeat(1500) + "\r\n").pass(Duration.ofMinutes(1));
        }
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void a4_clientThatVanishesBeforeEachAnswerLeavesNothing() {
        for (int answered = 0; answered < 10; answered++) {
            ScriptedIntake intake = new ScriptedIntake().answersLater();
            SessionHarness session =
                    new SessionHarness(intake).send(HELLO + MAIL + RCPT + "BDAT 1\r\nxBDAT 1 LAST\r\ny");
            for (int i = 0; i < answered; i++) {
                intake.answer();
                session.runTasks();
            }
            session.said();
            session.vanish();
            while (intake.answer()) {
                session.runTasks();
            }
            assertThat(session.said()).isEmpty();
            assertThat(intake.breaches()).as("after answer " + answered).isEmpty();
            assertThat(intake.openSessions()).isZero();
            // the eighth answer is the end of the message: asked before the client left, so it may stay
            assertThat(intake.messages()).as("after answer " + answered).hasSize(answered >= 7 ? 1 : 0);
            assertThat(session.bufferBytes()).isZero();
        }
    }

    @Test
    void a4_drainingLetsChunksEnd() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "BDAT 2\r\na");
        session.loop().drain();
        session.said();
        session.send("bBDAT 1 LAST\r\nc" + MAIL);
        assertThat(session.saidLines()).element(1).isEqualTo("250 2.0.0 Queued");
        assertThat(session.isClosed()).isTrue();
        assertThat(intake.messages()).hasSize(1);
    }

    @Test
    void a1_ehloNamesEveryExtension() {
        SessionHarness session = new SessionHarness(new ScriptedIntake());
        session.said();
        assertThat(session.send(HELLO).saidLines())
                .containsExactly(
                        "250-mx2.example.net",
                        "250-PIPELINING",
                        "250-SIZE 1000000",
                        "250-8BITMIME",
                        "250-SMTPUTF8",
                        "250-ENHANCEDSTATUSCODES",
                        "250-DSN",
                        "250-CHUNKING",
                        "250-ETRN",
                        "250 LIMITS MAILMAX=999999 RCPTMAX=100");
    }

    // ---- what the intake is told ----

    @Test
    void notifyAndOrcptReachTheIntake() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake)
                .send(HELLO + MAIL
                        + "RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2B1@example.net\r\n"
                        + "RCPT TO:<carol@example.net> notify=never\r\n"
                        + "RCPT TO:<dave@example.net>\r\n"
                        + "RCPT TO:<eve@example.net> NOTIFY=NEVER,DELAY\r\n");
        assertThat(session.saidLines()).last().asString().startsWith("501 5.5.4");
        assertThat(intake.recipients())
                .containsExactly(
                        Recipient.of(ForwardPath.parse("bob@example.net"))
                                .withNotify(Set.of(Notify.SUCCESS, Notify.DELAY))
                                .withOrcpt("rfc822;Bob+2B1@example.net"),
                        Recipient.of(ForwardPath.parse("carol@example.net")).withNotify(Set.of(Notify.NEVER)),
                        Recipient.of(ForwardPath.parse("dave@example.net")));
    }

    // ---- clients that vanish ----

    @Test
    void clientThatVanishesBeforeEachAnswerLeavesNothing() {
        String dialogue = HELLO + MAIL + RCPT + "DATA\r\nx\r\n.\r\n";
        for (int answered = 0; answered < 8; answered++) {
            ScriptedIntake intake = new ScriptedIntake().answersLater();
            SessionHarness session = new SessionHarness(intake).send(dialogue);
            for (int i = 0; i < answered; i++) {
                assertThat(intake.answer()).isTrue();
                session.runTasks();
            }
            session.said();
            session.vanish();
            while (intake.answer()) {
                session.runTasks();
            }
            assertThat(session.said()).isEmpty();
            assertThat(intake.breaches()).as("after answer " + answered).isEmpty();
            assertThat(intake.openSessions()).isZero();
            // the seventh answer is the end of mail data: asked before the client left, so the message may stay
            assertThat(intake.messages()).hasSize(answered >= 6 ? 1 : 0);
            assertThat(session.bufferBytes()).isZero();
        }
    }

    @Test
    void clientThatVanishesWithinMailDataIsAbandonedOnce() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "DATA\r\nhalf");
        session.vanish();
        assertThat(intake.abandoned()).isEqualTo(1);
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.calls()).endsWith("abandon", "close");
    }

    // ---- end of service ----

    @Test
    void drainingSendsIdleSessionsAwayAndLetsTransactionsEnd() {
        ScriptedIntake idle = new ScriptedIntake();
        SessionHarness idleSession = new SessionHarness(idle).send(HELLO);
        idleSession.said();
        idleSession.loop().drain();
        assertThat(idleSession.said()).startsWith("421 4.3.0");
        assertThat(idleSession.loop().emptied()).isCompleted();

        ScriptedIntake busy = new ScriptedIntake();
        SessionHarness session = new SessionHarness(busy).send(HELLO + MAIL + RCPT);
        session.loop().drain();
        session.said();
        session.send("DATA\r\nx\r\n.\r\n" + MAIL);
        assertThat(session.saidLines()).element(1).isEqualTo("250 2.0.0 Queued");
        assertThat(session.isClosed()).isTrue();
        assertThat(busy.messages()).hasSize(1);
        assertThat(session.loop().emptied()).isCompleted();
    }

    @Test
    void cuttingEndsTransactionsToo() {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake).send(HELLO + MAIL + RCPT + "DATA\r\nhalf");
        session.said();
        session.loop().cut();
        assertThat(session.said()).startsWith("421 4.3.0");
        assertThat(intake.abandoned()).isEqualTo(1);
        assertThat(session.loop().emptied()).isCompleted();
    }

    // ---- noise ----

    @Provide
    Arbitrary<String> noise() {
        return Arbitraries.of(
                        HELLO,
                        MAIL,
                        RCPT,
                        "DATA\r\n",
                        "BDAT 7\r\n",
                        "BDAT 0 LAST\r\n",
                        "BDAT 30 LAST\r\n",
                        ".\r\n",
                        "\r\n.\r\n",
                        "RSET\r\n",
                        "QUIT\r\n",
                        "NOOP\r\n",
                        "\r",
                        "\n",
                        "\0",
                        "\u00ff",
                        "MAIL FROM:<",
                        ">",
                        "x".repeat(600),
                        "RCPT TO:<defer@example.net>\r\n",
                        "STARTTLS\r\n",
                        " ",
                        "RCPT TO:<fault@example.net>\r\n",
                        "BODY=8BITMIME",
                        "\"",
                        "\\",
                        "@",
                        "\r\n")
                .list()
                .ofMaxSize(40)
                .map(list -> String.join("", list));
    }

    @Property(tries = 500)
    void noiseNeverThrowsAndEveryLineIsAnsweredOrEnds(
            @ForAll("noise") String noise, @ForAll boolean later, @ForAll long seed) {
        ScriptedIntake intake = new ScriptedIntake();
        if (later) {
            intake.answersLater();
        }
        SmtpLimits limits = SmtpLimits.builder().commandLineOctets(512).build();
        SessionHarness session = new SessionHarness(intake, limits, BareLineEnds.NORMALISE, null);
        byte[] octets = noise.getBytes(StandardCharsets.ISO_8859_1);
        Random random = new Random(seed);
        for (int from = 0; from < octets.length; ) {
            int to = Math.min(octets.length, from + 1 + random.nextInt(100));
            session.send(octets, from, to);
            from = to;
            while (intake.answer()) {
                session.runTasks();
            }
        }
        while (intake.answer()) {
            session.runTasks();
        }
        session.said();
        // whatever came, the session is not stuck: it is closed, within mail data, or it answers
        if (!session.isClosed()) {
            session.send("\r\n.\r\n\r\n" + "NOOP\r\n".repeat(6)); // more than a chunk
            while (intake.answer()) {
                session.runTasks();
            }
            assertThat(session.said()).isNotEmpty();
        }
        session.checkException();
        session.vanish();
        assertThat(intake.breaches()).isEmpty();
        assertThat(intake.openSessions()).isZero();
        assertThat(session.bufferBytes()).isZero();
    }
}
