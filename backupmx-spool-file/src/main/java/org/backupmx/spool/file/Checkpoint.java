package org.backupmx.spool.file;

import java.util.ArrayList;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.jspecify.annotations.Nullable;

/**
 * What a start has to know of a segment's records, format version {@value #VERSION}: of each the part that the index is
 * made of, in the order of the segment. A file of records like a segment, under a key of its own; beside an encrypted
 * segment it is encrypted like that, its data key wrapped under the segment's.
 *
 * <pre>
 * file: segment header, SUMMARY records, one COVERED record
 *
 * SUMMARY, meta: one after the other, for each record of the segment but MARK and PAD:
 *   u8 type    u64 message    u32 offset in the segment    u32 length with the zeros at its end
 *   u32 length of its head    head: the first bytes of its meta
 * COVERED, meta:
 *   u16 format version    u64 the segment's key    u32 end of what is covered    u32 number of records in SUMMARYs
 *   u32 number of records that are covered    u8 1 if the last of them is a MARK
 * </pre>
 *
 * <p>The head ends behind the lanes in a MESSAGE and a LONG, behind the number of recipients in a STATE; otherwise it is
 * the whole meta.
 */
final class Checkpoint {

    static final int VERSION = 1;

    /** A larger file is not written or read: it would save little. */
    static final int MAX_BYTES = 32 << 20;

    private static final int ENTRY_BYTES = 21;
    private static final int PART_BYTES = 256 << 10;
    private static final MailDomain ANY = MailDomain.of("any.invalid");

    private final long key;
    private final int end;
    private final long records;
    private final boolean marked;
    private final List<byte[]> parts;

    private Checkpoint(long key, int end, long records, boolean marked, List<byte[]> parts) {
        this.key = key;
        this.end = end;
        this.records = records;
        this.marked = marked;
        this.parts = parts;
    }

    /** Returns the key of the segment. */
    long key() {
        return key;
    }

    /** Returns where what is covered ends. */
    int end() {
        return end;
    }

    /** Returns how many records are covered. */
    long records() {
        return records;
    }

    /** Tells whether the last record that is covered is a MARK. */
    boolean isMarked() {
        return marked;
    }

    /** Gives what is needed of each record to a visitor, in order. */
    void read(SegmentReader.Visitor visitor) {
        parts.forEach(part -> read(part, key, visitor));
    }

    private static int read(byte[] part, long key, SegmentReader.Visitor visitor) {
        int count = 0;
        for (int at = 0; at < part.length; count++) {
            MetaReader in = new MetaReader(part, at, part.length - at);
            RecordType type = RecordType.of(in.getByte());
            long id = in.getLong();
            int offset = in.getInt();
            int length = in.getInt();
            int headLength = in.getCount(1);
            int rest = length - RecordFormat.HEADER_BYTES - headLength;
            if (type == null || offset < RecordFormat.SEGMENT_HEADER_BYTES || rest < 0) {
                throw new IllegalArgumentException("checkpoint: record of " + length + " bytes at " + offset);
            }
            visitor.visit(
                    new RecordHeader(type, false, key, id, 0, headLength, rest, 0, 0), offset, part, at + ENTRY_BYTES);
            at += ENTRY_BYTES + headLength;
        }
        return count;
    }

    /** Takes a file's records one by one. */
    static final class Reading implements SegmentReader.Visitor {
        private final List<byte[]> parts = new ArrayList<>();
        private @Nullable Checkpoint whole;

        @Override
        public void visit(RecordHeader header, int offset, byte[] bytes, int metaAt) {
            whole = null;
            if (header.type() == RecordType.SUMMARY) {
                byte[] part = new byte[header.metaLength()];
                System.arraycopy(bytes, metaAt, part, 0, part.length);
                parts.add(part);
            } else if (header.type() == RecordType.COVERED) {
                whole = covered(new MetaReader(bytes, metaAt, header.metaLength()));
            }
        }

        private @Nullable Checkpoint covered(MetaReader in) {
            try {
                if (in.getShort() != VERSION) {
                    return null;
                }
                long key = in.getLong();
                int end = in.getInt();
                int summarised = in.getInt();
                Checkpoint checkpoint = new Checkpoint(key, end, in.getInt(), in.getByte() == 1, parts);
                int count = 0;
                for (byte[] part : parts) {
                    count += Checkpoint.read(part, key, (header, offset, bytes, metaAt) -> {});
                }
                return in.atEnd() && count == summarised ? checkpoint : null;
            } catch (IllegalArgumentException e) {
                return null;
            }
        }

        /** Returns the checkpoint, null if the file does not end as one does. */
        @Nullable
        Checkpoint whole() {
            return whole;
        }
    }

    /** Gets the records of a checkpoint that is being made. */
    @FunctionalInterface
    interface Output {
        void add(RecordBuffer record);
    }

    /** Takes a segment's records one by one and makes a checkpoint of them. */
    static final class Writing implements SegmentReader.Visitor {
        private final Output out;
        private RecordBuffer part = new RecordBuffer(PART_BYTES);
        private int summarised;
        private int records;
        private boolean marked;

        Writing(Output out) {
            this.out = out;
        }

        @Override
        public void visit(RecordHeader header, int offset, byte[] bytes, int metaAt) {
            records++;
            marked = header.type() == RecordType.MARK;
            if (marked || header.type() == RecordType.PAD) {
                return;
            }
            int headLength = headLength(header, new MetaReader(bytes, metaAt, header.metaLength()));
            if (part.length() > RecordFormat.HEADER_BYTES && part.length() + headLength > PART_BYTES) {
                endPart();
            }
            part.putByte(header.type().code());
            part.putLong(header.id());
            part.putInt(offset);
            part.putInt((int) header.length());
            part.putInt(headLength);
            part.put(bytes, metaAt, headLength);
            summarised++;
        }

        private static int headLength(RecordHeader header, MetaReader meta) {
            return switch (header.type()) {
                case MESSAGE, LONG -> {
                    MessageMeta.summary(meta, name -> ANY);
                    yield header.metaLength() - meta.remaining();
                }
                case STATE -> {
                    LaneState.head(meta);
                    yield header.metaLength() - meta.remaining();
                }
                default -> header.metaLength();
            };
        }

        private void endPart() {
            part.endMeta();
            part.finish(RecordType.SUMMARY, 0);
            out.add(part);
            part = new RecordBuffer(PART_BYTES);
        }

        /** Says that all records of the segment were visited. */
        void end(long key, int end) {
            if (summarised > 0) {
                endPart();
            }
            part.putShort(VERSION);
            part.putLong(key);
            part.putInt(end);
            part.putInt(summarised);
            part.putInt(records);
            part.putByte(marked ? 1 : 0);
            part.endMeta();
            part.finish(RecordType.COVERED, 0);
            out.add(part);
        }
    }
}
