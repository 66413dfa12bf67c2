package org.backupmx.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EnhancedStatusCodeTest {

    @Property
    void parsesWhatItWrites(
            @ForAll @IntRange(min = 0, max = 999) int subject, @ForAll @IntRange(min = 0, max = 999) int detail) {
        EnhancedStatusCode code = new EnhancedStatusCode(4, subject, detail);

        assertThat(EnhancedStatusCode.parse(code.toString())).isEqualTo(code);
    }

    @Property
    void parsesOrRefusesAnyText(
            @ForAll @Chars({'.', '-', ' '}) @CharRange(from = '0', to = '9') @StringLength(max = 12) String text) {
        try {
            EnhancedStatusCode code = EnhancedStatusCode.parse(text);
            assertThat(EnhancedStatusCode.parse(code.toString())).isEqualTo(code);
        } catch (IllegalArgumentException refused) {
            assertThat(refused).hasMessageContaining("expected");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2", "2.1", "2.1.", ".1.1", "3.1.1", "2.1.1.1", "2.1000.1", "2.1.x", "-2.1.1"})
    void refusesWhatIsNoCode(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> EnhancedStatusCode.parse(text));
    }
}
