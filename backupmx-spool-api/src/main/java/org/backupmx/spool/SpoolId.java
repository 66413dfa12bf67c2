package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

/**
 * The identity of a message in one spool, never used again for another message. Immutable and thread-safe.
 *
 * @param value 1 to {@value #MAX_CHARS} letters, digits and hyphens; stands in Received fields, replies and logs
 */
public record SpoolId(String value) implements Comparable<SpoolId> {

    /** The longest identity: {@value} characters. */
    public static final int MAX_CHARS = 64;

    /** Checks the value. */
    public SpoolId {
        requireNonNull(value, "value");
        boolean good = !value.isEmpty() && value.length() <= MAX_CHARS;
        for (int i = 0; good && i < value.length(); i++) {
            char c = value.charAt(i);
            good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        }
        if (!good) {
            throw new IllegalArgumentException("spool id of " + value.length() + " characters (expected: 1 to "
                    + MAX_CHARS + " letters, digits and hyphens)");
        }
    }

    @Override
    public int compareTo(SpoolId other) {
        return value.compareTo(other.value);
    }

    /** Returns the value. */
    @Override
    public String toString() {
        return value;
    }
}
