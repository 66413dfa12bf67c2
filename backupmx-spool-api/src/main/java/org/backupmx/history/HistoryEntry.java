package org.backupmx.history;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * One line of a history. Immutable and thread-safe.
 *
 * @param at when it happened, in the years 0 to 9999; kept to the millisecond, what is finer is cut off
 * @param text what happened: at most {@link #MAX_TEXT_CHARS} characters in one line, without control characters (tabs
 *     included), line or paragraph separators and unpaired surrogates
 */
public record HistoryEntry(Instant at, String text) {

    /** The longest text: {@value} characters ({@code char}). */
    public static final int MAX_TEXT_CHARS = 1_000;

    private static final Instant FIRST = Instant.parse("0000-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999Z");

    /** Checks the parts. */
    public HistoryEntry {
        at = at.truncatedTo(ChronoUnit.MILLIS);
        if (at.isBefore(FIRST) || at.isAfter(LAST)) {
            throw new IllegalArgumentException("at: " + at + " (expected: " + FIRST + " to " + LAST + ")");
        }
        if (text.length() > MAX_TEXT_CHARS) {
            throw new IllegalArgumentException(
                    "text: " + text.length() + " characters (expected: at most " + MAX_TEXT_CHARS + ")");
        }
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            if (!isPrintable(text.codePointAt(i))) {
                throw new IllegalArgumentException("text: " + name(text.codePointAt(i)) + " at " + i
                        + " (expected: one line without control characters)");
            }
        }
    }

    /**
     * Returns an entry whose text is made to fit: a character that may not stand in it becomes U+FFFD, what is too long
     * is cut off. For texts that peers had a hand in.
     *
     * @param at when it happened, as in {@link #at()}
     * @param text any text
     * @return an entry
     * @throws IllegalArgumentException if {@code at} is out of range
     */
    public static HistoryEntry fitted(Instant at, String text) {
        StringBuilder out = new StringBuilder(Math.min(text.length(), MAX_TEXT_CHARS));
        int next;
        for (int i = 0; i < text.length(); i = next) {
            int character = text.codePointAt(i);
            next = i + Character.charCount(character);
            if (next > MAX_TEXT_CHARS) {
                break;
            }
            out.appendCodePoint(isPrintable(character) ? character : 0xFFFD);
        }
        return new HistoryEntry(requireNonNull(at, "at"), out.toString());
    }

    private static boolean isPrintable(int character) {
        int type = Character.getType(character);
        return type != Character.CONTROL
                && type != Character.SURROGATE
                && type != Character.LINE_SEPARATOR
                && type != Character.PARAGRAPH_SEPARATOR;
    }

    private static String name(int character) {
        return String.format("U+%04X", character);
    }
}
