package org.backupmx.spool.file;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * Reads what {@link RecordBuffer} wrote. What does not fit throws {@link IllegalArgumentException}: the caller has
 * checked the CRC, so it is a fault of the writer, and told as damage.
 */
final class MetaReader {

    private final byte[] bytes;
    private final int end;
    private int at;

    MetaReader(byte[] bytes, int from, int length) {
        this.bytes = bytes;
        this.at = from;
        this.end = from + length;
    }

    private int take(int count) {
        if (count > end - at) {
            throw new IllegalArgumentException("meta: ends after " + (end - at) + " bytes (expected: " + count + ")");
        }
        int from = at;
        at += count;
        return from;
    }

    int getByte() {
        return bytes[take(1)] & 0xff;
    }

    int getShort() {
        return RecordFormat.getShort(bytes, take(2));
    }

    int getInt() {
        return RecordFormat.getInt(bytes, take(4));
    }

    /** Returns how many elements follow, each of at least so many bytes. */
    int getCount(int elementBytes) {
        int count = getInt();
        if (count < 0 || (long) count * elementBytes > end - at) {
            throw new IllegalArgumentException("meta: " + count + " elements in " + (end - at) + " bytes");
        }
        return count;
    }

    long getLong() {
        return RecordFormat.getLong(bytes, take(8));
    }

    Instant getInstant() {
        long seconds = getLong();
        int nanos = getInt();
        if (nanos < 0 || nanos > 999_999_999) {
            throw new IllegalArgumentException("meta: " + nanos + " nanoseconds");
        }
        try {
            return Instant.ofEpochSecond(seconds, nanos);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("meta: instant of " + seconds + " seconds", e);
        }
    }

    String getText() {
        int length = getShort();
        return new String(bytes, take(length), length, StandardCharsets.UTF_8);
    }

    /** Returns how many bytes were not read yet. */
    int remaining() {
        return end - at;
    }

    boolean atEnd() {
        return at == end;
    }
}
