package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class SmtpCommandDecoderTest {

    @Provide
    Arbitrary<String> octets() {
        return Arbitraries.of(
                        "\r\n",
                        "\r",
                        "\n",
                        "NOOP",
                        "mail FROM:<a@example.org>",
                        " ",
                        "\t",
                        "\0",
                        "\u00e9",
                        "x",
                        "starttls",
                        "y".repeat(300))
                .list()
                .ofMaxSize(20)
                .map(list -> String.join("", list));
    }

    @Property
    void readsTheSameInEveryFragmentation(@ForAll("octets") String octets, @ForAll long seed) {
        List<String> whole = decode(octets, octets.length() + 1, new Random(0));
        assertThat(decode(octets, 1, new Random(0))).isEqualTo(whole);
        assertThat(decode(octets, 40, new Random(seed))).isEqualTo(whole);
    }

    @Property
    void everyLineEndIsAnswered(@ForAll("octets") String octets) {
        assertThat(decode(octets, 7, new Random(1)))
                .hasSize((int) octets.chars().filter(c -> c == '\n').count());
    }

    @Test
    void knowsEveryVerbInAnyCase() {
        for (SmtpVerb verb : SmtpVerb.values()) {
            if (verb != SmtpVerb.UNKNOWN) {
                assertThat(decode(verb.name() + "\r\n", 99, new Random(0))).containsExactly("COMMAND " + verb + " []");
                assertThat(decode(verb.name().toLowerCase(java.util.Locale.ROOT) + " a b \r\n", 99, new Random(0)))
                        .containsExactly("COMMAND " + verb + " [a b]");
                assertThat(decode(verb.name() + "X\r\n", 99, new Random(0))).containsExactly("COMMAND UNKNOWN []");
            }
        }
    }

    @Test
    void boundsWhatItKeepsAndWhatItSwallows() {
        SmtpCommandDecoder decoder = new SmtpCommandDecoder(512);
        ByteBuffer octets = ByteBuffer.allocate(SmtpCommandDecoder.MAX_SWALLOWED_OCTETS + 600);
        assertThat(decoder.decode(octets)).isEqualTo(SmtpCommandDecoder.Line.ENDLESS);
        assertThat(decoder.line()).hasSizeLessThanOrEqualTo(512);
    }

    private static List<String> decode(String octets, int most, Random random) {
        SmtpCommandDecoder decoder = new SmtpCommandDecoder(512);
        List<String> lines = new ArrayList<>();
        byte[] all = octets.getBytes(StandardCharsets.ISO_8859_1);
        for (int from = 0; from < all.length; ) {
            int length = Math.min(all.length - from, 1 + random.nextInt(most));
            ByteBuffer in = ByteBuffer.wrap(all, from, length);
            while (in.hasRemaining()) {
                SmtpCommandDecoder.Line line = decoder.decode(in);
                if (line == SmtpCommandDecoder.Line.COMMAND) {
                    lines.add("COMMAND " + decoder.verb() + " ["
                            + new String(
                                    decoder.line(),
                                    decoder.argumentStart(),
                                    decoder.argumentEnd() - decoder.argumentStart(),
                                    StandardCharsets.ISO_8859_1)
                            + "]");
                } else if (line != SmtpCommandDecoder.Line.INCOMPLETE) {
                    lines.add(line.name());
                }
            }
            from += length;
        }
        return lines;
    }
}
