package org.backupmx.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SmtpReplyTest {

    @Test
    void classOfTheCodeIsTold() {
        SmtpReply ok = SmtpReply.of(250, "2.1.5", "Recipient ok");
        assertThat(ok).hasToString("250 2.1.5 Recipient ok");
        assertThat(ok.isPositive()).isTrue();
        assertThat(ok.enhanced()).contains(new EnhancedStatusCode(2, 1, 5));
        assertThat(SmtpReply.of(354, List.of("Go on")).isPositive()).isFalse();
        assertThat(SmtpReply.of(451, "4.3.0", "Later").isTransient()).isTrue();
        assertThat(SmtpReply.of(451, "4.3.0", "Later").isPermanent()).isFalse();
        assertThat(SmtpReply.of(550, "5.1.1", "No").isPermanent()).isTrue();
        assertThat(SmtpReply.of(550, "5.1.1", "No").isTransient()).isFalse();
        assertThat(SmtpReply.of(250, List.of("a", "b"))).hasToString("250 a / b");
        assertThat(SmtpReply.of(250, Optional.of(new EnhancedStatusCode(2, 1, 5)), List.of("Recipient ok")))
                .isEqualTo(ok)
                .hasSameHashCodeAs(ok);
    }

    @Test
    void partsOutOfRangeAreRefused() {
        for (int code : new int[] {199, 600, 0, -250}) {
            assertThatIllegalArgumentException().isThrownBy(() -> SmtpReply.of(code, List.of("x")));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> SmtpReply.of(250, List.of()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SmtpReply.of(250, Collections.nCopies(SmtpReply.MAX_LINES + 1, "x")));
        assertThat(SmtpReply.of(250, Collections.nCopies(SmtpReply.MAX_LINES, "x"))
                        .lines())
                .hasSize(SmtpReply.MAX_LINES);
        assertThatIllegalArgumentException().isThrownBy(() -> SmtpReply.of(250, "2.1", "x"));
    }

    @Test
    void controlCharactersBecomeQuestionMarks() {
        assertThat(SmtpReply.of(250, List.of("a\r\nDATA\r\n.\0\u007f\u0085\tb")).lines())
                .containsExactly("a??DATA??.???\tb");
    }

    @Property
    void linesAreSafeAndOtherwiseKept(@ForAll @Size(min = 1, max = 8) List<String> lines) {
        SmtpReply reply = SmtpReply.of(451, lines);
        assertThat(reply.lines()).hasSameSizeAs(lines);
        for (int i = 0; i < lines.size(); i++) {
            String line = reply.lines().get(i);
            assertThat(line).hasSameSizeAs(lines.get(i));
            for (int j = 0; j < line.length(); j++) {
                char c = lines.get(i).charAt(j);
                boolean control = Character.isISOControl(c) && c != '\t';
                assertThat(line.charAt(j)).isEqualTo(control ? '?' : c);
            }
        }
        assertThat(SmtpReply.of(451, reply.lines())).as("safe text stays").isEqualTo(reply);
    }
}
