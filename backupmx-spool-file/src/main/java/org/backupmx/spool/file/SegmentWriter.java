package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;

/**
 * Appends records to the newest segment. Used by the committer only. After any exception the segment is to be set
 * aside: what a failed force left on the disk is anybody's guess, so it is never appended to or forced again.
 */
final class SegmentWriter {

    private static final int STAGING_BYTES = 1 << 20;
    /** How far a file is extended at once, so that most forces write no metadata; the one that does takes longer. */
    private static final int STEP_BYTES = 256 << 10;
    /** A part of that, kept: fresh zeros for each step cost more than their writing. */
    private static final int ZEROS_BYTES = 128 << 10;
    /** How much is prepared at once in quiet times: a commit that comes meanwhile waits for no more. */
    private static final int PIECE_BYTES = 1 << 20;
    /** Batches larger than this are not worth it: their data dwarfs the metadata. */
    private static final int STEPPING_BATCH_BYTES = 64 << 10;

    private final SegmentFiles files;
    private final LongSupplier keys;
    private final int segmentBytes;
    private final long session;
    private final ByteBuffer staging = ByteBuffer.allocateDirect(STAGING_BYTES);
    private final ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS_BYTES);

    private final RecordCipher cipher = new RecordCipher();

    private @Nullable Segment segment;
    private FileIo.@Nullable Handle file;
    private int lastNumber;
    private int lastEnd;

    private int tail;
    private int forced;
    private long allocated;

    SegmentWriter(SegmentFiles files, LongSupplier keys, int segmentBytes, long session, int lastNumber, int lastEnd) {
        this.files = files;
        this.keys = keys;
        this.segmentBytes = segmentBytes;
        this.session = session;
        this.lastNumber = lastNumber;
        this.lastEnd = lastEnd;
    }

    boolean isOpen() {
        return segment != null;
    }

    long fullBytes() {
        return segmentBytes;
    }

    boolean keepsSpares() {
        return files.spares().areKept();
    }

    /** Begins the next segment. */
    void open() throws IOException {
        if (lastNumber == Integer.MAX_VALUE) {
            throw new SpoolException(SegmentFiles.name(lastNumber)
                    + ": the last number there is (expected: a lower one): move the spool's mail to a new directory");
        }
        long key = keys.getAsLong();
        SegmentHeader header = new SegmentHeader(lastNumber + 1, key == 0 ? 1 : key, session, lastNumber, lastEnd);
        SegmentFiles.Opened opened = files.create(header);
        segment = opened.segment();
        Segment before = files.get(header.previous());
        opened.segment().endsPrevious = before != null && before.isSetAside();
        file = opened.writing();
        allocated = opened.allocated();
        tail = segment.start();
        forced = tail;
        staging.clear();
        lastNumber = header.number();
        lastEnd = tail;
    }

    /** Keeps room for a segment on a full disk. */
    void keepReserve() throws IOException {
        files.keepReserve();
    }

    private Segment current() {
        Segment current = segment;
        if (current == null) {
            throw new IllegalStateException("no segment is open");
        }
        return current;
    }

    private FileIo.Handle out() {
        FileIo.Handle out = file;
        if (out == null) {
            throw new IllegalStateException("no segment is open");
        }
        return out;
    }

    /** Tells whether a record fits. A larger one than a segment has one of its own. */
    boolean fits(RecordBuffer record) {
        return tail == current().start() || tail + (long) length(record) <= segmentBytes;
    }

    /** Returns how much a record takes in this segment. */
    int length(RecordBuffer record) {
        return current().dataKey() == null ? RecordFormat.padded(record.length()) : RecordCipher.length(record);
    }

    /** Returns how many bytes were appended and not forced. */
    int unforcedBytes() {
        return tail - forced;
    }

    int end() {
        return tail;
    }

    /** Appends a record and returns its location. */
    long append(RecordBuffer record) throws IOException {
        int length = length(record);
        byte[] bytes = complete(record);
        if (length > staging.remaining()) {
            write();
        }
        if (length > staging.capacity()) {
            SegmentFiles.writeFully(out(), ByteBuffer.wrap(bytes, 0, length), tail);
        } else {
            staging.put(bytes, 0, length);
        }
        long location = Location.of(current().number(), tail);
        tail += length;
        current().end(tail);
        return location;
    }

    /** Returns the record as it is to stand in the file. What is encrypted is a copy: a record may be written again. */
    private byte[] complete(RecordBuffer record) {
        DataKey dataKey = current().dataKey();
        if (dataKey != null && RecordCipher.hasTags(record)) {
            return cipher.encrypt(dataKey, record, current().key(), forced, tail);
        }
        RecordFormat.seal(record.bytes(), current().key(), forced);
        return record.bytes();
    }

    /** Writes what was appended. */
    void write() throws IOException {
        staging.flip();
        SegmentFiles.writeFully(out(), staging, tail - staging.remaining());
        staging.clear();
    }

    /** Returns when all that was appended would survive a loss of power. */
    void force() throws IOException {
        write();
        extend();
        out().force();
        forced = tail;
        lastEnd = tail;
    }

    /** Counts what was appended as forced although it is only written. */
    void writeOnly() throws IOException {
        write();
        forced = tail;
        lastEnd = tail;
    }

    private void extend() throws IOException {
        if (tail <= allocated) {
            return;
        }
        allocated = tail;
        if (unforcedBytes() <= STEPPING_BATCH_BYTES && tail + (long) STEP_BYTES <= segmentBytes) {
            try {
                SegmentFiles.writeZeros(out(), zeros, tail, STEP_BYTES);
                allocated = tail + (long) STEP_BYTES;
            } catch (FileIo.NoSpaceException e) {
                return; // the records themselves are written
            }
        }
    }

    /** Tells whether there is less room ahead than is to be. */
    boolean isShort() {
        return Math.max(allocated, tail) < segmentBytes || files.spares().areUnfinished();
    }

    /** Writes the next zeros ahead and forces them. For quiet times. Returns false if the segment is whole, or the disk full. */
    boolean extendAhead() throws IOException {
        long from = Math.max(allocated, tail);
        int piece = (int) Math.min(PIECE_BYTES, segmentBytes - from);
        if (piece <= 0) {
            return false;
        }
        try {
            SegmentFiles.writeZeros(out(), zeros, from, piece);
        } catch (FileIo.NoSpaceException e) {
            return false;
        }
        out().force();
        allocated = from + piece;
        return true;
    }

    /** Makes a piece of a segment to come. For quiet times. */
    void makeSpare() throws IOException {
        files.spares().makePiece(zeros, PIECE_BYTES, segmentBytes);
    }

    /** Ends the segment, forced before, and begins the next one. */
    void roll() throws IOException {
        mark();
        out().force();
        release();
        open();
    }

    /** Says in the segment itself that all of it was forced. */
    void mark() throws IOException {
        append(RecordBuffer.empty(RecordType.MARK, 0));
        write();
        lastEnd = tail;
    }

    /** Gives the segment up after a failure; what of it was forced stays. */
    void setAside() throws IOException {
        Segment current = segment;
        if (current != null) {
            current.end(forced);
            lastEnd = forced;
            release();
            current.setAside();
        }
    }

    /** Ends the segment, forced before, without the room that it did not use. */
    void close() throws IOException {
        if (segment != null) {
            try {
                out().truncate(tail);
                out().force();
            } finally {
                release();
            }
        }
    }

    private void release() throws IOException {
        Segment current = current();
        FileIo.Handle out = out();
        segment = null;
        file = null;
        current.seal();
        out.close();
    }
}
