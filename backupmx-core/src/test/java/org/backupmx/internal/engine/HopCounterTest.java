package org.backupmx.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class HopCounterTest {

    private static boolean isLooping(String mailData, int... cuts) {
        HopCounter counter = new HopCounter();
        byte[] octets = mailData.getBytes(StandardCharsets.ISO_8859_1);
        int from = 0;
        for (int cut : cuts) {
            counter.scan(ByteBuffer.wrap(octets, from, cut - from));
            from = cut;
        }
        counter.scan(ByteBuffer.wrap(octets, from, octets.length - from));
        return counter.isLooping();
    }

    @Test
    void countsToTheLimitAtEveryFragmentation() {
        String hops = "Received: x\r\n".repeat(98) + "received:\ty\r\n\tfolded Received: no\r\n";
        String below = "Subject: Received: z\r\n" + hops + "X-Received: n\r\nReceive: n\r\n\r\nReceived: body\r\n";
        String above = "RECEIVED: first\r\n" + below;
        for (int i = 0; i <= above.length(); i++) {
            assertThat(isLooping(above, i)).isTrue();
            if (i <= below.length()) {
                assertThat(isLooping(below, i)).isFalse();
            }
        }
    }

    @Test
    void aBareLineFeedEndsTheHeaderSectionToo() {
        assertThat(isLooping("A: b\n\n" + "Received: x\r\n".repeat(200))).isFalse();
    }

    @Provide
    Arbitrary<String> lines() {
        return Arbitraries.of(
                "Received: a\r\n", "received:\r\n", " Received: f\r\n", "X: Received:\r\n", "\r\n", "Re:\n");
    }

    @Property
    void agreesWithAPlainCount(@ForAll @Size(min = 90, max = 140) List<@From("lines") String> lines) {
        long hops = lines.stream()
                .takeWhile(line -> !line.equals("\r\n"))
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("received:"))
                .count();
        assertThat(isLooping(String.join("", lines))).isEqualTo(hops >= HopCounter.MAX_HOPS);
    }

    @Property
    void takesAnything(@ForAll byte[] octets) {
        HopCounter counter = new HopCounter();
        ByteBuffer buffer = ByteBuffer.wrap(octets);
        counter.scan(buffer);
        assertThat(buffer.remaining()).isEqualTo(octets.length);
    }
}
