package org.backupmx.spool.file;

/**
 * The intact header of a record, see {@link RecordFormat}. Lengths are those of meta and data as they were given; if they
 * are encrypted each has a tag behind it in the file.
 */
record RecordHeader(
        RecordType type,
        boolean encrypted,
        long key,
        long id,
        int forced,
        int metaLength,
        int dataLength,
        int metaCrc,
        int dataCrc) {

    private int tagBytes() {
        return encrypted ? RecordCipher.TAG_BYTES : 0;
    }

    /** Returns how much meta takes in the file. */
    int metaBytes() {
        return metaLength + tagBytes();
    }

    /** Returns how much data takes in the file. */
    int dataBytes() {
        return dataLength + tagBytes();
    }

    /** Returns how much header, meta and data take in the file. */
    long bytes() {
        return RecordFormat.HEADER_BYTES + (long) metaBytes() + dataBytes();
    }

    /** Returns the whole length of the record in the file with the zeros at its end. */
    long length() {
        return (bytes() + 7) & ~7L;
    }
}
