package org.backupmx.spool.file;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;

/** A record being made: room for its header, then meta, then data. Used by one thread at a time. */
final class RecordBuffer {

    private static final byte[] RELEASED = new byte[0];

    private final @Nullable BufferPool pool;
    private byte[] bytes;
    private int length = RecordFormat.HEADER_BYTES;
    private int metaLength;

    /** A small record in memory of its own. */
    RecordBuffer(int capacity) {
        this.pool = null;
        this.bytes = new byte[RecordFormat.padded(RecordFormat.HEADER_BYTES + capacity)];
    }

    /** A record in an array that goes back to a pool. */
    RecordBuffer(BufferPool pool, byte[] bytes) {
        this.pool = pool;
        this.bytes = bytes;
    }

    /** Returns a finished record of a header only, so long that all of it covers some bytes. */
    static RecordBuffer empty(RecordType type, int dataBytes) {
        RecordBuffer record = new RecordBuffer(0);
        record.endMeta();
        record.finish(type, 0);
        RecordFormat.putDataLength(record.bytes, dataBytes);
        return record;
    }

    /** Returns a copy of a record that was read. */
    static RecordBuffer copy(MessageLoader.Read read) {
        RecordHeader header = read.header();
        RecordBuffer record = new RecordBuffer(header.metaLength() + header.dataLength());
        record.put(read.bytes(), RecordFormat.HEADER_BYTES, header.metaLength());
        record.endMeta();
        record.put(read.bytes(), RecordFormat.HEADER_BYTES + header.metaLength(), header.dataLength());
        record.finish(header.type(), header.id());
        return record;
    }

    byte[] bytes() {
        return bytes;
    }

    /** Returns the length so far, header included, without the zeros at the end. */
    int length() {
        return length;
    }

    int metaLength() {
        return metaLength;
    }

    int dataLength() {
        return length - RecordFormat.HEADER_BYTES - metaLength;
    }

    /** Makes room for more bytes if the pool has memory for them. */
    void reserve(int more) throws SpoolUnavailableException {
        if (pool != null && RecordFormat.padded(length + more) > bytes.length) {
            replace(pool, pool.take(RecordFormat.padded(length + more)));
        }
    }

    private void replace(BufferPool owner, byte[] larger) {
        System.arraycopy(bytes, 0, larger, 0, length);
        owner.give(bytes);
        bytes = larger;
    }

    private void ensure(int more) {
        int needed = RecordFormat.padded(length + more);
        if (needed <= bytes.length) {
            return;
        }
        if (pool == null) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, bytes.length * 2));
        } else {
            replace(pool, pool.overdraw(needed)); // an envelope, which is in memory already
        }
    }

    void put(ByteBuffer data, int count) {
        ensure(count);
        data.get(bytes, length, count);
        length += count;
    }

    void put(byte[] data, int from, int count) {
        ensure(count);
        System.arraycopy(data, from, bytes, length, count);
        length += count;
    }

    void putByte(int value) {
        ensure(1);
        bytes[length++] = (byte) value;
    }

    void putShort(int value) {
        ensure(2);
        RecordFormat.putShort(bytes, length, value);
        length += 2;
    }

    void putInt(int value) {
        ensure(4);
        RecordFormat.putInt(bytes, length, value);
        length += 4;
    }

    void putLong(long value) {
        ensure(8);
        RecordFormat.putLong(bytes, length, value);
        length += 8;
    }

    void putInstant(Instant instant) {
        putLong(instant.getEpochSecond());
        putInt(instant.getNano());
    }

    /** Writes text of at most 65,535 bytes of UTF-8 after its length. */
    void putText(String text) {
        ensure(2 + text.length());
        int start = length + 2;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x80) {
                putBytes(text.getBytes(StandardCharsets.UTF_8));
                return;
            }
            bytes[start + i] = (byte) c;
        }
        checkText(text.length());
        RecordFormat.putShort(bytes, length, text.length());
        length = start + text.length();
    }

    private void putBytes(byte[] utf8) {
        checkText(utf8.length);
        putShort(utf8.length);
        put(utf8, 0, utf8.length);
    }

    private static void checkText(int length) {
        if (length > 0xffff) {
            throw new IllegalArgumentException("text of " + length + " bytes (expected: at most 65535)");
        }
    }

    /** Says that the meta ends here and data begins. */
    void endMeta() {
        metaLength = length - RecordFormat.HEADER_BYTES;
    }

    /** Writes the header but for what depends on the place in the log, and the zeros at the end. */
    void finish(RecordType type, long id) {
        Arrays.fill(bytes, length, RecordFormat.padded(length), (byte) 0);
        RecordFormat.putHeader(bytes, type, id, metaLength, dataLength());
    }

    /** Gives the memory back; the buffer is not used any more. */
    void release() {
        if (pool != null && bytes.length > 0) {
            pool.give(bytes);
            bytes = RELEASED;
        }
    }
}
