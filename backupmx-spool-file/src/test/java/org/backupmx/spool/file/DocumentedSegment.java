package org.backupmx.spool.file;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * Lays down a segment octet by octet as {@code docs/file-format.md} says, with nothing of the code under test, and notes
 * on a line of hexadecimal digits what each octet is.
 */
final class DocumentedSegment {

    private final ByteArrayOutputStream octets = new ByteArrayOutputStream();
    private final StringBuilder notes = new StringBuilder();
    private final long key;

    /** Begins with the header of format version 1. */
    DocumentedSegment(long number, long key, long session, long previous, int previousEnd) {
        this.key = key;
        DocumentedSegment header = new DocumentedSegment(key);
        header.ascii("magic", "BMXSPOOL")
                .u32("format version", 1)
                .u32("length of this header", 64)
                .u64("number of the segment", number)
                .u64("key", key)
                .u64("session", session)
                .u64("number of the segment before", previous)
                .u32("where that ends", previousEnd)
                .raw("zero", new byte[8]);
        note("segment header");
        append(header);
        u32("CRC32C of bytes 0 to 59", crc(header.octets.toByteArray()));
    }

    /** Begins with nothing. */
    private DocumentedSegment(long key) {
        this.key = key;
    }

    /** Appends a record. */
    DocumentedSegment record(
            String name, int type, long id, int forced, Consumer<DocumentedSegment> meta, byte[] data) {
        DocumentedSegment body = new DocumentedSegment(key);
        meta.accept(body);
        DocumentedSegment header = new DocumentedSegment(key);
        header.ascii("magic", "BMXR")
                .u8("type", type)
                .raw("zero", new byte[3])
                .u64("the segment's key", key)
                .u64("message", id)
                .u32("forced", forced)
                .u32("length of meta", body.octets.size())
                .u32("length of data", data.length)
                .u32("CRC32C of meta", crc(body.octets.toByteArray()))
                .u32("CRC32C of data", type == 9 ? 0 : crc(data));
        notes.append('\n');
        note(name + ", at " + octets.size());
        append(header);
        u32("CRC32C of bytes 0 to 43", crc(header.octets.toByteArray()));
        append(body);
        raw("data", data);
        return raw("zeros", new byte[(8 - octets.size() % 8) % 8]);
    }

    private void append(DocumentedSegment part) {
        octets.writeBytes(part.octets.toByteArray());
        notes.append(part.notes);
    }

    private void note(String text) {
        notes.append("# ").append(text).append('\n');
    }

    DocumentedSegment u8(String what, int value) {
        return raw(what, new byte[] {(byte) value});
    }

    DocumentedSegment u16(String what, int value) {
        return raw(what, ByteBuffer.allocate(2).putShort((short) value).array());
    }

    DocumentedSegment u32(String what, int value) {
        return raw(what, ByteBuffer.allocate(4).putInt(value).array());
    }

    DocumentedSegment u64(String what, long value) {
        return raw(what, ByteBuffer.allocate(8).putLong(value).array());
    }

    DocumentedSegment instant(String what, long seconds, int nanos) {
        return u64(what + ", seconds", seconds).u32(what + ", nanoseconds", nanos);
    }

    DocumentedSegment text(String what, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return u16("length of " + what, utf8.length).raw(what, utf8);
    }

    private DocumentedSegment ascii(String what, String text) {
        return raw(what, text.getBytes(StandardCharsets.US_ASCII));
    }

    /** Appends octets and one line that says what they are. */
    DocumentedSegment raw(String what, byte[] bytes) {
        octets.writeBytes(bytes);
        if (bytes.length > 0) {
            notes.append(HexFormat.of().formatHex(bytes)).append("  # ").append(what);
            notes.append('\n');
        }
        return this;
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length);
        return (int) crc.getValue();
    }

    int length() {
        return octets.size();
    }

    /** Returns the segment as lines of hexadecimal digits, what they are behind each. */
    String text() {
        return notes.toString();
    }

    /** Returns the octets of such a text. */
    static byte[] octets(String text) {
        StringBuilder digits = new StringBuilder();
        text.lines().forEach(line -> digits.append(line, 0, Math.max(0, line.indexOf('#'))));
        return HexFormat.of().parseHex(digits.toString().replace(" ", ""));
    }
}
