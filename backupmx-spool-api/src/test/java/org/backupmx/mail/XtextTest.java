package org.backupmx.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class XtextTest {

    @Test
    void encodesWhatRfc3461Names() {
        assertThat(Xtext.encode("a+b=c d\u007f\u00fc")).isEqualTo("a+2Bb+3Dc+20d+7F+C3+BC");
        assertThat(Xtext.decode("a+2Bb+3Dc+20d+7F+C3+BC")).isEqualTo("a+b=c d\u007f\u00fc");
        assertThat(Xtext.decode("")).isEmpty();
    }

    @Test
    void whatIsNoXtextIsRefused() {
        for (String bad : List.of("+", "+2", "+2b", "+G0", "a+", "a=b", "a b", "\u00fc", "\n", "\u007f", "++2B")) {
            assertThat(Xtext.isXtext(bad)).as(bad).isFalse();
            assertThatIllegalArgumentException().isThrownBy(() -> Xtext.decode(bad));
        }
    }

    @Property
    void encodedTextIsXtextAndDecodesToItself(@ForAll String text) {
        String wellFormed = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        assertThat(Xtext.isXtext(Xtext.encode(text))).isTrue();
        assertThat(Xtext.decode(Xtext.encode(text))).isEqualTo(wellFormed);
    }

    @Property
    void anyTextIsXtextOrRefused(@ForAll String text) {
        if (Xtext.isXtext(text)) {
            assertThat(Xtext.decode(text)).isNotNull();
        } else {
            assertThatIllegalArgumentException().isThrownBy(() -> Xtext.decode(text));
        }
    }
}
