package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Reads a segment from its first record to its last and finds the next intact record after damage. Used once, by one
 * thread.
 */
final class SegmentReader {

    /** Gets each intact record, in order. */
    interface Visitor {
        /**
         * Visits a record.
         *
         * @param header its header
         * @param offset where it is in the segment
         * @param bytes where its meta is, until the visit ends
         * @param metaAt from where
         */
        void visit(RecordHeader header, int offset, byte[] bytes, int metaAt);
    }

    private static final int WINDOW_BYTES = 1 << 20;
    private static final int PIECE_BYTES = 4 << 10;

    private final FileIo.Handle file;
    private final int segment;
    private final long limit;
    private final boolean endKnown;
    private long start = RecordFormat.SEGMENT_HEADER_BYTES;
    private long key;

    private byte[] window;
    private long windowStart;
    private int windowLength;

    private final List<Damage> suspects = new ArrayList<>();
    private final List<long[]> unreadable = new ArrayList<>();
    private long end = RecordFormat.SEGMENT_HEADER_BYTES;
    private long forced;
    private long records;

    /**
     * Prepares to read.
     *
     * @param key the segment's key, 0 if its header is damaged: then that of the first intact record
     * @param expectedEnd where the segment ends by the word of the next one, -1 if there is none
     */
    SegmentReader(FileIo.Handle file, int segment, long key, long expectedEnd) throws IOException {
        this.file = file;
        this.segment = segment;
        this.key = key;
        this.endKnown = expectedEnd >= 0;
        long size = file.size();
        this.limit = endKnown ? Math.min(size, expectedEnd) : size;
        this.window = new byte[(int) Math.max(RecordFormat.HEADER_BYTES, Math.min(limit, WINDOW_BYTES))];
        if (size < expectedEnd) {
            suspects.add(new Damage(segment, size, expectedEnd - size, null, "the file ends too early"));
        }
    }

    /** Leaves out what is known already: all records before an offset, which are forced. */
    SegmentReader from(int offset) {
        start = offset;
        end = offset;
        forced = offset;
        return this;
    }

    void read(Visitor visitor) {
        long at = start;
        while (at + RecordFormat.HEADER_BYTES <= limit) {
            RecordHeader header = headerAt(at);
            if (header == null) {
                long next = nextHeader(at + 8);
                suspects.add(new Damage(segment, at, next - at, null, "no record"));
                at = next;
                continue;
            }
            String fault = body(header, at, visitor);
            long next = Math.min(at + header.length(), limit);
            if (fault == null) {
                records++;
                forced = Math.max(forced, Integer.toUnsignedLong(header.forced()));
                end = at + header.length();
            } else {
                suspects.add(new Damage(segment, at, next - at, header, fault));
            }
            at = next;
        }
        if (at < limit) {
            suspects.add(new Damage(segment, at, limit - at, null, "no record"));
        }
    }

    private @Nullable String body(RecordHeader header, long at, Visitor visitor) {
        if (at + RecordFormat.HEADER_BYTES + header.metaLength() + header.dataLength() > limit) {
            return header.type() + " record is cut";
        }
        load(at, (int) Math.min(header.length(), WINDOW_BYTES)); // once, not again for each of its parts
        int metaAt = load(at + RecordFormat.HEADER_BYTES, header.metaLength());
        if (RecordFormat.crc(window, metaAt, header.metaLength()) != header.metaCrc()) {
            return header.type() + " record: meta does not fit its CRC";
        }
        long dataAt = at + RecordFormat.HEADER_BYTES + header.metaLength();
        if (header.type() != RecordType.PAD && !dataIntact(header, dataAt)) {
            return header.type() + " record: data does not fit its CRC";
        }
        metaAt = load(at + RecordFormat.HEADER_BYTES, header.metaLength());
        visitor.visit(header, (int) at, window, metaAt);
        return null;
    }

    private boolean dataIntact(RecordHeader header, long dataAt) {
        CRC32C crc = new CRC32C();
        long at = dataAt;
        int left = header.dataLength();
        while (left > 0) {
            int part = Math.min(left, WINDOW_BYTES / 2);
            crc.update(window, load(at, part), part);
            at += part;
            left -= part;
        }
        return (int) crc.getValue() == header.dataCrc();
    }

    private @Nullable RecordHeader headerAt(long at) {
        int index = load(at, RecordFormat.HEADER_BYTES);
        if (RecordFormat.getInt(window, index) != RecordFormat.RECORD_MAGIC) {
            return null;
        }
        RecordHeader header = RecordFormat.header(window, index);
        if (header == null || (key != 0 && header.key() != key)) {
            return null;
        }
        key = header.key();
        return header;
    }

    private long nextHeader(long from) {
        for (long at = from; at + RecordFormat.HEADER_BYTES <= limit; at += 8) {
            if (headerAt(at) != null) {
                return at;
            }
        }
        return limit;
    }

    /** Has bytes of the file in the window and returns where. What cannot be read is zero and remembered. */
    private int load(long at, int count) {
        if (at < windowStart || at + count > windowStart + windowLength) {
            if (count > window.length) {
                window = new byte[count];
            }
            windowStart = at;
            windowLength = (int) Math.min(window.length, limit - at);
            fill(at, windowLength);
        }
        return (int) (at - windowStart);
    }

    private void fill(long at, int count) {
        ByteBuffer into = ByteBuffer.wrap(window, 0, count);
        try {
            SegmentFiles.readFully(file, into, at);
        } catch (IOException e) {
            fillPieces(at, count);
            return;
        }
        Arrays.fill(window, into.position(), count, (byte) 0);
    }

    private void fillPieces(long at, int count) {
        for (int from = 0; from < count; from += PIECE_BYTES) {
            int length = Math.min(PIECE_BYTES, count - from);
            Arrays.fill(window, from, from + length, (byte) 0);
            try {
                SegmentFiles.readFully(file, ByteBuffer.wrap(window, from, length), at + from);
            } catch (IOException e) {
                Arrays.fill(window, from, from + length, (byte) 0);
                unreadable.add(new long[] {at + from, at + from + length});
            }
        }
    }

    /** Returns how many intact records there are. */
    long records() {
        return records;
    }

    /** Returns the segment's key, 0 if there is no intact record to tell it. */
    long key() {
        return key;
    }

    /** Returns where the last intact record ends. */
    int end() {
        return (int) end;
    }

    /** Returns up to where the segment was forced for sure. */
    int forced() {
        return (int) Math.max(forced, RecordFormat.SEGMENT_HEADER_BYTES);
    }

    /** Returns the damage that hit bytes known to be forced, or that the disk refuses to read. */
    List<Damage> damage() {
        return suspects.stream().filter(suspect -> !isTorn(suspect)).toList();
    }

    /** Returns what a write left that nobody was told of: torn, and before an intact record. */
    List<Damage> torn() {
        return suspects.stream()
                .filter(suspect -> isTorn(suspect) && suspect.offset() < end)
                .toList();
    }

    private boolean isTorn(Damage suspect) {
        return !endKnown && suspect.offset() >= forced && !isUnreadable(suspect);
    }

    private boolean isUnreadable(Damage suspect) {
        return unreadable.stream()
                .anyMatch(range -> range[0] < suspect.offset() + suspect.length()
                        && suspect.offset() < range[1]
                        && suspect.offset() < end);
    }
}
