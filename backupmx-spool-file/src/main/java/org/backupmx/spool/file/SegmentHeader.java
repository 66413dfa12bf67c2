package org.backupmx.spool.file;

/** The header of a segment, see {@link RecordFormat}; {@code previous} is 0 for the first segment. */
record SegmentHeader(int version, int number, long key, long session, int previous, int previousEnd) {}
