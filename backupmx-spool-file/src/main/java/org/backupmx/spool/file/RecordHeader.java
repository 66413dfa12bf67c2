package org.backupmx.spool.file;

/** The intact header of a record, see {@link RecordFormat}. */
record RecordHeader(
        RecordType type, long key, long id, int forced, int metaLength, int dataLength, int metaCrc, int dataCrc) {

    /** Returns the whole length of the record with the zeros at its end. */
    long length() {
        return (RecordFormat.HEADER_BYTES + (long) metaLength + dataLength + 7) & ~7L;
    }
}
