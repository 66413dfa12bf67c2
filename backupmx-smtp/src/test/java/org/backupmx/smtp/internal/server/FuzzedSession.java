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
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.testing.CapturedLog;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.slf4j.event.Level;

/** One session that a fuzzer talks to, and what holds whatever it says. */
final class FuzzedSession {

    private static final int READ_BYTES = 16 * 1024;

    /** What happens next; text is sent, one octet for each character, with what was sent before it in one read. */
    record Act(Kind kind, String text) {
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
            return kind == Kind.SEND ? escaped(text) : kind.toString();
        }
    }

    private final ScriptedIntake intake;
    private final SmtpLimits limits;
    private final SessionHarness session;
    private final StringBuilder unread = new StringBuilder();
    private final Deque<byte[]> reads = new ArrayDeque<>();
    private final StringBuilder read = new StringBuilder();
    private final StringBuilder said = new StringBuilder();
    private boolean vanished;

    /** Connects a client of {@code listener} that may try {@code patience} bad or idle commands. */
    FuzzedSession(ScriptedIntake intake, int patience, BareLineEnds bareLineEnds, SmtpListener listener) {
        this.intake = intake;
        limits = SmtpLimits.builder()
                .badCommands(patience)
                .idleCommands(patience)
                .transactions(patience)
                .build();
        session = new SessionHarness(intake, limits, bareLineEnds, null, listener);
    }

    void run(List<Act> acts) throws Exception {
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
            require(line.isEmpty() || REPLY.matcher(line).matches(), () -> "reply: " + escaped(line));
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
            Supplier<String> about =
                    () -> escaped(line) + " got " + reply + ", then " + left + (session.isClosed() ? " and close" : "");
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
        require(session.isClosed() || !more, () -> "no answer to " + escaped(octets.substring(rest)));
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

    /** Octets as Java would write them. */
    private static String escaped(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            out.append(c >= ' ' && c < 0x7f && c != '\\' ? String.valueOf(c) : String.format("\\x%02x", (int) c));
        }
        return out.length() > 200
                ? out.substring(0, 200) + "... " + text.length()
                : out.append('"').toString();
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
            Map.entry("XCLIENT", Pattern.compile("220|[45]\\d\\d")),
            Map.entry("STARTTLS", Pattern.compile("502")),
            Map.entry("QUIT", Pattern.compile("221|501")));
}
