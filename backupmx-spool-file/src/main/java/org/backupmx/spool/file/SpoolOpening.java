package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an opened spool is made of: everything read, the last segment tidied up, a new one begun, threads running. */
record SpoolOpening(
        SegmentFiles segments,
        SpoolIndex index,
        GroupCommitter committer,
        Compactor compactor,
        Checkpoints checkpoints,
        List<Damage> lost,
        long session) {

    private static final Logger LOG = LoggerFactory.getLogger(SpoolOpening.class);

    private static final int PIECE_BYTES = 4 << 10;

    /** Lets the index wake the compactor, which is made after it. */
    private static final class Wake implements Runnable {
        private volatile @Nullable Compactor compactor;

        @Override
        public void run() {
            Compactor known = compactor;
            if (known != null) {
                known.wake();
            }
        }
    }

    static SpoolOpening of(FileSpoolBuilder settings) throws IOException {
        SegmentFiles segments =
                new SegmentFiles(settings.io, settings.directory, settings.encryption(), settings.spareSegments);
        boolean opened = false;
        try {
            SpoolOpening opening = of(settings, segments);
            opened = true;
            return opening;
        } finally {
            if (!opened) {
                segments.close();
            }
        }
    }

    private static SpoolOpening of(FileSpoolBuilder settings, SegmentFiles segments) throws IOException {
        Wake wake = new Wake();
        SpoolIndex index = new SpoolIndex(segments, wake);
        SpaceGuard space =
                new SpaceGuard(settings.io, settings.directory, settings.minimumFreeBytes, settings.minimumFreePercent);
        Checkpoints checkpoints = new Checkpoints(segments, index, settings.keys, space, settings.checkpointedBytes);
        Recovery recovery = new Recovery(segments, index, checkpoints, false);
        recovery.run();
        checkReadable(settings, recovery);
        checkpoints.tidy();
        tell(settings, index, recovery);
        segments.tidySpares();
        int end = tidy(segments, recovery);
        long session = recovery.lastSession() + 1;
        if (session > Ids.MAX_SESSION) {
            throw new SpoolException("spool directory " + settings.directory + ": opened " + recovery.lastSession()
                    + " times (expected: at most " + Ids.MAX_SESSION + "): move its mail to a new directory");
        }
        SegmentWriter writer =
                new SegmentWriter(segments, settings.keys, settings.segmentBytes, session, recovery.lastNumber(), end);
        writer.open();
        boolean running = false;
        try {
            GroupCommitter committer =
                    settings.committer.make(index, writer, space, settings.syncMode, settings.nanoTime);
            Compactor compactor = settings.compactor.make(
                    index,
                    segments,
                    committer,
                    checkpoints,
                    new CompactionPolicy(settings.slackSegments * (long) settings.segmentBytes),
                    new IoBudget(settings.compactionBytesPerSecond, settings.nanoTime),
                    settings.segmentBytes);
            wake.compactor = compactor;
            committer.start();
            start(compactor, committer);
            running = true;
            return new SpoolOpening(
                    segments, index, committer, compactor, checkpoints, List.copyOf(recovery.lost()), session);
        } finally {
            if (!running) {
                writer.close();
            }
        }
    }

    /** Starts the second thread. If there can be none, the first must not go on in a directory that others may open. */
    private static void start(Compactor compactor, GroupCommitter committer) throws SpoolException {
        boolean started = false;
        try {
            compactor.start();
            started = true;
        } finally {
            if (!started) {
                committer.close();
            }
        }
    }

    /** What is not known must not be cut away, nor what was refused be taken for stored. */
    private static void checkReadable(FileSpoolBuilder settings, Recovery recovery) throws SpoolException {
        Optional<Damage> undecided = recovery.undecided();
        if (undecided.isPresent()) {
            throw new SpoolException("spool directory " + settings.directory + ": "
                    + undecided.get().describe()
                    + " (expected: readable, or mail would be forgotten): open it again, or"
                    + " put a copy of the file in its place that has zeros where the disk gives nothing");
        }
    }

    private static void tell(FileSpoolBuilder settings, SpoolIndex index, Recovery recovery) {
        LOG.atInfo()
                .addKeyValue("directory", settings.directory)
                .addKeyValue("messages", index.count())
                .addKeyValue("records", recovery.records())
                .addKeyValue("segments", recovery.segments())
                .addKeyValue("checkpoints", recovery.checkpointCount())
                .log("spool opened");
        for (Damage one : recovery.torn()) {
            LOG.atWarn().addKeyValue("at", one.describe()).log("unfinished write cut away");
        }
        for (Damage one : recovery.damage()) {
            LOG.atError().addKeyValue("at", one.describe()).log("spool damaged");
        }
        if (settings.syncMode != SyncMode.FORCE) {
            LOG.atWarn().log("spool does not force: a loss of power loses committed mail");
        }
    }

    /**
     * Makes the last segment tell where it ends: covers what unfinished writes left before its last record, cuts what
     * follows it, and writes and forces again what so far perhaps only the operating system knows. Returns its end.
     */
    private static int tidy(SegmentFiles segments, Recovery recovery) throws IOException {
        Segment last = segments.get(recovery.lastNumber());
        int end = recovery.lastEnd();
        if (last == null || last.key() == 0) {
            return end;
        }
        try (FileIo.Handle file = segments.io().openForWriting(segments.path(last.number()))) {
            writeAgain(file, recovery.lastForced(), end);
            for (Damage hole : recovery.torn()) {
                if (hole.segment() == last.number()) {
                    int covered = (int) hole.length() - RecordFormat.HEADER_BYTES;
                    write(file, RecordBuffer.empty(RecordType.PAD, covered), last.key(), 0, hole.offset());
                }
            }
            if (file.size() > end) {
                file.truncate(end);
            }
            file.force();
            return mark(file, last, end);
        }
    }

    /** Says in the segment that all of it was forced; on a full disk the next segment's header alone says so. */
    private static int mark(FileIo.Handle file, Segment last, int end) throws IOException {
        try {
            write(file, RecordBuffer.empty(RecordType.MARK, 0), last.key(), end, end);
            file.force();
            last.end(end + RecordFormat.HEADER_BYTES);
        } catch (FileIo.NoSpaceException e) {
            last.setAside();
        }
        return last.end();
    }

    /** After a failed force there are pages that readers see, and that a force alone would not write. */
    private static void writeAgain(FileIo.Handle file, int from, int end) throws IOException {
        for (int at = from; at < end; at += PIECE_BYTES) {
            ByteBuffer piece = ByteBuffer.allocate(Math.min(PIECE_BYTES, end - at));
            SegmentFiles.readFully(file, piece, at);
            SegmentFiles.writeFully(file, piece.flip(), at);
        }
    }

    private static void write(FileIo.Handle file, RecordBuffer record, long key, int forced, long at)
            throws IOException {
        RecordFormat.seal(record.bytes(), key, forced);
        SegmentFiles.writeFully(file, ByteBuffer.wrap(record.bytes(), 0, record.length()), at);
    }
}
