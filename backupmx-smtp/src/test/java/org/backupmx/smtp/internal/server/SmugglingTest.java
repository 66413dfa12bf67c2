package org.backupmx.smtp.internal.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.internal.codec.MailDataEncoder;
import org.backupmx.smtp.testing.ScriptedIntake;
import org.backupmx.smtp.testing.SessionHarness;
import org.backupmx.smtp.testing.Transcript;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * SMTP smuggling, in and out (CVE-2023-51764, -51765, -51766, -51747): whatever stands where an end of data might be
 * seen, there is one message, and what we relay of it has one end for strict and lenient primaries alike.
 */
class SmugglingTest {

    private static final List<String> LINE_ENDS =
            List.of("\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n\0", "\0\r\n", "\n\n");

    private static final String HEAD =
            "EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: one";
    private static final String SMUGGLED =
            "MAIL FROM:<smuggled@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: two";
    private static final String TAIL = "\r\n.\r\nQUIT\r\n";

    /** What stands before the dot and after it. */
    record Variant(String before, String after) {
        String octets() {
            return before + "." + after;
        }

        /** The one end of data there is; where a client sends it, the message is over by its own will. */
        boolean isEnd() {
            return before.endsWith("\r\n") && after.startsWith("\r\n");
        }

        boolean hasBareLineEnd() {
            return octets().matches("(?s).*(\r(?!\n)|(?<!\r)\n).*");
        }

        @Override
        public String toString() {
            return Transcript.describe(new ScriptedIntake.Received("", List.of(), octets(), ""));
        }
    }

    static Stream<Variant> variants() {
        return LINE_ENDS.stream()
                .flatMap(before -> LINE_ENDS.stream().map(after -> new Variant(before, after)))
                .filter(variant -> !variant.isEnd());
    }

    @Test
    void a11_thereAreMoreThanTwentyFive() {
        assertThat(variants()).hasSizeGreaterThanOrEqualTo(25).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("variants")
    void a11_t1_oneMessageComesInAndOneGoesOut(Variant variant) {
        String dialogue = HEAD + variant.octets() + SMUGGLED + TAIL;
        for (BareLineEnds bareLineEnds : BareLineEnds.values()) {
            check(variant, bareLineEnds, dialogue);
            for (int cut = 1; cut < dialogue.length(); cut++) {
                check(variant, bareLineEnds, dialogue, cut);
            }
            int from = HEAD.length() - 1;
            int to = HEAD.length() + variant.octets().length() + 1;
            for (int first = from; first < to; first++) {
                for (int second = first + 1; second <= to; second++) {
                    check(variant, bareLineEnds, dialogue, first, second);
                }
            }
        }
    }

    private static void check(Variant variant, BareLineEnds bareLineEnds, String dialogue, int... cuts) {
        ScriptedIntake intake = new ScriptedIntake();
        SessionHarness session = new SessionHarness(intake, SmtpLimits.defaults(), bareLineEnds, null);
        byte[] octets = dialogue.getBytes(StandardCharsets.ISO_8859_1);
        int from = 0;
        for (int cut : cuts) {
            session.send(octets, from, cut);
            from = cut;
        }
        session.send(octets, from, octets.length);
        boolean refused = bareLineEnds == BareLineEnds.REJECT && variant.hasBareLineEnd();
        List<String> replies = session.saidLines().stream()
                .filter(line -> line.charAt(3) == ' ')
                .map(line -> line.substring(0, 3))
                .toList();
        assertThat(replies)
                .as(bareLineEnds + " cut at %s", cuts)
                .containsExactly("220", "250", "250", "250", "354", refused ? "550" : "250", "221");
        assertThat(intake.messages()).hasSize(refused ? 0 : 1);
        for (ScriptedIntake.Received message : intake.messages()) {
            assertThat(message.mailData())
                    .contains("Subject: one")
                    .contains("smuggled@")
                    .endsWith("Subject: two\r\n");
            assertRelayedOnce(message.mailData());
        }
        session.vanish();
        assertThat(session.bufferBytes()).isZero();
    }

    /** The ends of data that primaries see: at the end, and nowhere else. */
    private static void assertRelayedOnce(String mailData) {
        String relayed = relayed(mailData);
        assertThat(relayed).doesNotContainPattern("\r(?!\n)|(?<!\r)\n");
        int end = relayed.length();
        assertThat(endsOfData(relayed, "\r\n"::equals)).as("strict").containsExactly(end);
        assertThat(endsOfData(relayed, lineEnd -> !lineEnd.equals("\r")))
                .as("CRLF or LF")
                .containsExactly(end);
        assertThat(endsOfData(relayed, lineEnd -> true)).as("CRLF, LF or CR").containsExactly(end);
    }

    private static String relayed(String mailData) {
        byte[] octets = mailData.getBytes(StandardCharsets.ISO_8859_1);
        MailDataEncoder encoder = MailDataEncoder.forData();
        ByteBuf out = Unpooled.buffer();
        encoder.encode(octets, 0, octets.length, out);
        encoder.finish(out);
        out.writeBytes(".\r\n".getBytes(StandardCharsets.US_ASCII));
        return out.toString(StandardCharsets.ISO_8859_1);
    }

    /** Where a server that takes such line ends sees a line of a dot alone: the index behind its line end. */
    private static List<Integer> endsOfData(String octets, Predicate<String> isLineEnd) {
        List<Integer> ends = new ArrayList<>();
        int lineStart = 0;
        for (int i = 0; i < octets.length(); i++) {
            char c = octets.charAt(i);
            if (c != '\r' && c != '\n') {
                continue;
            }
            boolean crLf = c == '\r' && i + 1 < octets.length() && octets.charAt(i + 1) == '\n';
            int next = i + (crLf ? 2 : 1);
            if (isLineEnd.test(octets.substring(i, next))) {
                if (octets.substring(lineStart, i).equals(".")) {
                    ends.add(next);
                }
                lineStart = next;
            }
            i = next - 1;
        }
        return ends;
    }

    @Test
    void theParsersOfThisTestSeeWhatIsSmuggled() {
        BiPredicate<String, Integer> sees = (octets, count) ->
                endsOfData(octets + "x\r\n.\r\n", lineEnd -> true).size() == count;
        assertThat(variants().filter(variant -> !variant.octets().contains("\0")))
                .allMatch(variant -> sees.test("x" + variant.octets(), 2));
        assertThat(endsOfData("x\n.\r\ny\r\n.\r\n", "\r\n"::equals)).hasSize(1);
        assertThat(endsOfData("x\n.\r\ny\r\n.\r\n", lineEnd -> !lineEnd.equals("\r")))
                .hasSize(2);
    }
}
