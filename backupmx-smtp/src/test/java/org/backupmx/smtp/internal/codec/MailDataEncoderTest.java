package org.backupmx.smtp.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MailDataEncoderTest {

    private static String encode(String data, Random fragmentation) {
        return encode(MailDataEncoder.forData(), data, fragmentation);
    }

    private static String encode(MailDataEncoder encoder, String data, Random fragmentation) {
        byte[] octets = data.getBytes(StandardCharsets.ISO_8859_1);
        ByteBuf out = Unpooled.buffer();
        for (int i = 0; i < octets.length; ) {
            int length = 1 + (fragmentation == null ? octets.length : fragmentation.nextInt(7));
            length = Math.min(length, octets.length - i);
            encoder.encode(octets, i, length, out);
            i += length;
        }
        encoder.finish(out);
        return out.toString(StandardCharsets.ISO_8859_1);
    }

    /** Says the same in another way: line by line. */
    private static String reference(String data) {
        String normal = data.replaceAll("\r(?!\n)", "\r\n").replaceAll("(?<!\r)\n", "\r\n");
        if (!normal.isEmpty() && !normal.endsWith("\r\n")) {
            normal += "\r\n";
        }
        return normal.replaceAll("(?<=\\A|\r\n)\\.", "..");
    }

    private static String unstuff(String wire) {
        return wire.replaceAll("(?<=\\A|\r\n)\\.", "");
    }

    @ParameterizedTest
    @CsvSource({
        "'', ''",
        "a, a|",
        "., ..|",
        ".., ...|",
        "a|, a|",
        "a|.|b, a|..|b|",
        "a|..|, a|...|",
        "a.b|, a.b|",
        "|.|, |..|",
        "'a<.', 'a|..|'",
        "'a<', 'a|'",
        "'a>.', 'a|..|'",
        "'<<>', '||'",
    })
    void stuffs(String data, String wire) {
        String cr = data.replace("|", "\r\n").replace('<', '\r').replace('>', '\n');
        assertThat(encode(cr, null)).isEqualTo(wire.replace("|", "\r\n"));
    }

    @Property
    void everyFragmentationIsTheReference(@ForAll("data") String data, @ForAll Random random) {
        assertThat(encode(data, random)).isEqualTo(reference(data));
        assertThat(encode(data, null)).isEqualTo(reference(data));
    }

    @Property
    void normalDataComesBackUnchangedAndNeverEndsEarly(@ForAll("data") String any, @ForAll Random random) {
        String data = any.replaceAll("\r(?!\n)", "").replaceAll("(?<!\r)\n", "");
        String wire = encode(data, random);

        assertThat("\r\n" + wire).doesNotContain("\r\n.\r\n");
        assertThat(unstuff(wire)).isEqualTo(data.isEmpty() || data.endsWith("\r\n") ? data : data + "\r\n");
    }

    @Property
    void chunksAreTheSameWithoutFurtherDots(@ForAll("data") String data, @ForAll Random random) {
        assertThat(encode(MailDataEncoder.forChunks(), data, random)).isEqualTo(unstuff(encode(data, null)));
    }

    @Provide
    Arbitrary<String> data() {
        return Arbitraries.of("\r\n", "\r\n", ".", ".", "\r", "\n", "a", "bc", "\u00e9", "\u0000", "x".repeat(40))
                .list()
                .ofMaxSize(40)
                .map(parts -> String.join("", parts));
    }
}
