package org.backupmx.spool.file;

import org.jspecify.annotations.Nullable;

/** Where a record is, and how much of it is read first: less than its header says costs a second read. */
record Extent(long location, int bytes) {

    /** Returns the extent of so many bytes at a location, null if that is nowhere. */
    static @Nullable Extent of(long location, long bytes) {
        return location == 0 ? null : new Extent(location, (int) Math.max(bytes, RecordFormat.HEADER_BYTES));
    }
}
