package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A bug of the spool, planted between it and the disk: the disk sees exactly the calls that a spool with the bug would
 * make, or the spool sees what it would take for good with the bug.
 */
enum PlantedFault {
    /** Commits are told of without a force. */
    NO_FORCE,
    /** Commits are told of before their force: it comes with the next call. */
    FORCE_AFTER_REPLY,
    /** Names are never forced. */
    NO_DIRECTORY_FORCE,
    /** Whatever looks like a record counts as intact. */
    CRC_NOT_CHECKED,
    /** What unfinished writes left at the end of the last segment is neither cut away nor covered. */
    TAIL_NOT_CUT;

    FileIo on(FileIo disk) {
        return new Planted(this, disk);
    }

    private static final class Planted extends PassThroughIo {

        private final PlantedFault fault;
        private final Set<String> found = new TreeSet<>();
        private Handle owed;

        Planted(PlantedFault fault, FileIo disk) {
            super(disk);
            this.fault = fault;
        }

        private void pay() throws IOException {
            Handle due = owed;
            owed = null;
            if (due != null) {
                due.force();
            }
        }

        @Override
        public List<String> list(Path directory) throws IOException {
            List<String> names = super.list(directory);
            found.addAll(names);
            return names;
        }

        @Override
        public Handle openForWriting(Path file) throws IOException {
            pay();
            String name = file.getFileName().toString();
            Handle handle = super.openForWriting(file);
            return name.startsWith("segment-") ? new PlantedHandle(handle, found.contains(name)) : handle;
        }

        @Override
        public Handle openForReading(Path file) throws IOException {
            return new PlantedHandle(super.openForReading(file), true);
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            pay();
            super.rename(from, to);
        }

        @Override
        public void delete(Path file) throws IOException {
            pay();
            super.delete(file);
        }

        @Override
        public void forceDirectory(Path directory) throws IOException {
            pay();
            if (fault != NO_DIRECTORY_FORCE) {
                super.forceDirectory(directory);
            }
        }

        private final class PlantedHandle extends PassThroughHandle {

            private final Handle file;
            private final boolean wasThere;

            PlantedHandle(Handle file, boolean wasThere) {
                super(file);
                this.file = file;
                this.wasThere = wasThere;
            }

            @Override
            public int read(ByteBuffer into, long position) throws IOException {
                int from = into.position();
                int count = file.read(into, position);
                if (fault == CRC_NOT_CHECKED && count > 0) {
                    byte[] fitting = withFittingCrcs(file);
                    into.position(from);
                    into.put(fitting, (int) position, count);
                }
                return count;
            }

            @Override
            public int write(ByteBuffer from, long position) throws IOException {
                pay();
                if (fault == TAIL_NOT_CUT && wasThere && from.get(from.position() + 4) == RecordType.PAD.code()) {
                    int count = from.remaining();
                    from.position(from.limit());
                    return count;
                }
                return file.write(from, position);
            }

            @Override
            public void force() throws IOException {
                pay();
                if (fault == FORCE_AFTER_REPLY) {
                    owed = file;
                } else if (fault != NO_FORCE) {
                    file.force();
                }
            }

            @Override
            public void truncate(long size) throws IOException {
                pay();
                if (fault != TAIL_NOT_CUT || !wasThere) {
                    file.truncate(size);
                }
            }
        }
    }

    private static byte[] withFittingCrcs(FileIo.Handle file) throws IOException {
        ByteBuffer all = ByteBuffer.allocate((int) file.size());
        SegmentFiles.readFully(file, all, 0);
        byte[] bytes = all.array();
        for (int at = RecordFormat.SEGMENT_HEADER_BYTES; at + RecordFormat.HEADER_BYTES <= bytes.length; ) {
            at += Math.max(8, RecordFormat.padded(fit(bytes, at)));
        }
        return bytes;
    }

    /** Gives a record the CRCs that its bytes have, and returns its length; 0 if there is none. */
    private static int fit(byte[] bytes, int at) {
        if (RecordFormat.getInt(bytes, at) != RecordFormat.RECORD_MAGIC) {
            return 0;
        }
        int meta = RecordFormat.getInt(bytes, at + 28);
        int data = RecordFormat.getInt(bytes, at + 32);
        long length = (long) RecordFormat.HEADER_BYTES + meta + data;
        if (meta < 0 || data < 0 || at + length > bytes.length) {
            return 0;
        }
        RecordFormat.putInt(bytes, at + 36, RecordFormat.crc(bytes, at + RecordFormat.HEADER_BYTES, meta));
        RecordFormat.putInt(bytes, at + 40, RecordFormat.crc(bytes, at + RecordFormat.HEADER_BYTES + meta, data));
        RecordFormat.putInt(bytes, at + 44, RecordFormat.crc(bytes, at, 44));
        return (int) length;
    }
}
