package org.backupmx.spool.file;

import org.jspecify.annotations.Nullable;

/**
 * The header of a segment, see {@link RecordFormat}; {@code previous} is 0 for the first segment, {@code wrappedKey} null
 * for a segment that is not encrypted.
 */
record SegmentHeader(
        int version,
        int number,
        long key,
        long session,
        int previous,
        int previousEnd,
        @Nullable WrappedKey wrappedKey) {

    /** The header of a segment that is not encrypted. */
    SegmentHeader(int number, long key, long session, int previous, int previousEnd) {
        this(RecordFormat.PLAIN_VERSION, number, key, session, previous, previousEnd, null);
    }

    /** Returns this header as that of an encrypted segment. */
    SegmentHeader withKey(WrappedKey value) {
        return new SegmentHeader(RecordFormat.ENCRYPTED_VERSION, number, key, session, previous, previousEnd, value);
    }

    /** Returns where the first record begins. */
    int length() {
        return wrappedKey == null ? RecordFormat.SEGMENT_HEADER_BYTES : RecordFormat.ENCRYPTED_HEADER_BYTES;
    }

    /** Tells whether nothing of the segment can be read any more, nor is needed. */
    boolean isErased() {
        return wrappedKey != null && wrappedKey.isErased();
    }
}
