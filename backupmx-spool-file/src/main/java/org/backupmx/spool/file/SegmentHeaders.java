package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;

/** Reads the headers of segments, from their second block where the first is lost. */
final class SegmentHeaders {

    private SegmentHeaders() {}

    /** Returns the header of a segment, null if none is intact. What is lost of it is added to damage. */
    static @Nullable SegmentHeader read(Path file, int number, FileIo.Handle handle, List<Damage> damage)
            throws SpoolException {
        List<IOException> faults = new ArrayList<>();
        byte[] first = block(handle, 0, faults);
        SegmentHeader header = header(file, number, first);
        // a record at its place says version 1, where the place of a second block is anybody's mail data
        boolean plain = header == null
                ? RecordFormat.header(first, RecordFormat.SEGMENT_HEADER_BYTES) != null
                : header.wrappedKey() == null;
        if (plain) {
            if (header == null) {
                damage.add(lost(number));
            }
            return header;
        }
        SegmentHeader second = header(file, number, block(handle, RecordFormat.COPY_AT, faults));
        if (second != null && second.wrappedKey() == null) {
            second = null;
        }
        if (header != null && header.isErased() || second != null && second.isErased()) {
            return header != null && header.isErased() ? header : second; // a crash may have left the other one torn
        }
        if (header == null && second != null) {
            damage.add(lost(number, 0, "first of two segment headers", faults));
            return second;
        }
        if (header == null) {
            damage.add(
                    faults.isEmpty()
                            ? lost(number)
                            : Damage.unreadable(number, 0, RecordFormat.SEGMENT_HEADER_BYTES, null, faults.get(0)));
        } else if (second == null) {
            damage.add(lost(number, RecordFormat.COPY_AT, "second of two segment headers", faults));
        }
        return header;
    }

    private static Damage lost(int number) {
        return new Damage(number, 0, RecordFormat.SEGMENT_HEADER_BYTES, null, "no segment header");
    }

    private static Damage lost(int number, int at, String block, List<IOException> faults) {
        String fault = faults.isEmpty() ? " is lost" : " cannot be read: " + FileFault.of(faults.get(0));
        return new Damage(number, at, RecordFormat.BLOCK_BYTES, null, block + fault);
    }

    private static byte[] block(FileIo.Handle handle, int at, List<IOException> faults) {
        ByteBuffer bytes = ByteBuffer.allocate(RecordFormat.BLOCK_BYTES);
        try {
            SegmentFiles.readFully(handle, bytes, at);
            return bytes.array();
        } catch (IOException e) {
            faults.add(e);
            return new byte[RecordFormat.BLOCK_BYTES];
        }
    }

    private static @Nullable SegmentHeader header(Path file, int number, byte[] block) throws SpoolException {
        SegmentHeader header = RecordFormat.segmentHeader(block);
        if (header == null || header.number() != number) {
            return null;
        }
        if (header.version() != RecordFormat.PLAIN_VERSION && header.version() != RecordFormat.ENCRYPTED_VERSION) {
            throw new SpoolException(file + ": format version " + header.version() + " (expected: "
                    + RecordFormat.PLAIN_VERSION + " or " + RecordFormat.ENCRYPTED_VERSION + "): another release of"
                    + " backupmx wrote this spool; open it with that release, or export its mail there and import it"
                    + " here");
        }
        return header;
    }
}
