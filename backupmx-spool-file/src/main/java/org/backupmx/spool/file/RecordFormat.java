package org.backupmx.spool.file;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The layout of records and of the segment header, format version {@value #VERSION}. Numbers are big-endian.
 *
 * <pre>
 * segment file: header, then records one after the other, each at a multiple of 8
 *
 *  0        8        12       16       24      32        40          48         52        60    64
 *  +--------+--------+--------+--------+-------+---------+-----------+----------+---------+-----+
 *  |BMXSPOOL| version| 64     | number | key   | session | previous  | its end  | zero    | CRC |
 *  +--------+--------+--------+--------+-------+---------+-----------+----------+---------+-----+
 *
 * record: header, meta, data, zeros up to a multiple of 8
 *
 *  0     4     5     8      16    24       28       32       36        40        44        48
 *  +-----+-----+-----+------+-----+--------+--------+--------+---------+---------+---------+------+------+
 *  |BMXR |type |zero | key  | id  | forced | meta   | data   | CRC of  | CRC of  | CRC of  | meta | data |
 *  |     |     |     |      |     |        | length | length | meta    | data    | 0 to 43 |      |      |
 *  +-----+-----+-----+------+-----+--------+--------+--------+---------+---------+---------+------+------+
 * </pre>
 *
 * <p>{@code key} is random for each segment: what an earlier use of the file left behind, and what somebody put into
 * his mail to look like a record, is no record of this segment. {@code forced} is how far this segment was forced when
 * the record was written: damage before it hit something committed, damage after it may be a torn write that nobody
 * was told of. {@code previous} and {@code its end} say the same of the segment before, once and for all.
 */
final class RecordFormat {

    static final int VERSION = 1;
    static final int SEGMENT_HEADER_BYTES = 64;
    static final int HEADER_BYTES = 48;
    /** The most bytes of a record's meta: an envelope of some 15,000 recipients with the longest of everything. */
    static final int MAX_META_BYTES = 16 << 20;

    static final int RECORD_MAGIC = 0x424D5852;
    private static final long SEGMENT_MAGIC = 0x424D5853504F4F4CL;

    private static final int TYPE_AT = 4;
    private static final int KEY_AT = 8;
    private static final int ID_AT = 16;
    private static final int FORCED_AT = 24;
    private static final int META_LENGTH_AT = 28;
    private static final int DATA_LENGTH_AT = 32;
    private static final int META_CRC_AT = 36;
    private static final int DATA_CRC_AT = 40;
    private static final int HEADER_CRC_AT = 44;

    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private RecordFormat() {}

    static int getShort(byte[] bytes, int at) {
        return (short) SHORT.get(bytes, at) & 0xffff;
    }

    static void putShort(byte[] bytes, int at, int value) {
        SHORT.set(bytes, at, (short) value);
    }

    static int getInt(byte[] bytes, int at) {
        return (int) INT.get(bytes, at);
    }

    static void putInt(byte[] bytes, int at, int value) {
        INT.set(bytes, at, value);
    }

    static long getLong(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    static void putLong(byte[] bytes, int at, long value) {
        LONG.set(bytes, at, value);
    }

    static int crc(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }

    /** Returns {@code length} with the zeros that follow it. */
    static int padded(int length) {
        return (length + 7) & ~7;
    }

    /** Writes what is known of a record's header before its place in the log is: all but key, forced and CRC. */
    static void putHeader(byte[] bytes, RecordType type, long id, int metaLength, int dataLength) {
        putInt(bytes, 0, RECORD_MAGIC);
        putInt(bytes, TYPE_AT, type.code() << 24);
        putLong(bytes, ID_AT, id);
        putInt(bytes, META_LENGTH_AT, metaLength);
        putInt(bytes, DATA_LENGTH_AT, dataLength);
        putInt(bytes, META_CRC_AT, crc(bytes, HEADER_BYTES, metaLength));
        putInt(bytes, DATA_CRC_AT, crc(bytes, HEADER_BYTES + metaLength, dataLength));
    }

    /** Has a PAD cover bytes that are no data. */
    static void putDataLength(byte[] bytes, int dataLength) {
        putInt(bytes, DATA_LENGTH_AT, dataLength);
    }

    /** Completes a header, when the record's place in the log is known. */
    static void seal(byte[] bytes, long key, int forced) {
        putLong(bytes, KEY_AT, key);
        putInt(bytes, FORCED_AT, forced);
        putInt(bytes, HEADER_CRC_AT, crc(bytes, 0, HEADER_CRC_AT));
    }

    /** Returns the record header at a place, or null if there is no intact one. */
    static @Nullable RecordHeader header(byte[] bytes, int at) {
        if (getInt(bytes, at) != RECORD_MAGIC || getInt(bytes, at + HEADER_CRC_AT) != crc(bytes, at, HEADER_CRC_AT)) {
            return null;
        }
        RecordType type = RecordType.of(bytes[at + TYPE_AT]);
        int metaLength = getInt(bytes, at + META_LENGTH_AT);
        int dataLength = getInt(bytes, at + DATA_LENGTH_AT);
        if (type == null || metaLength < 0 || metaLength > MAX_META_BYTES || dataLength < 0) {
            return null;
        }
        return new RecordHeader(
                type,
                getLong(bytes, at + KEY_AT),
                getLong(bytes, at + ID_AT),
                getInt(bytes, at + FORCED_AT),
                metaLength,
                dataLength,
                getInt(bytes, at + META_CRC_AT),
                getInt(bytes, at + DATA_CRC_AT));
    }

    static byte[] encode(SegmentHeader header) {
        byte[] bytes = new byte[SEGMENT_HEADER_BYTES];
        putLong(bytes, 0, SEGMENT_MAGIC);
        putInt(bytes, 8, header.version());
        putInt(bytes, 12, SEGMENT_HEADER_BYTES);
        putLong(bytes, 16, header.number());
        putLong(bytes, 24, header.key());
        putLong(bytes, 32, header.session());
        putLong(bytes, 40, header.previous());
        putInt(bytes, 48, header.previousEnd());
        putInt(bytes, 60, crc(bytes, 0, 60));
        return bytes;
    }

    /** Returns the segment header that begins {@code bytes}, or null if it is not intact. */
    static @Nullable SegmentHeader segmentHeader(byte[] bytes) {
        if (getLong(bytes, 0) != SEGMENT_MAGIC || getInt(bytes, 60) != crc(bytes, 0, 60)) {
            return null;
        }
        return new SegmentHeader(
                getInt(bytes, 8),
                (int) getLong(bytes, 16),
                getLong(bytes, 24),
                getLong(bytes, 32),
                (int) getLong(bytes, 40),
                getInt(bytes, 48));
    }
}
