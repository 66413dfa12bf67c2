package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a directory: one beside each sealed segment, which saves a start the reading of that segment. They
 * are a saving and nothing else: what does not fit the segment is ignored, and the segment read.
 */
final class Checkpoints {

    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);

    private static final Pattern CHECKPOINT = Pattern.compile("checkpoint-(\\d{10})");
    private static final String NEW = "checkpoint.new";
    /** How many segments may be without one while commits are under way: a close reads so many, or a start after a kill. */
    private static final int MAY_WAIT = 4;
    /** How much of a segment is read in one go, about half a millisecond of a core. */
    private static final int SLICE_BYTES = 1 << 20;

    private final SegmentFiles segments;
    private final SpoolIndex index;
    private final LongSupplier keys;
    private final SpaceGuard space;
    private final int leastBytes;

    /**
     * Prepares.
     *
     * @param space tells when the room that is left is not for checkpoints
     * @param leastBytes how much a segment has to hold for a checkpoint to be worth it
     */
    Checkpoints(SegmentFiles segments, SpoolIndex index, LongSupplier keys, SpaceGuard space, int leastBytes) {
        this.segments = segments;
        this.index = index;
        this.keys = keys;
        this.space = space;
        this.leastBytes = leastBytes;
    }

    static String name(int number) {
        return String.format("checkpoint-%010d", number);
    }

    private Path path(int number) {
        return segments.directory().resolve(name(number));
    }

    /**
     * Reads the checkpoint of a segment.
     *
     * @param limit how long the segment is at most
     * @return the checkpoint, null if there is none that fits
     */
    @Nullable
    Checkpoint load(Segment segment, long limit) {
        int number = segment.number();
        String why;
        try (FileIo.Handle file = segments.io().openForReading(path(number))) {
            Checkpoint read = read(file, segment);
            if (read == null) {
                why = "it is damaged, cut by a crash, or another release wrote it";
            } else if (read.key() != segment.key() || read.end() > limit) {
                why = "it is of another segment";
            } else {
                return read;
            }
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            why = FileFault.of(e);
        }
        LOG.atWarn()
                .addKeyValue("checkpoint", name(number))
                .addKeyValue("reason", why)
                .log("checkpoint ignored, segment read");
        return null;
    }

    private static @Nullable Checkpoint read(FileIo.Handle file, Segment segment) throws IOException {
        ByteBuffer first = ByteBuffer.allocate(RecordFormat.BLOCK_BYTES);
        SegmentFiles.readFully(file, first, 0);
        SegmentHeader header = RecordFormat.segmentHeader(first.array());
        long size = file.size();
        if (header == null
                || header.version() > RecordFormat.ENCRYPTED_VERSION
                || header.number() != segment.number()
                || (header.wrappedKey() == null) != (segment.dataKey() == null)
                || size > Checkpoint.MAX_BYTES) {
            return null;
        }
        DataKey dataKey = segment.dataKey() == null ? null : Encryption.unwrap(segment.dataKey(), header);
        SegmentReader reader = new SegmentReader(new Segment(segment.number(), header, dataKey, file), size, false);
        Checkpoint.Reading reading = new Checkpoint.Reading();
        reader.read(reading);
        return reader.damage().isEmpty() && reader.end() == size ? reading.whole() : null;
    }

    /** Removes the checkpoints that no segment has or that could not be used. */
    void tidy() {
        try {
            for (String name : segments.io().list(segments.directory())) {
                Matcher matcher = CHECKPOINT.matcher(name);
                if (matcher.matches()) {
                    Segment segment = segments.get((int) Long.parseLong(matcher.group(1)));
                    if (segment == null || !segment.checkpointed) {
                        segments.io().delete(segments.directory().resolve(name));
                    }
                }
            }
        } catch (IOException e) {
            LOG.atWarn().setCause(e).log("old checkpoints not removed");
        }
    }

    /** Has the next start see for itself: a message was found damaged. */
    void distrust(long id) {
        int number;
        synchronized (index) {
            SpoolIndex.DamagedMessage damage = index.damagedMessages.get(id);
            number = damage == null ? 0 : damage.segment();
        }
        if (number > 0) {
            remove(number);
        }
    }

    /** Removes the checkpoint of a segment, if it has one. */
    void remove(int number) {
        try {
            segments.io().delete(path(number));
        } catch (NoSuchFileException e) {
            LOG.atTrace().addKeyValue("segment", number).log("no checkpoint");
        } catch (IOException e) {
            LOG.atWarn().setCause(e).addKeyValue("segment", number).log("checkpoint not removed");
        }
    }

    /**
     * Writes the checkpoint of the oldest segment that wants one. Returns whether it did.
     *
     * @param isQuiet whether no commits are under way: else it would take a core from them, and waits until many do
     * @param breath run between slices, so that commits need not wait for a core
     */
    boolean writeNext(boolean isQuiet, Runnable breath) {
        List<Segment> wanting = wanting(Comparator.comparingInt(Segment::number));
        if (wanting.size() < (isQuiet ? 1 : MAY_WAIT) || space.shortage() != null) {
            return false;
        }
        write(wanting.get(0), breath);
        return true;
    }

    /** Writes the checkpoints that are missing at the end, when nothing is appended any more. */
    void close() {
        List<Segment> wanting = wanting(Comparator.comparingInt(Segment::number).reversed());
        if (!wanting.isEmpty() && space.shortage() == null) {
            wanting.forEach(segment -> write(segment, () -> {}));
        }
    }

    private List<Segment> wanting(Comparator<Segment> order) {
        synchronized (index) {
            return segments.all().stream()
                    .filter(segment -> !segment.checkpointed && isWorth(segment))
                    .sorted(order)
                    .limit(MAY_WAIT)
                    .toList();
        }
    }

    private boolean isWorth(Segment segment) {
        return segment.isSealed()
                && (segment.dataKey() != null || !segments.encryption().isOn()) // nothing new in the clear
                && !segment.erased
                && !segment.isSetAside()
                && segment.damages == 0
                && segment.end() >= leastBytes
                && !segment.isDead();
    }

    private void write(Segment segment, Runnable breath) {
        synchronized (index) {
            segment.checkpointed = true; // or tried: a second try would not do better
        }
        try {
            new File(segment, breath).write();
        } catch (IOException e) {
            LOG.atWarn().setCause(e).addKeyValue("segment", segment.number()).log("checkpoint not written");
        }
    }

    /** One checkpoint on its way to the disk. */
    private final class File {
        private final Segment segment;
        private final Runnable breath;
        private final long key;
        private final RecordCipher cipher = new RecordCipher();
        private @Nullable DataKey dataKey;
        private long tail;
        private @Nullable IOException failure;
        private int sliceEnd = SLICE_BYTES;

        File(Segment segment, Runnable breath) {
            this.segment = segment;
            this.breath = breath;
            long random = keys.getAsLong();
            this.key = random == 0 ? 1 : random;
        }

        void write() throws IOException {
            Path work = segments.directory().resolve(NEW);
            boolean filled = false;
            try (FileIo.Handle file = segments.io().openForWriting(work)) {
                file.truncate(0); // what a crash left
                filled = fill(file);
            } finally {
                if (!filled) {
                    segments.io().delete(work);
                }
            }
            if (!filled) {
                return;
            }
            // not forced: commits would wait for it, and one that a crash has cut is seen and left out
            segments.io().rename(work, path(segment.number()));
            LOG.atDebug().addKeyValue("segment", segment.number()).log("checkpoint written");
        }

        /** Returns whether all of the segment is in it: false if the segment is damaged or too full of small records. */
        private boolean fill(FileIo.Handle file) throws IOException {
            SegmentHeader header = header();
            byte[] bytes = Arrays.copyOf(RecordFormat.encode(header), header.length());
            SegmentFiles.writeFully(file, ByteBuffer.wrap(bytes), 0);
            tail = header.length();
            SegmentReader reader = new SegmentReader(segment, segment.end(), false);
            Checkpoint.Writing writing = new Checkpoint.Writing(record -> append(file, record));
            try {
                reader.read((record, offset, recordBytes, metaAt) -> {
                    writing.visit(record, offset, recordBytes, metaAt);
                    breathe(offset);
                });
                writing.end(segment.key(), segment.end());
            } catch (IllegalArgumentException e) {
                return false; // a record that a start would tell as damaged
            }
            if (failure != null) {
                throw failure;
            }
            return reader.damage().isEmpty() && reader.end() == segment.end() && tail <= Checkpoint.MAX_BYTES;
        }

        private void breathe(int offset) {
            if (offset >= sliceEnd) {
                sliceEnd = offset + SLICE_BYTES;
                breath.run();
            }
        }

        /** Makes a header; its data key can be had as long as that of the segment. */
        private SegmentHeader header() throws IOException {
            SegmentHeader plain = new SegmentHeader(segment.number(), key, 0, 0, 0);
            DataKey segmentKey = segment.dataKey();
            if (segmentKey == null) {
                return plain;
            }
            dataKey = segments.encryption().newDataKeyForSegment();
            return segments.encryption().wrap(segmentKey, plain, dataKey);
        }

        private void append(FileIo.Handle file, RecordBuffer record) {
            int length = dataKey == null ? RecordFormat.padded(record.length()) : RecordCipher.length(record);
            try {
                if (failure == null && tail <= Checkpoint.MAX_BYTES) {
                    SegmentFiles.writeFully(file, ByteBuffer.wrap(complete(record), 0, length), tail);
                }
                tail += length;
            } catch (IOException e) {
                failure = e;
            }
        }

        private byte[] complete(RecordBuffer record) {
            if (dataKey != null) {
                return cipher.encrypt(dataKey, record, key, 0, (int) tail);
            }
            RecordFormat.seal(record.bytes(), key, 0);
            return record.bytes();
        }
    }
}
