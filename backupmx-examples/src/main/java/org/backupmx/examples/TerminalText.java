package org.backupmx.examples;

import java.util.Locale;

/** Text that strangers wrote, made fit for a terminal: what is not to be seen is spelt out. */
final class TerminalText {

    private TerminalText() {}

    /**
     * Spells out control characters, what turns the direction of writing, line separators and lone surrogates, as
     * {@code \\u{1b}}, and the backslash as two.
     */
    static String of(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            if (c == '\\') {
                out.append("\\\\");
            } else if (isHidden(c)) {
                out.append(String.format(Locale.ROOT, "\\u{%x}", c));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.toString();
    }

    /** Tells whether a character is not simply shown. */
    static boolean isHidden(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.UNASSIGNED,
                    Character.PRIVATE_USE -> true;
            default -> false;
        };
    }

    /** Returns at most so many characters, the last of them an ellipsis if there were more. */
    static String cut(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(most - 2)) ? most - 2 : most - 1;
        return text.substring(0, end) + "…";
    }
}
