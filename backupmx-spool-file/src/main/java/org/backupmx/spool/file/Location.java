package org.backupmx.spool.file;

/** Where a record is, in one long: segment number above offset. 0 is nowhere. */
final class Location {

    private Location() {}

    static long of(int segment, int offset) {
        return (long) segment << 32 | offset;
    }

    static int segment(long location) {
        return (int) (location >>> 32);
    }

    static int offset(long location) {
        return (int) location;
    }

    static String text(long location) {
        return SegmentFiles.name(segment(location)) + " at " + offset(location);
    }
}
