package org.backupmx.smtp.internal.server;

import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.internal.server.FuzzedSession.Act;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;

/**
 * Random and mutated dialogues against a session (features row N10): no exception comes out of it, every line gets one
 * answer, in order, or the connection ends, buffers stay within what {@link SmtpLimits#sessionBytes()} says, and none is
 * left. {@code jqwik.tries.default} says how many dialogues; the profile {@code fuzz} runs many.
 */
class SessionFuzzIT {

    private static final int DEEP = 1_000_000;

    private static long executions;
    private static long startedNanos;

    @BeforeContainer
    static void start() {
        executions = 0;
        startedNanos = System.nanoTime();
    }

    @AfterContainer
    static void tell() {
        double seconds = (System.nanoTime() - startedNanos) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "SessionFuzzIT: %d dialogues in %.0f s, %.0f/s%n",
                executions,
                seconds,
                executions / seconds);
    }

    private static final List<String> LINES = List.of(
            "EHLO client.example.org\r\n",
            "HELO a\r\n",
            "MAIL FROM:<a@example.org>\r\n",
            "MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By\r\n",
            "MAIL FROM:<> REQUIRETLS\r\n",
            "RCPT TO:<b@example.net>\r\n",
            "RCPT TO:<\"b c\"@[IPv6:::1]> NOTIFY=DELAY,FAILURE ORCPT=rfc822;b@example.net\r\n",
            "DATA\r\n",
            "EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n",
            "RSET\r\n",
            "NOOP\r\n",
            "VRFY x\r\n",
            "EXPN x\r\n",
            "HELP\r\n",
            "STARTTLS\r\n",
            "QUIT\r\n",
            "ETRN example.net\r\n",
            "BDAT 5\r\nhello",
            "BDAT 0 LAST\r\n",
            "BDAT 9 LAST\r\n.\r\n12\r\n.\r",
            "MAIL FROM:<defer@example.org>\r\n",
            "MAIL FROM:<fault@example.org>\r\n",
            "MAIL FROM:<throws@example.org>\r\n",
            "MAIL FROM:<data-reject@example.org>\r\n",
            "MAIL FROM:<data-fault@example.org>\r\n",
            "MAIL FROM:<data-throws@example.org>\r\n",
            "MAIL FROM:<write-fault@example.org>\r\n",
            "MAIL FROM:<write-throws@example.org>\r\n",
            "MAIL FROM:<end-fault@example.org>\r\n",
            "MAIL FROM:<end-throws@example.org>\r\n",
            "MAIL FROM:<end-disconnect@example.org>\r\n",
            "RCPT TO:<reject@example.net>\r\n",
            "RCPT TO:<fault@example.net>\r\n",
            "RCPT TO:<disconnect@example.net>\r\n",
            ".\r\n",
            "\r\n.\r\n",
            "..\r\n",
            "text of the mail data\r\n");

    private static final List<String> PIECES = List.of(
            "\r",
            "\n",
            "\r\n",
            ".",
            "\0",
            " ",
            "\t",
            "<",
            ">",
            "@",
            ":",
            "\"",
            "\\",
            "[",
            "]",
            ",",
            "=",
            "\u00ff",
            "\u00c3\u00bc",
            "\u00e2\u0080\u00ae",
            "MAIL",
            "FROM:",
            "TO:",
            "SIZE=",
            "a",
            "postmaster");

    private static Arbitrary<String> sent(List<String> lines) {
        Arbitrary<String> line = Arbitraries.of(lines);
        Arbitrary<String> piece = Arbitraries.of(PIECES);
        Arbitrary<String> mutated = Combinators.combine(
                        line,
                        piece,
                        Arbitraries.integers().between(0, 60),
                        Arbitraries.integers().between(0, 3))
                .as((text, with, at, cut) -> {
                    int from = Math.min(at, text.length());
                    return text.substring(0, from) + with + text.substring(Math.min(text.length(), from + cut));
                });
        Arbitrary<String> random = Arbitraries.chars()
                .range('\0', '\u00ff')
                .array(char[].class)
                .ofMaxSize(40)
                .map(String::new);
        Arbitrary<String> overlong = Combinators.combine(
                        piece, Arbitraries.of(100, 511, 2046, 2047, 2048, 2048, 20_000))
                .as((text, octets) ->
                        text.repeat(text.equals("\n") || text.equals("\r\n") ? 10 : octets / text.length()));
        return Arbitraries.frequencyOf(
                Tuple.of(24, line),
                Tuple.of(12, mutated),
                Tuple.of(4, piece),
                Tuple.of(2, random),
                Tuple.of(1, overlong));
    }

    @Provide
    Arbitrary<List<Act>> dialogues() {
        return dialogues(LINES);
    }

    /** Dialogues of such lines, whole, mutated and with other octets between them. */
    static Arbitrary<List<Act>> dialogues(List<String> lines) {
        return Arbitraries.frequencyOf(
                        Tuple.of(40, sent(lines).map(text -> new Act(Act.Kind.SEND, text))),
                        Tuple.of(8, Arbitraries.just(new Act(Act.Kind.CUT))),
                        Tuple.of(8, Arbitraries.just(new Act(Act.Kind.ANSWER))),
                        Tuple.of(8, Arbitraries.just(new Act(Act.Kind.ANSWER_ALL))),
                        Tuple.of(
                                1,
                                Arbitraries.of(Act.Kind.SECOND, Act.Kind.SIX_MINUTES, Act.Kind.VANISH)
                                        .map(Act::new)))
                .list()
                .ofMaxSize(40);
    }

    @Property
    void n10_answersAtOnce(@ForAll("dialogues") List<Act> acts) throws Exception {
        run(new ScriptedIntake(), DEEP, BareLineEnds.NORMALISE, acts);
    }

    @Property
    void n10_answersThatTakeTime(@ForAll("dialogues") List<Act> acts) throws Exception {
        run(new ScriptedIntake().answersLater(), DEEP, BareLineEnds.REJECT, acts);
    }

    @Property
    void n10_withLittlePatience(@ForAll("dialogues") List<Act> acts, @ForAll boolean later) throws Exception {
        ScriptedIntake intake = new ScriptedIntake().maxMessageBytes(40).maxRecipients(2);
        run(later ? intake.answersLater() : intake, 5, BareLineEnds.NORMALISE, acts);
    }

    private static void run(ScriptedIntake intake, int patience, BareLineEnds bareLineEnds, List<Act> acts)
            throws Exception {
        executions++;
        new FuzzedSession(intake, patience, bareLineEnds, SessionHarness.LISTENER).run(acts);
    }
}
