package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.slf4j.event.Level;

/**
 * Random and mutated dialogues against a session (features row N10): no exception comes out of it, every line gets one
 * answer, in order, or the connection ends, buffers stay within what {@link SmtpLimits#sessionBytes()} says, and none is
 * left. {@code jqwik.tries.default} says how many dialogues; the profile {@code fuzz} runs many.
 */
class SessionFuzzIT {

    private static final int READ_BYTES = 16 * 1024;
    private static final int DEEP = 1_000_000;

    /** What happens next; text is sent, one octet for each character, with what was sent before it in one read. */
    private record Act(Kind kind, String text) {
        enum Kind {
            SEND,
            CUT,
            ANSWER,
            ANSWER_ALL,
            SECOND,
            SIX_MINUTES,
            VANISH
        }

        Act(Kind kind) {
            this(kind, "");
        }

        @Override
        public String toString() {
            return kind == Kind.SEND ? ScriptedText.escaped(text) : kind.toString();
        }
    }

    /** Octets as Java would write them. */
    private static final class ScriptedText {
        static String escaped(String text) {
            StringBuilder out = new StringBuilder("\"");
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                out.append(c >= ' ' && c < 0x7f && c != '\\' ? String.valueOf(c) : String.format("\\x%02x", (int) c));
            }
            return out.length() > 200
                    ? out.substring(0, 200) + "... " + text.length()
                    : out.append('"').toString();
        }
    }

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

    private static Arbitrary<String> sent() {
        Arbitrary<String> line = Arbitraries.of(LINES);
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
        return Arbitraries.frequencyOf(
                        Tuple.of(40, sent().map(text -> new Act(Act.Kind.SEND, text))),
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
        new Run(new ScriptedIntake(), DEEP, BareLineEnds.NORMALISE).run(acts);
    }

    @Property
    void n10_answersThatTakeTime(@ForAll("dialogues") List<Act> acts) throws Exception {
        new Run(new ScriptedIntake().answersLater(), DEEP, BareLineEnds.REJECT).run(acts);
    }

    @Property
    void n10_withLittlePatience(@ForAll("dialogues") List<Act> acts, @ForAll boolean later) throws Exception {
        ScriptedIntake intake = new ScriptedIntake().maxMessageBytes(40).maxRecipients(2);
        new Run(later ? intake.answersLater() : intake, 5, BareLineEnds.NORMALISE).run(acts);
    }

    private static final class Run {
        private final ScriptedIntake intake;
        private final SmtpLimits limits;
        private final SessionHarness session;
        private final StringBuilder unread = new StringBuilder();
        private final Deque<byte[]> reads = new ArrayDeque<>();
        private final StringBuilder read = new StringBuilder();
        private final StringBuilder said = new StringBuilder();
        private boolean vanished;

        Run(ScriptedIntake intake, int patience, BareLineEnds bareLineEnds) {
            this.intake = intake;
            limits = SmtpLimits.builder()
                    .badCommands(patience)
                    .idleCommands(patience)
                    .transactions(patience)
                    .build();
            session = new SessionHarness(intake, limits, bareLineEnds, null);
        }

        void run(List<Act> acts) throws Exception {
            executions++;
            try (CapturedLog log = new CapturedLog(SmtpServerSession.class, Level.WARN)) {
                for (Act act : acts) {
                    if (act.kind == Act.Kind.SEND) {
                        unread.append(act.text);
                    } else {
                        read();
                        act(act.kind);
                        step();
                    }
                }
                read();
                while (answer()) {
                    step();
                }
                step();
                check();
                session.vanish();
                vanished = true;
                while (answer()) {
                    session.said();
                }
                session.said();
                session.checkException();
                assertThat(log.lines()).noneMatch(line -> line.contains("session failed"));
            }
            assertThat(session.bufferBytes()).isZero();
            assertThat(intake.breaches()).isEmpty();
            assertThat(intake.openSessions()).isZero();
        }

        private boolean answer() {
            boolean answered = intake.answer();
            session.runTasks();
            return answered;
        }

        private void act(Act.Kind kind) {
            switch (kind) {
                case ANSWER -> answer();
                case ANSWER_ALL -> {
                    while (answer()) {
                        step();
                    }
                }
                case SECOND -> session.pass(Duration.ofSeconds(1));
                case SIX_MINUTES -> session.pass(Duration.ofMinutes(6));
                case VANISH -> {
                    session.vanish();
                    vanished = true;
                }
                default -> {
                    // a cut: what was sent is read by now
                }
            }
        }

        /** Makes reads, of the largest size there is, of what was sent. */
        private void read() {
            byte[] octets = unread.toString().getBytes(StandardCharsets.ISO_8859_1);
            unread.setLength(0);
            for (int from = 0; from < octets.length; from += READ_BYTES) {
                reads.add(Arrays.copyOfRange(octets, from, Math.min(octets.length, from + READ_BYTES)));
            }
            step();
        }

        /** Reads as long as the session asks for it, and looks at what it holds. */
        private void step() {
            said.append(session.said());
            assertThat(session.bufferBytes()).isLessThanOrEqualTo(limits.sessionBytes());
            while (!reads.isEmpty() && !session.isClosed() && session.offer(reads.peek())) {
                read.append(new String(reads.remove(), StandardCharsets.ISO_8859_1));
                said.append(session.said());
                assertThat(session.bufferBytes()).isLessThanOrEqualTo(limits.sessionBytes());
            }
            if (session.isClosed()) {
                reads.clear();
            }
        }

        /** Walks through what was read with the replies in hand: the least model of SMTP that tells lines from mail data. */
        private void check() {
            List<String> replies = said.toString()
                    .lines()
                    .filter(line -> line.length() > 3 && line.charAt(3) == ' ')
                    .toList();
            for (String line : said.toString().split("\r\n", -1)) {
                require(line.isEmpty() || REPLY.matcher(line).matches(), () -> "reply: " + ScriptedText.escaped(line));
            }
            require(said.length() == 0 || said.charAt(said.length() - 1) == '\n', () -> "half a reply");
            if (vanished) {
                return;
            }
            assertThat(reads).as("neither read nor closed").isEmpty();
            assertThat(replies).isNotEmpty();
            int at = 0;
            boolean afterBareLf = false;
            String octets = read.toString();
            List<String> left = new ArrayList<>(replies.subList(1, replies.size()));
            boolean mailData = false;
            while (true) {
                int end = mailData ? endOfData(octets, at) : octets.indexOf('\n', at) + 1;
                if (end <= 0 || left.isEmpty()) {
                    break;
                }
                String reply = left.remove(0);
                String line = octets.substring(at, end);
                Matcher chunk = BDAT.matcher(line);
                boolean isChunk = !mailData && !afterBareLf && chunk.matches();
                if (isChunk) {
                    end += Integer.parseInt(chunk.group(1));
                    if (end > octets.length()) {
                        left.add(0, reply);
                        break;
                    }
                }
                Supplier<String> about = () -> ScriptedText.escaped(line) + " got " + reply + ", then " + left
                        + (session.isClosed() ? " and close" : "");
                boolean last = reply.startsWith("221") || reply.startsWith("421");
                if (!reply.startsWith("421")) {
                    Pattern expected = mailData ? AT_END : expected(line, afterBareLf);
                    require(expected.matcher(reply.substring(0, 3)).matches(), about);
                }
                if (last) {
                    require(left.isEmpty() && session.isClosed(), about);
                    return;
                }
                afterBareLf = !mailData && !line.endsWith("\r\n");
                mailData = !mailData && reply.startsWith("354");
                at = end;
            }
            boolean more = mailData ? endOfData(octets, at) > 0 : isAnswerable(octets, at);
            int rest = at;
            require(session.isClosed() || !more, () -> "no answer to " + ScriptedText.escaped(octets.substring(rest)));
            // for a time that is up, or data without end
            require(
                    left.isEmpty()
                            || (session.isClosed()
                                    && left.size() == 1
                                    && left.get(0).startsWith("421")),
                    () -> "more replies than lines: " + left);
        }

        private static void require(boolean held, Supplier<String> otherwise) {
            if (!held) {
                throw new AssertionError(otherwise.get());
            }
        }

        /** Tells whether there is a whole line, and with BDAT its whole chunk. */
        private static boolean isAnswerable(String octets, int at) {
            int end = octets.indexOf('\n', at) + 1;
            Matcher chunk = BDAT.matcher(octets.substring(at, Math.max(at, end)));
            return end > 0 && !(chunk.matches() && end + Integer.parseInt(chunk.group(1)) > octets.length());
        }

        private static int endOfData(String octets, int from) {
            int end = octets.startsWith(".\r\n", from) ? from : octets.indexOf("\r\n.\r\n", from) + 2;
            return end < from + (octets.startsWith(".\r\n", from) ? 0 : 2) ? -1 : end + 3;
        }

        private Pattern expected(String line, boolean afterBareLf) {
            if (afterBareLf
                    || line.length() > limits.commandLineOctets()
                    || !WELL_FORMED.matcher(line).matches()) {
                return UNKNOWN;
            }
            String verb = line.split("[\\t \r]", 2)[0].toUpperCase(Locale.ROOT);
            return EXPECTED.getOrDefault(verb, UNKNOWN);
        }
    }

    private static final Pattern BDAT = Pattern.compile("(?i)BDAT[ \t]+(\\d{1,9})([ \t]+LAST)?[ \t]*\r\n");
    private static final Pattern REPLY = Pattern.compile("[2-5]\\d\\d[ -][ -~]{0,506}+");
    private static final Pattern WELL_FORMED = Pattern.compile("[\\t -~\u0080-\u00ff]*+\r\n");
    private static final Pattern AT_END = Pattern.compile("250|45[0-2]|55[0-4]");
    private static final Pattern UNKNOWN = Pattern.compile("500");
    private static final Pattern ASKED = Pattern.compile("250|[45]\\d\\d");
    private static final Map<String, Pattern> EXPECTED = Map.ofEntries(
            Map.entry("HELO", ASKED),
            Map.entry("EHLO", ASKED),
            Map.entry("MAIL", ASKED),
            Map.entry("RCPT", ASKED),
            Map.entry("ETRN", ASKED),
            Map.entry("BDAT", ASKED),
            Map.entry("DATA", Pattern.compile("354|[45]\\d\\d")),
            Map.entry("RSET", Pattern.compile("250|501")),
            Map.entry("NOOP", Pattern.compile("250")),
            Map.entry("VRFY", Pattern.compile("252|501")),
            Map.entry("EXPN", Pattern.compile("502")),
            Map.entry("HELP", Pattern.compile("214")),
            Map.entry("STARTTLS", Pattern.compile("502")),
            Map.entry("QUIT", Pattern.compile("221|501")));
}
