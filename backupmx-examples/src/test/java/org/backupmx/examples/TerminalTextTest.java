package org.backupmx.examples;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TerminalTextTest {

    @Test
    void spellsOutWhatIsNotToBeSeen() {
        assertThat(TerminalText.of("a\033[2Jb\u0007\u009b\u202e\u2028\ud800\u007f\\"))
                .isEqualTo("a\\u{1b}[2Jb\\u{7}\\u{9b}\\u{202e}\\u{2028}\\u{d800}\\u{7f}\\\\");
        assertThat(TerminalText.of("Grüße 🙂 <a@b.example>")).isEqualTo("Grüße 🙂 <a@b.example>");
    }

    @Property
    void whatItGivesIsShownAsItIs(@ForAll String text) {
        String shown = TerminalText.of(text);
        assertThat(shown.codePoints()).noneMatch(TerminalText::isHidden);
        assertThat(AdminServer.text(shown)).isEqualTo(shown);
    }

    @Property
    void cutsWithoutHalves(@ForAll String text, @ForAll @IntRange(min = 2, max = 40) int most) {
        String cut = TerminalText.cut(TerminalText.of(text), most);
        assertThat(cut.length()).isLessThanOrEqualTo(most);
        assertThat(cut.codePoints()).noneMatch(TerminalText::isHidden);
    }
}
