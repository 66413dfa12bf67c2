package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrimaryCapabilitiesTest {

    private static PrimaryCapabilities offering(String... extensions) {
        return new PrimaryCapabilities("primary.test ESMTP", List.of(extensions), Optional.empty());
    }

    @Test
    void offersWhatItsLinesBeginWith() {
        PrimaryCapabilities learned = offering("PIPELINING", "Auth PLAIN LOGIN", "AUTH=PLAIN");
        assertThat(learned.offers("pipelining")).isTrue();
        assertThat(learned.offers("AUTH")).isTrue();
        assertThat(learned.offers("PLAIN")).isFalse();
        assertThat(learned.offers("PIPE")).isFalse();
        assertThat(PrimaryCapabilities.none().offers("")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "SIZE 62914560, 62914560",
        "size 1, 1",
        "SIZE 0000000000000000000001000, 1000",
        "SIZE 999999999999999999, 999999999999999999"
    })
    void maxMessageBytesIsTheValueOfSize(String line, long limit) {
        assertThat(offering("PIPELINING", line, "SIZE 7").maxMessageBytes()).hasValue(limit);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PIPELINING",
                "SIZE",
                "SIZE ",
                "SIZE 0",
                "SIZE 00",
                "SIZE -5",
                "SIZE 10 20",
                "SIZE x",
                "SIZE 99999999999999999999",
                "SIZES 5"
            })
    void noLimitIsTold(String line) {
        assertThat(offering(line).maxMessageBytes()).isEqualTo(OptionalLong.empty());
    }

    @Test
    void textsAreSafeAndBounded() {
        String text = "a\r\n\0\u001b[2J\u202e\u00e4\tb" + "x".repeat(300);
        PrimaryCapabilities learned = new PrimaryCapabilities(text, Collections.nCopies(100, text), Optional.empty());
        assertThat(learned.banner())
                .hasSize(PrimaryCapabilities.MAX_TEXT)
                .startsWith("a????[2J???bx")
                .matches("[ -~]*");
        assertThat(learned.extensions())
                .hasSize(PrimaryCapabilities.MAX_EXTENSIONS)
                .containsOnly(learned.banner());
    }
}
