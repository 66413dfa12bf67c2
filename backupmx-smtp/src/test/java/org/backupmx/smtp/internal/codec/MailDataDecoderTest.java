package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** The decoder against a slow and plain model, over octets that are mostly dots and line ends. */
class MailDataDecoderTest {

    private static final Pattern LINE_END = Pattern.compile("\r\n|\r|\n");

    /** What is read of some octets; each character is one octet. */
    private record Read(String mailData, int octetsUsed, boolean ended, boolean bareLineEnd) {}

    @Provide
    Arbitrary<String> octets() {
        Arbitrary<String> pieces = Arbitraries.of(
                        "\r", "\n", ".", "\r\n", "\r\n.", "a", "\0", "\u00ff", "some text in a line")
                .list()
                .ofMaxSize(30)
                .map(list -> String.join("", list));
        return pieces.map(text -> text + "\r\n.\r\nMAIL");
    }

    @Property
    void readsWhatTheModelReads(
            @ForAll("octets") String octets, @ForAll @Size(max = 5) List<@IntRange(max = 80) Integer> cuts) {
        assertThat(decode(octets, cuts)).isEqualTo(model(octets));
    }

    @Property(tries = 200)
    void readsTheSameOctetByOctet(@ForAll("octets") String octets) {
        assertThat(decode(octets, everywhere(octets))).isEqualTo(model(octets));
    }

    @Test
    void leavesMailDataWithoutOdditiesAlone() {
        String text = "Subject: x\r\n\r\n" + "line of text\r\n".repeat(400);
        MailDataDecoder decoder = new MailDataDecoder();
        ByteBuffer in = buffer(text + ".\r\n");
        ByteBuffer run = decoder.next(in);
        assertThat(StandardCharsets.ISO_8859_1.decode(run).toString()).isEqualTo(text);
        assertThat(decoder.next(in)).isNull();
        assertThat(decoder.isEnded()).isTrue();
    }

    @Test
    void tellsOfALineOverItsBound() {
        MailDataDecoder decoder = new MailDataDecoder();
        ByteBuffer most = buffer("x".repeat(MailDataDecoder.MAX_LINE_OCTETS) + "\r\n");
        while (decoder.next(most) != null) {}
        assertThat(decoder.sawLineTooLong()).isFalse();
        ByteBuffer more = buffer("x".repeat(MailDataDecoder.MAX_LINE_OCTETS + 1));
        while (decoder.next(more) != null) {}
        assertThat(decoder.sawLineTooLong()).isTrue();
    }

    private static List<Integer> everywhere(String octets) {
        return java.util.stream.IntStream.range(1, octets.length()).boxed().toList();
    }

    private static ByteBuffer buffer(String octets) {
        return ByteBuffer.wrap(octets.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static Read decode(String octets, List<Integer> cuts) {
        MailDataDecoder decoder = new MailDataDecoder();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int from = 0;
        int used = 0;
        List<Integer> ends = java.util.stream.Stream.concat(cuts.stream(), java.util.stream.Stream.of(octets.length()))
                .sorted()
                .toList();
        for (int cut : ends) {
            int to = Math.min(cut, octets.length());
            ByteBuffer in = buffer(octets.substring(from, Math.max(from, to)));
            for (ByteBuffer run = decoder.next(in); run != null; run = decoder.next(in)) {
                assertThat(run.hasRemaining()).isTrue();
                byte[] copy = new byte[run.remaining()];
                run.get(copy);
                out.writeBytes(copy);
            }
            used += in.position();
            from = Math.max(from, to);
        }
        return new Read(out.toString(StandardCharsets.ISO_8859_1), used, decoder.isEnded(), decoder.sawBareLineEnd());
    }

    /** First the end of data, then transparency by lines that CRLF ends, then repair: one after the other. */
    private static Read model(String octets) {
        int end = ("\r\n" + octets).indexOf("\r\n.\r\n");
        String raw = octets.substring(0, end);
        StringBuilder text = new StringBuilder();
        String[] lines = raw.split("\r\n", -1);
        for (int i = 0; i < lines.length; i++) {
            text.append(i == 0 ? "" : "\r\n").append(lines[i].startsWith(".") ? lines[i].substring(1) : lines[i]);
        }
        boolean bare = raw.replace("\r\n", "").matches("(?s).*[\r\n].*");
        return new Read(LINE_END.matcher(text).replaceAll("\r\n"), end + 3, true, bare);
    }
}
