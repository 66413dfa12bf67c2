package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.backupmx.spool.SpoolDamagedException;
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
    /** What a disk refuses to read it refuses by pages. */
    private static final int PAGE_BYTES = 4 << 10;

    private final FileIo.Handle file;
    private final int segment;
    private final long limit;
    private final boolean endKnown;
    private long start;
    private final @Nullable DataKey dataKey;
    private final boolean decryptsData;
    private long key;

    private byte[] window;
    private long windowStart;
    private int windowLength;

    private final List<Damage> suspects = new ArrayList<>();
    private final List<Damage> forgeries = new ArrayList<>();
    private final List<Damage> unreadable = new ArrayList<>();
    private @Nullable RecordCipher cipher;
    private long end;
    private long forced;
    private long records;

    /**
     * Prepares to read.
     *
     * @param segment the segment; if its key is 0 its header is damaged, and that of the first intact record is taken
     * @param expectedEnd where the segment ends by the word of the next one, -1 if there is none
     * @param decryptsData whether encrypted data is looked at, too, or its CRC only
     */
    SegmentReader(Segment segment, long expectedEnd, boolean decryptsData) throws IOException {
        this.file = segment.reading();
        this.segment = segment.number();
        this.key = segment.key();
        this.start = segment.start();
        this.dataKey = segment.dataKey();
        this.decryptsData = decryptsData;
        this.end = start;
        this.endKnown = expectedEnd >= 0;
        long size = file.size();
        this.limit = endKnown ? Math.min(size, expectedEnd) : size;
        this.window = new byte[(int) Math.max(RecordFormat.HEADER_BYTES, Math.min(limit, WINDOW_BYTES))];
        if (size < expectedEnd && expectedEnd > start) { // a header may be shorter than the room it has
            suspects.add(new Damage(this.segment, size, expectedEnd - size, null, "the file ends too early"));
        }
    }

    /** Leaves out what is known already: all records before an offset, which are forced. */
    SegmentReader from(int offset) {
        start = offset;
        end = offset;
        forced = offset;
        return this;
    }

    /** Tells whether there may be a record, intact or not, from where the reading begins. */
    boolean findsRecord() {
        return nextHeader(start) < limit || !unreadable.isEmpty();
    }

    void read(Visitor visitor) {
        long at = start;
        while (at + RecordFormat.HEADER_BYTES <= limit) {
            RecordHeader header = headerAt(at);
            if (header == null) {
                long next = nextHeader(at + 8);
                suspect(at, next - at, null, "no record");
                at = next;
                continue;
            }
            long next = Math.min(at + header.length(), limit);
            String fault = fault(header, at);
            if (fault != null) {
                suspect(at, next - at, header, fault);
            } else {
                end = at + header.length();
                visit(header, at, next, visitor);
            }
            at = next;
        }
        if (at < limit) {
            suspect(at, limit - at, null, "no record");
        }
    }

    private void suspect(long at, long length, @Nullable RecordHeader header, String fault) {
        suspects.add(unreadable.stream()
                .filter(page -> page.offset() < at + length && at < page.end())
                .findFirst()
                .map(page -> new Damage(segment, at, length, header, page.reason(), true))
                .orElseGet(() -> new Damage(segment, at, length, header, fault)));
    }

    /** Returns what is wrong with the bytes of a record, null if they are those that were written. */
    private @Nullable String fault(RecordHeader header, long at) {
        if (at + header.bytes() > limit) {
            return header.type() + " record is cut";
        }
        load(at, (int) Math.min(header.length(), WINDOW_BYTES)); // once, not again for each of its parts
        int metaAt = load(at + RecordFormat.HEADER_BYTES, header.metaBytes());
        if (RecordFormat.crc(window, metaAt, header.metaBytes()) != header.metaCrc()) {
            return header.type() + " record: meta does not fit its CRC";
        }
        if (header.type() != RecordType.PAD && !dataIntact(header, dataAt(header, at))) {
            return header.type() + " record: data does not fit its CRC";
        }
        return null;
    }

    private static long dataAt(RecordHeader header, long at) {
        return at + RecordFormat.HEADER_BYTES + header.metaBytes();
    }

    private void visit(RecordHeader header, long at, long next, Visitor visitor) {
        try {
            byte[] meta = meta(header, at);
            records++;
            forced = Math.max(forced, Integer.toUnsignedLong(header.forced()));
            if (meta == null) {
                int metaAt = load(at + RecordFormat.HEADER_BYTES, header.metaBytes());
                visitor.visit(header, (int) at, window, metaAt);
            } else {
                visitor.visit(header, (int) at, meta, 0);
            }
        } catch (SpoolDamagedException e) {
            // its CRCs fit: no torn write leaves that
            forgeries.add(new Damage(segment, at, next - at, header, header.type() + " record: " + e.getMessage()));
        }
    }

    /** Returns the decrypted meta of a record, null if it is not encrypted. */
    private byte @Nullable [] meta(RecordHeader header, long at) throws SpoolDamagedException {
        DataKey known = dataKey;
        if (!header.encrypted()) {
            if (known != null && header.type() != RecordType.MARK && header.type() != RecordType.PAD) {
                throw new SpoolDamagedException("not encrypted in an encrypted segment");
            }
            return null;
        }
        if (known == null) {
            throw new SpoolDamagedException("encrypted, and the segment's key is lost with its header");
        }
        RecordCipher open = cipher;
        if (open == null) {
            open = new RecordCipher();
            cipher = open;
        }
        if (decryptsData) {
            int dataAt = load(dataAt(header, at), header.dataBytes());
            byte[] data = new byte[header.dataLength()];
            open.decryptData(known, header, (int) at, window, dataAt, data, 0);
        }
        byte[] meta = new byte[header.metaLength()];
        int metaAt = load(at + RecordFormat.HEADER_BYTES, header.metaBytes());
        open.decryptMeta(known, header, (int) at, window, metaAt, meta, 0);
        return meta;
    }

    private boolean dataIntact(RecordHeader header, long dataAt) {
        CRC32C crc = new CRC32C();
        long at = dataAt;
        int left = header.dataBytes();
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
            fillPages(at, count);
            return;
        }
        Arrays.fill(window, into.position(), count, (byte) 0);
    }

    private void fillPages(long at, int count) {
        for (int from = 0; from < count; ) {
            int length = Math.min(PAGE_BYTES - (int) ((at + from) % PAGE_BYTES), count - from);
            Arrays.fill(window, from, from + length, (byte) 0);
            try {
                SegmentFiles.readFully(file, ByteBuffer.wrap(window, from, length), at + from);
            } catch (IOException e) {
                Arrays.fill(window, from, from + length, (byte) 0);
                unreadable.add(Damage.unreadable(segment, at + from, length, null, e));
            }
            from += length;
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
        return (int) Math.max(forced, start);
    }

    /** Returns the damage that hit bytes known to be forced, that the disk refuses to read, or that no torn write leaves. */
    List<Damage> damage() {
        return Stream.concat(suspects.stream().filter(suspect -> !isTorn(suspect)), forgeries.stream())
                .sorted(Comparator.comparingLong(Damage::offset))
                .toList();
    }

    /** Returns what a write left that nobody was told of: torn, and before an intact record. */
    List<Damage> torn() {
        return suspects.stream()
                .filter(suspect -> isTorn(suspect) && suspect.offset() < end)
                .toList();
    }

    private boolean isTorn(Damage suspect) {
        return !endKnown && suspect.offset() >= forced && !suspect.isUnreadable();
    }
}
