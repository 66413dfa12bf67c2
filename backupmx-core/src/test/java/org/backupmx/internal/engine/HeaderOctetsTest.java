package org.backupmx.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeaderOctetsTest {

    /** Every cut of the mail data in two gives the same answer. */
    @ParameterizedTest
    @CsvSource({
        "'Subject: x||body', false",
        "'Subject: \u00fc||body', true",
        "'Subject: x||b\u00fcdy', false",
        "'|\u00fc', false",
        "'A: b|\u00fc: c||', true",
        "'A: b|c', false",
        "'A: b|\u00fc', true",
    })
    void theHeaderSectionEndsWithTheFirstEmptyLine(String mail, boolean expected) {
        byte[] octets = mail.replace("|", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
        for (int cut = 0; cut <= octets.length; cut++) {
            HeaderOctets header = new HeaderOctets();
            ByteBuffer first = ByteBuffer.wrap(octets, 0, cut);
            boolean found = header.areBeyondAscii(first)
                    || header.areBeyondAscii(ByteBuffer.wrap(octets, cut, octets.length - cut));
            assertThat(found).as("cut at %d", cut).isEqualTo(expected);
            assertThat(first.position()).isZero();
        }
    }

    @Test
    void aHeaderSectionWithoutEndIsTakenToHaveSome() {
        HeaderOctets header = new HeaderOctets();
        byte[] line = "X: y\r\n".repeat(100).getBytes(StandardCharsets.US_ASCII);
        int blocks = 0;
        while (!header.areBeyondAscii(ByteBuffer.wrap(line))) {
            blocks++;
        }
        assertThat(blocks * line.length).isBetween(HeaderOctets.MOST_BYTES - line.length, HeaderOctets.MOST_BYTES);
    }
}
