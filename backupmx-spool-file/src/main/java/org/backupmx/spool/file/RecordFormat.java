package org.backupmx.spool.file;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The layout of records and of the segment header, format versions {@value #PLAIN_VERSION} and, for encrypted segments,
 * {@value #ENCRYPTED_VERSION}. Numbers are big-endian.
 *
 * <pre>
 * segment file: header, then records one after the other, each at a multiple of 8
 *
 *  0        8        12       16       24      32        40          48         52        60    64
 *  +--------+--------+--------+--------+-------+---------+-----------+----------+---------+-----+
 *  |BMXSPOOL| version| length | number | key   | session | previous  | its end  | zero    | CRC |
 *  +--------+--------+--------+--------+-------+---------+-----------+----------+---------+-----+
 *
 * of version 2, on from 64; all of it once more at 4096; its length is 8192
 *
 *  64        66                  136     148                 196         200
 *  +---------+-------------------+-------+-------------------+-----------+
 *  | length  | id of a key, then | nonce | data key, wrapped | CRC of    |
 *  | of id   | zero              |       | with that, + tag  | 64 to 195 |
 *  +---------+-------------------+-------+-------------------+-----------+
 *
 * record: header, meta, data, zeros up to a multiple of 8
 *
 *  0     4     5      6     8      16    24       28       32       36        40        44        48
 *  +-----+-----+------+-----+------+-----+--------+--------+--------+---------+---------+---------+------+------+
 *  |BMXR |type |flags |zero | key  | id  | forced | meta   | data   | CRC of  | CRC of  | CRC of  | meta | data |
 *  |     |     |      |     |      |     |        | length | length | meta    | data    | 0 to 43 |      |      |
 *  +-----+-----+------+-----+------+-----+--------+--------+--------+---------+---------+---------+------+------+
 * </pre>
 *
 * <p>{@code key} is random for each segment: what an earlier use of the file left behind, and what somebody put into
 * his mail to look like a record, is no record of this segment. {@code forced} is how far this segment was forced when
 * the record was written: damage before it hit something committed, damage after it may be a torn write that nobody
 * was told of. {@code previous} and {@code its end} say the same of the segment before, once and for all.
 *
 * <p>Flag 1: meta and data are encrypted, see {@link RecordCipher}; each has a tag of 16 bytes behind it that its length
 * does not count and its CRC covers.
 */
final class RecordFormat {

    static final int PLAIN_VERSION = 1;
    static final int ENCRYPTED_VERSION = 2;
    /** The length of a header of version 1, and of the part that every version has. */
    static final int SEGMENT_HEADER_BYTES = 64;
    /** The length of a header of version 2: two blocks, so that one bad place costs nothing. */
    static final int ENCRYPTED_HEADER_BYTES = 8192;
    /** Where the header of version 2 stands a second time. */
    static final int COPY_AT = 4096;
    /** What is used of each of its blocks. */
    static final int BLOCK_BYTES = 200;
    /** What the tag of the wrapped key covers: everything before it but the nonce. */
    static final int NAMED_BYTES = 136;

    static final int HEADER_BYTES = 48;
    /** The most bytes of a record's meta: an envelope of some 15,000 recipients with the longest of everything. */
    static final int MAX_META_BYTES = 16 << 20;

    static final int RECORD_MAGIC = 0x424D5852;
    private static final long SEGMENT_MAGIC = 0x424D5853504F4F4CL;

    /** What the tags of an encrypted record cover of its header: all but the CRCs. */
    static final int AUTHENTICATED_BYTES = 36;

    private static final int KEY_ID_AT = 64;
    private static final int NONCE_AT = NAMED_BYTES;
    private static final int WRAPPED_AT = NONCE_AT + WrappedKey.NONCE_BYTES;
    private static final int WRAPPED_CRC_AT = WRAPPED_AT + WrappedKey.SEALED_BYTES;
    private static final int ENCRYPTED = 1;

    private static final int TYPE_AT = 4;
    private static final int FLAGS_AT = 5;
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

    /** Copies a header for the record to be encrypted behind it. */
    static void copyHeader(byte[] from, byte[] to, long key, int forced) {
        System.arraycopy(from, 0, to, 0, HEADER_BYTES);
        to[FLAGS_AT] = ENCRYPTED;
        putLong(to, KEY_AT, key);
        putInt(to, FORCED_AT, forced);
    }

    /** Completes an encrypted record: CRCs of what stands in the file, and the zeros at its end. */
    static void finishEncrypted(byte[] bytes, int dataAt, int end) {
        putInt(bytes, META_CRC_AT, crc(bytes, HEADER_BYTES, dataAt - HEADER_BYTES));
        putInt(bytes, DATA_CRC_AT, crc(bytes, dataAt, end - dataAt));
        putInt(bytes, HEADER_CRC_AT, crc(bytes, 0, HEADER_CRC_AT));
        Arrays.fill(bytes, end, padded(end), (byte) 0);
    }

    /** Returns what the tags of an encrypted record cover of its header. */
    static byte[] authenticated(RecordHeader header) {
        byte[] bytes = new byte[AUTHENTICATED_BYTES];
        putInt(bytes, 0, RECORD_MAGIC);
        bytes[TYPE_AT] = (byte) header.type().code();
        bytes[FLAGS_AT] = ENCRYPTED;
        putLong(bytes, KEY_AT, header.key());
        putLong(bytes, ID_AT, header.id());
        putInt(bytes, FORCED_AT, header.forced());
        putInt(bytes, META_LENGTH_AT, header.metaLength());
        putInt(bytes, DATA_LENGTH_AT, header.dataLength());
        return bytes;
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
        int flags = getInt(bytes, at + TYPE_AT) & 0xffffff;
        boolean encrypted = flags == ENCRYPTED << 16;
        if (type == null
                || flags != 0 && !encrypted
                || metaLength < 0
                || metaLength > MAX_META_BYTES
                || dataLength < 0
                || encrypted && dataLength > ChunkItem.DATA_BYTES) {
            return null;
        }
        return new RecordHeader(
                type,
                encrypted,
                getLong(bytes, at + KEY_AT),
                getLong(bytes, at + ID_AT),
                getInt(bytes, at + FORCED_AT),
                metaLength,
                dataLength,
                getInt(bytes, at + META_CRC_AT),
                getInt(bytes, at + DATA_CRC_AT));
    }

    /** Returns a segment's header, in version 2 the first of its two blocks. */
    static byte[] encode(SegmentHeader header) {
        WrappedKey wrapped = header.wrappedKey();
        byte[] bytes = new byte[wrapped == null ? SEGMENT_HEADER_BYTES : BLOCK_BYTES];
        putLong(bytes, 0, SEGMENT_MAGIC);
        putInt(bytes, 8, header.version());
        putInt(bytes, 12, header.length());
        putLong(bytes, 16, header.number());
        putLong(bytes, 24, header.key());
        putLong(bytes, 32, header.session());
        putLong(bytes, 40, header.previous());
        putInt(bytes, 48, header.previousEnd());
        putInt(bytes, 60, crc(bytes, 0, 60));
        if (wrapped != null) {
            putWrapped(bytes, wrapped);
        }
        return bytes;
    }

    private static void putWrapped(byte[] bytes, WrappedKey wrapped) {
        byte[] id = wrapped.keyId().getBytes(StandardCharsets.US_ASCII);
        putShort(bytes, KEY_ID_AT, id.length);
        System.arraycopy(id, 0, bytes, KEY_ID_AT + 2, id.length);
        System.arraycopy(wrapped.nonce(), 0, bytes, NONCE_AT, WrappedKey.NONCE_BYTES);
        System.arraycopy(wrapped.sealed(), 0, bytes, WRAPPED_AT, WrappedKey.SEALED_BYTES);
        putInt(bytes, WRAPPED_CRC_AT, crc(bytes, KEY_ID_AT, WRAPPED_CRC_AT - KEY_ID_AT));
    }

    /** Returns what is to stand behind the first 64 bytes of each block once the key is erased. */
    static byte[] erasedKey() {
        byte[] block = new byte[BLOCK_BYTES];
        putWrapped(block, WrappedKey.ERASED);
        return Arrays.copyOfRange(block, KEY_ID_AT, BLOCK_BYTES);
    }

    /** Returns the segment header that begins {@code bytes}, or null if it is not intact. */
    static @Nullable SegmentHeader segmentHeader(byte[] bytes) {
        if (getLong(bytes, 0) != SEGMENT_MAGIC || getInt(bytes, 60) != crc(bytes, 0, 60)) {
            return null;
        }
        int version = getInt(bytes, 8);
        WrappedKey wrapped = version == ENCRYPTED_VERSION ? wrappedKey(bytes) : null;
        if (version == ENCRYPTED_VERSION && wrapped == null) {
            return null;
        }
        return new SegmentHeader(
                version,
                (int) getLong(bytes, 16),
                getLong(bytes, 24),
                getLong(bytes, 32),
                (int) getLong(bytes, 40),
                getInt(bytes, 48),
                wrapped);
    }

    private static @Nullable WrappedKey wrappedKey(byte[] bytes) {
        if (bytes.length < BLOCK_BYTES
                || getInt(bytes, WRAPPED_CRC_AT) != crc(bytes, KEY_ID_AT, WRAPPED_CRC_AT - KEY_ID_AT)
                || getShort(bytes, KEY_ID_AT) > SpoolKeys.MAX_ID_CHARS) {
            return null;
        }
        return new WrappedKey(
                new String(bytes, KEY_ID_AT + 2, getShort(bytes, KEY_ID_AT), StandardCharsets.US_ASCII),
                Arrays.copyOfRange(bytes, NONCE_AT, WRAPPED_AT),
                Arrays.copyOfRange(bytes, WRAPPED_AT, WRAPPED_CRC_AT));
    }
}
