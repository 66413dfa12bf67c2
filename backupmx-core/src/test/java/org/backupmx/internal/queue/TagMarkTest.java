package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.RecipientState;
import org.junit.jupiter.api.Test;

class TagMarkTest {

    private static final Instant AT = Instant.parse("2026-11-22T10:00:00Z");
    private static final SmtpReply SPAM = SmtpReply.of(554, "5.7.1", "Message rejected as spam");

    private static RecipientState deferred(SmtpReply reply) {
        return new RecipientState.Deferred(reply, AT);
    }

    private static String field(SmtpReply refusal) {
        return new String(TagMark.field(deferred(TagMark.marked(refusal))), StandardCharsets.ISO_8859_1);
    }

    @Test
    void theFieldSaysWhatTheRefusalSaid() {
        assertThat(field(SPAM)).isEqualTo("X-BackupMX-Refused: 554 5.7.1 Message rejected as spam\r\n");
    }

    @Test
    void aLongRefusalIsFolded() {
        String words = "This message looks like something that we would rather not have here, says our filter";
        assertThat(field(SmtpReply.of(550, Optional.empty(), List.of(words, "See https://example.test/why")))
                        .split("\r\n"))
                .containsExactly(
                        "X-BackupMX-Refused: 550 This message looks like something that we would rather",
                        " not have here, says our filter See https://example.test/why");
    }

    @Test
    void anAnswerToTheTagKeepsTheRefusal() {
        RecipientState tagged = deferred(TagMark.marked(SPAM));
        RecipientState again = deferred(TagMark.answered(tagged, SmtpReply.of(450, "4.2.1", "Later; then: never")));
        assertThat(TagMark.is(again)).isTrue();
        assertThat(TagMark.field(again)).isEqualTo(TagMark.field(tagged));
    }

    @Test
    void nobodyElseWritesTheMark() {
        SmtpReply mark = TagMark.marked(SPAM);
        assertThat(TagMark.is(deferred(AttemptOutcome.ofPeer(mark)))).isFalse();
        assertThat(AttemptOutcome.ofPeer(SPAM)).isSameAs(SPAM);
        assertThat(RescueMark.is(deferred(AttemptOutcome.ofPeer(RescueMark.begun(AT, SPAM)))))
                .isFalse();
    }

    @Property(tries = 500)
    void whateverThePrimarySaysTheFieldIsOne(
            @ForAll @Size(min = 1, max = 5) List<@StringLength(max = 300) String> lines) {
        String field = field(SmtpReply.of(550, lines));
        assertThat(field).startsWith("X-BackupMX-Refused: 550").endsWith("\r\n").hasSizeLessThan(600);
        for (String line : field.substring(0, field.length() - 2).split("\r\n", -1)) {
            assertThat(line).matches("(X-BackupMX-Refused:)?[ -~]*").hasSizeLessThanOrEqualTo(78);
            assertThat(line.strip())
                    .as("no line of blanks, which ends no header section")
                    .isNotEmpty();
        }
        assertThat(field).as("continued lines begin with a blank").doesNotContainPattern("\r\n[^ ]");
    }
}
