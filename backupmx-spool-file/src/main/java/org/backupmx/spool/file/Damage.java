package org.backupmx.spool.file;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of a segment that are not what was written; with the record's header if that is intact. Those that the disk
 * refuses to read may come back.
 */
record Damage(
        int segment, long offset, long length, @Nullable RecordHeader header, String reason, boolean isUnreadable) {

    /** Bytes that were read, and are wrong. */
    Damage(int segment, long offset, long length, @Nullable RecordHeader header, String reason) {
        this(segment, offset, length, header, reason, false);
    }

    /** Bytes that the disk refuses to read. */
    static Damage unreadable(int segment, long offset, long length, @Nullable RecordHeader header, IOException fault) {
        return new Damage(segment, offset, length, header, "cannot be read: " + FileFault.of(fault), true);
    }

    long end() {
        return offset + length;
    }

    String describe() {
        return SegmentFiles.name(segment) + " at " + offset + ", " + length + " bytes: " + reason;
    }
}
