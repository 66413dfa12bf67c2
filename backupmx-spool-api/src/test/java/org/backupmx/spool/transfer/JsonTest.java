package org.backupmx.spool.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonTest {

    @Provide
    Arbitrary<Object> values() {
        Arbitrary<Object> plain = Arbitraries.oneOf(
                Arbitraries.longs(),
                Arbitraries.of(true, false),
                Arbitraries.strings().all().ofMaxLength(20));
        return Arbitraries.lazyOf(
                () -> plain,
                () -> plain.list().ofMaxSize(3).map(list -> (Object) list),
                () -> Arbitraries.maps(Arbitraries.strings().all().ofMaxLength(5), values())
                        .ofMaxSize(2)
                        .map(map -> (Object) map));
    }

    @Property(tries = 500)
    void whatIsWrittenIsRead(@ForAll("values") Object value) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("value", value);
        try {
            assertThat(Json.read(Json.write(object))).isEqualTo(object);
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageContaining("nesting of at most");
        }
    }

    @Test
    void whatOthersWriteIsRead() {
        assertThat(Json.read(
                        " {\"a\" :[1,-2 , 3.0e2,null,true,false,{},[]],\t\"\\u0061b\":\"\\ud83d\\uDCEE\\/\\n\"}\r\n"))
                .isEqualTo(Map.of(
                        "a",
                        new ArrayList<>(Arrays.asList(1L, -2L, 300L, null, true, false, Map.of(), List.of())),
                        "ab",
                        "\ud83d\udcee/\n"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{ | line 1: the end (expected: '\"')",
                "{\"a\":1,} | line 1: U+007D (expected: '\"')",
                "[1,] | line 1: U+005D (expected: a value)",
                "[1 2] | line 1: U+0032 (expected: ']')",
                "{} {} | line 1: U+007B (expected: the end)",
                "[01] | line 1: U+0030 (expected: a value)",
                "[1.5] | line 1: U+0031 (expected: an integer of 64 bits)",
                "[9223372036854775808] | line 1: U+0039 (expected: an integer of 64 bits)",
                "[1e999] | line 1: U+0031 (expected: an integer of 64 bits)",
                "[\"\\x\"] | line 1: U+0078 (expected: an escape of JSON)",
                "[\"\\u00g0\"] | line 1: U+0067 (expected: 4 hexadecimal digits)",
                "[\"abc | line 1: the end (expected: '\"')",
                "[tru] | line 1: U+0074 (expected: a value)",
                "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]] | line 1: U+005B (expected: nesting of at most 16)",
            })
    void whatIsNoJsonIsTold(String text, String expected) {
        assertThatThrownBy(() -> Json.read(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(expected);
    }

    @Test
    void aMemberStandsOnce() {
        assertThatThrownBy(() -> Json.read("{\n\"a\":1,\n\"a\":2}")).hasMessageStartingWith("line 3: ");
    }
}
