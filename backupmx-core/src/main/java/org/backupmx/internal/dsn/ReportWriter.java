package org.backupmx.internal.dsn;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes lines that end in CRLF, none of them longer than RFC 5322 allows. What it is given can hold anything: a control
 * character becomes {@code ?}, so that no text makes a line or a field of its own; so does what is not ASCII unless
 * UTF-8 is asked for. Not thread-safe.
 */
final class ReportWriter {

    /** How long a line should be, line end not counted. */
    private static final int GOOD_LINE = 76;

    /** How long a word may be before it is broken; in octets of UTF-8 that is within the 998 of a line. */
    private static final int LONGEST_WORD = 300;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream(4096);
    private final boolean isUtf8;

    ReportWriter(boolean isUtf8) {
        this.isUtf8 = isUtf8;
    }

    /** Writes a header field, folded. */
    ReportWriter field(String name, String value) {
        return wrapped(name + ": ", " ", value);
    }

    /** Writes a line of its own, wrapped. */
    ReportWriter text(String line) {
        return wrapped("", "", line);
    }

    /** Writes an empty line. */
    ReportWriter line() {
        return raw("\r\n");
    }

    /** Writes text of ours as it is. */
    ReportWriter raw(String text) {
        out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    /** Writes octets as they are. */
    ReportWriter raw(byte[] octets) {
        out.writeBytes(octets);
        return this;
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    private ReportWriter wrapped(String start, String indent, String text) {
        StringBuilder line = new StringBuilder(start);
        boolean isEmpty = true;
        for (String word : safe(text).split(" ", -1)) {
            String rest = word;
            do {
                int end = Math.min(rest.length(), LONGEST_WORD);
                if (end < rest.length() && Character.isHighSurrogate(rest.charAt(end - 1))) {
                    end--;
                }
                if (!isEmpty && line.length() + 1 + end > GOOD_LINE) {
                    raw(line.append("\r\n").toString());
                    line = new StringBuilder(indent);
                } else if (!isEmpty) {
                    line.append(' ');
                }
                line.append(rest, 0, end);
                isEmpty = false;
                rest = rest.substring(end);
            } while (!rest.isEmpty());
        }
        return raw(line.append("\r\n").toString());
    }

    private String safe(String text) {
        StringBuilder safe = new StringBuilder(text);
        for (int i = 0; i < safe.length(); i++) {
            char c = safe.charAt(i);
            if (c == '\t') {
                safe.setCharAt(i, ' ');
            } else if (Character.isISOControl(c) || (c >= 0x80 && !isUtf8)) {
                safe.setCharAt(i, '?');
            }
        }
        // Runs of spaces would fold into lines of nothing but spaces, which end a header for some.
        return safe.toString().strip().replaceAll(" {2,}", " ");
    }
}
