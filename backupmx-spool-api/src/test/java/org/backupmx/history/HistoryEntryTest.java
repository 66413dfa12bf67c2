package org.backupmx.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HistoryEntryTest {

    private static final Instant AT = Instant.parse("2026-11-22T12:00:00.123456789Z");

    @Test
    void whatIsFinerThanAMillisecondIsCutOff() {
        assertThat(new HistoryEntry(AT, "a").at()).isEqualTo("2026-11-22T12:00:00.123Z");
        assertThat(new HistoryEntry(Instant.parse("1969-12-31T23:59:59.9999Z"), "a").at())
                .isEqualTo("1969-12-31T23:59:59.999Z");
        assertThat(new HistoryEntry(AT, "a")).isEqualTo(new HistoryEntry(AT.plusNanos(1), "a"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-0001-12-31T23:59:59.999Z", "+10000-01-01T00:00:00Z"})
    void otherYearsAreRefused(Instant at) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HistoryEntry(at, "a"))
                .withMessage("at: " + at + " (expected: 0000-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u0000", "\n", "\r", "\t", "\u001B", "\u007F", "\u0085", "\u009F", "\u2028", "\u2029", "\uD83D",
                "\uDCEB"
            })
    void whatIsNotPrintableIsRefusedAndFitted(String bad) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HistoryEntry(AT, "ab" + bad + "c"))
                .withMessage(String.format(
                        "text: U+%04X at 2 (expected: one line without control characters)", (int) bad.charAt(0)));
        assertThat(HistoryEntry.fitted(AT, "ab" + bad + "c").text()).isEqualTo("ab\uFFFDc");
    }

    @Test
    void whatIsTooLongIsRefusedAndCut() {
        String longest = "x".repeat(1_000);
        assertThat(new HistoryEntry(AT, longest).text()).isEqualTo(longest);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HistoryEntry(AT, longest + "x"))
                .withMessage("text: 1001 characters (expected: at most 1000)");
        assertThat(HistoryEntry.fitted(AT, longest + "y").text()).isEqualTo(longest);
        assertThat(HistoryEntry.fitted(AT, "x".repeat(999) + "\uD83D\uDCEB").text())
                .isEqualTo("x".repeat(999));
    }

    @Property(tries = 300)
    void anyTextCanBeFitted(@ForAll String text) {
        String fitted = HistoryEntry.fitted(AT, text).text();
        assertThat(fitted).hasSizeLessThanOrEqualTo(1_000);
        assertThat(HistoryEntry.fitted(AT, fitted).text()).isEqualTo(fitted);
    }
}
