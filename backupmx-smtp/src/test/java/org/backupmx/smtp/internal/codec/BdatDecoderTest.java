package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The decoder against a slow and plain model, over chunks and reads that are cut anywhere. */
class BdatDecoderTest {

    private static final Pattern LINE_END = Pattern.compile("\r\n|\r|\n");

    /** What is read of some octets; each character is one octet. */
    private record Read(String mailData, boolean bareLineEnd) {}

    @Provide
    Arbitrary<String> octets() {
        return Arbitraries.of("\r", "\n", ".", "\r\n", "\r\n.\r\n", "a", "\0", "\u00ff", "some text in a line")
                .list()
                .ofMaxSize(30)
                .map(list -> String.join("", list));
    }

    @Property
    void a4_readsWhatTheModelReadsHoweverItIsCut(@ForAll("octets") String octets, @ForAll long seed) {
        assertThat(decode(octets, new Random(seed), 9)).isEqualTo(model(octets));
    }

    @Property(tries = 200)
    void a4_readsTheSameOctetByOctet(@ForAll("octets") String octets, @ForAll long seed) {
        assertThat(decode(octets, new Random(seed), 1)).isEqualTo(model(octets));
    }

    @Test
    void a4_everyCutOfAMessageIntoTwoChunksAndTwoReads() {
        String octets = "a\r\n.\r\n\r\r\n\nb\r.\n\r";
        for (int chunk = 0; chunk <= octets.length(); chunk++) {
            for (int cut = 0; cut <= octets.length(); cut++) {
                BdatDecoder decoder = new BdatDecoder();
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                decoder.reset();
                decoder.begin(chunk, false);
                ByteBuffer first = buffer(octets.substring(0, cut));
                ByteBuffer second = buffer(octets.substring(cut) + "BDAT");
                drain(decoder, first, out);
                if (decoder.isEnded()) {
                    decoder.begin(octets.length() - chunk, true);
                    drain(decoder, first, out);
                    drain(decoder, second, out);
                } else {
                    drain(decoder, second, out);
                    assertThat(decoder.isEnded()).isTrue();
                    decoder.begin(octets.length() - chunk, true);
                    drain(decoder, second, out);
                }
                assertThat(decoder.isEnded()).as("chunk %s cut %s", chunk, cut).isTrue();
                assertThat(second.remaining()).as("chunk %s cut %s", chunk, cut).isEqualTo(4);
                assertThat(out.toString(StandardCharsets.ISO_8859_1))
                        .as("chunk %s cut %s", chunk, cut)
                        .isEqualTo(model(octets).mailData);
            }
        }
    }

    @Test
    void a4_chunkWithoutOdditiesIsOneRun() {
        BdatDecoder decoder = new BdatDecoder();
        String text = "Subject: x\r\n\r\n" + ".line of text\r\n".repeat(400);
        decoder.begin(text.length(), true);
        ByteBuffer in = buffer(text + "QUIT\r\n");
        ByteBuffer run = decoder.next(in);
        assertThat(StandardCharsets.ISO_8859_1.decode(run).toString()).isEqualTo(text);
        assertThat(decoder.next(in)).isNull();
        assertThat(decoder.isEnded()).isTrue();
        assertThat(in.remaining()).isEqualTo(6);
    }

    @ParameterizedTest
    @CsvSource({
        "0,0,false",
        "0 LAST,0,true",
        "86 last,86,true",
        "86   LAST,86,true",
        "007,7,false",
        "9223372036854775807,9223372036854775807,false",
        "9223372036854775808,9223372036854775807,false",
        "99999999999999999999 LAST,9223372036854775807,true",
        "000000000000000000001,-1,false",
        "-1,-1,false",
        "+1,-1,false",
        "1LAST,-1,false",
        "1 LAS,-1,false",
        "1 LASTT,-1,false",
        "1 x,-1,false",
        "LAST,-1,false",
        "'',-1,false",
    })
    void a4_argumentOfBdat(String argument, long octets, boolean last) {
        byte[] line = ("BDAT " + argument).getBytes(StandardCharsets.US_ASCII);
        assertThat(BdatCommand.octets(line, 5, line.length)).isEqualTo(octets);
        if (octets >= 0) {
            assertThat(BdatCommand.isLast(line, 5, line.length)).isEqualTo(last);
        }
    }

    private static ByteBuffer buffer(String octets) {
        return ByteBuffer.wrap(octets.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void drain(BdatDecoder decoder, ByteBuffer in, ByteArrayOutputStream out) {
        for (ByteBuffer run = decoder.next(in); run != null; run = decoder.next(in)) {
            assertThat(run.hasRemaining()).isTrue();
            byte[] copy = new byte[run.remaining()];
            run.get(copy);
            out.writeBytes(copy);
        }
    }

    /** Cuts octets into chunks, some empty, and each chunk into reads, with what is no part of it behind it. */
    private static Read decode(String octets, Random random, int most) {
        BdatDecoder decoder = new BdatDecoder();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        decoder.reset();
        int from = 0;
        boolean last = false;
        while (!last) {
            int to = Math.min(octets.length(), from + random.nextInt(most + 1));
            last = to == octets.length() && random.nextBoolean();
            decoder.begin(to - from, last);
            do {
                int read = Math.min(to, from + 1 + random.nextInt(most));
                ByteBuffer in = buffer(octets.substring(from, read) + (read == to ? "\nMAIL" : ""));
                drain(decoder, in, out);
                assertThat(in.remaining()).isEqualTo(read == to ? 5 : 0);
                assertThat(decoder.isEnded()).isEqualTo(read == to);
                from = read;
            } while (from < to);
        }
        return new Read(out.toString(StandardCharsets.ISO_8859_1), decoder.sawBareLineEnd());
    }

    private static Read model(String octets) {
        boolean bare = octets.replace("\r\n", "").matches("(?s).*[\r\n].*");
        return new Read(LINE_END.matcher(octets).replaceAll("\r\n"), bare);
    }
}
