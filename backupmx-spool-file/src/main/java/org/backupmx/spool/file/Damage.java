package org.backupmx.spool.file;

import org.jspecify.annotations.Nullable;

/** Bytes of a segment that are not what was written; with the record's header if that is intact. */
record Damage(
        int segment, long offset, long length, @Nullable RecordHeader header, String reason) {

    String describe() {
        return SegmentFiles.name(segment) + " at " + offset + ", " + length + " bytes: " + reason;
    }
}
