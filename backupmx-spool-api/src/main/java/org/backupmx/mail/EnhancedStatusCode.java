package org.backupmx.mail;

import static java.util.Objects.requireNonNull;

/**
 * An enhanced mail system status code (RFC 3463): class, subject, detail. Immutable and thread-safe.
 *
 * @param statusClass 2 for success, 4 for a transient failure, 5 for a permanent failure
 * @param subject what the status is about, 0 to 999
 * @param detail the precise condition, 0 to 999
 */
public record EnhancedStatusCode(int statusClass, int subject, int detail) {

    /** Checks the parts. */
    public EnhancedStatusCode {
        boolean known = statusClass == 2 || statusClass == 4 || statusClass == 5;
        if (!known || subject < 0 || subject > 999 || detail < 0 || detail > 999) {
            throw bad(statusClass + "." + subject + "." + detail);
        }
    }

    /**
     * Returns the code that {@code text} writes.
     *
     * @param text {@code class.subject.detail}
     * @return the code
     * @throws IllegalArgumentException if {@code text} is not such a code
     */
    public static EnhancedStatusCode parse(String text) {
        requireNonNull(text, "text");
        int[] parts = new int[3];
        int part = 0;
        int digits = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '.' && digits > 0 && part < 2) {
                part++;
                digits = 0;
            } else if (c >= '0' && c <= '9' && digits < 3) {
                parts[part] = parts[part] * 10 + (c - '0');
                digits++;
            } else {
                throw bad(text);
            }
        }
        if (part != 2 || digits == 0) {
            throw bad(text);
        }
        return new EnhancedStatusCode(parts[0], parts[1], parts[2]);
    }

    private static IllegalArgumentException bad(String text) {
        return new IllegalArgumentException("enhanced status code: " + Printable.of(text)
                + " (expected: class.subject.detail with class 2, 4 or 5)");
    }

    /** Returns {@code class.subject.detail}. */
    @Override
    public String toString() {
        return statusClass + "." + subject + "." + detail;
    }
}
