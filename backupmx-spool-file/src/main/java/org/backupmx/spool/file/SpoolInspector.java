package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * Looks into a spool's directory without its lock and without changing anything, also while a server runs on it: what it
 * tells held at some instant during the call. Outcomes that a running server settled in the last 100 ms or so may not be
 * in it. Needs about as much heap as the spool's index: 128 bytes a queued message. Thread-safe.
 */
public final class SpoolInspector {

    /** How often a look is begun anew because a running server removed or wrote what was being read. */
    private static final int ATTEMPTS = 20;

    private SpoolInspector() {}

    /**
     * Tells what a spool holds.
     *
     * @param directory the spool's directory
     * @return what it holds
     * @throws SpoolException if there is no spool, it cannot be read, or another release wrote it in an unknown format
     */
    public static SpoolDescription describe(Path directory) throws SpoolException {
        return inspect(requireNonNull(directory, "directory"), new DiskIo()).description();
    }

    /**
     * Reads and checks every record of a spool.
     *
     * @param directory the spool's directory
     * @return what it holds, and every damage. What a crash left unfinished, and what a running server is writing, is no
     *     damage
     * @throws SpoolException if there is no spool, it cannot be read, or another release wrote it in an unknown format
     */
    public static SpoolVerification verify(Path directory) throws SpoolException {
        return inspect(requireNonNull(directory, "directory"), new DiskIo());
    }

    static SpoolVerification inspect(Path directory, FileIo io) throws SpoolException {
        try {
            SpoolVerification damaged = null;
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                SpoolVerification found = attempt(directory, io);
                // damage may be a record that was being written while it was read: only what stays is told
                if (found != null && (found.isIntact() || isSame(found, damaged))) {
                    return found;
                }
                damaged = found;
            }
        } catch (SpoolException e) {
            throw e;
        } catch (IOException e) {
            throw new SpoolException("spool directory " + directory + ": cannot be read: " + FileFault.of(e), e);
        }
        throw new SpoolUnavailableException(
                "spool directory " + directory + ": changes faster than it can be read; try again");
    }

    private static boolean isSame(SpoolVerification found, @Nullable SpoolVerification before) {
        return before != null
                && found.damage().toString().equals(before.damage().toString());
    }

    /** Returns what a look found, null if a segment went meanwhile and its messages may have been missed. */
    private static @Nullable SpoolVerification attempt(Path directory, FileIo io) throws IOException {
        SegmentFiles files = new SegmentFiles(io, directory);
        SpoolIndex index = new SpoolIndex(files, () -> {});
        Recovery recovery = new Recovery(files, index);
        try {
            List<Integer> before = files.list();
            if (before.isEmpty()) {
                throw new SpoolException("spool directory " + directory + ": no segments (expected: a spool)");
            }
            try {
                recovery.run();
            } catch (NoSuchFileException e) {
                return null;
            }
            List<Integer> after = files.list();
            if (!after.containsAll(before) || after.size() > recovery.segments()) {
                return null;
            }
            return new SpoolVerification(describe(files, index, recovery), recovery.records(), damage(recovery));
        } finally {
            files.close();
        }
    }

    private static SpoolDescription describe(SegmentFiles files, SpoolIndex index, Recovery recovery)
            throws IOException {
        long held = 0;
        long damagedInIndex = 0;
        long mailDataBytes = 0;
        MessageTable messages = index.messages;
        for (int row = 0; row < messages.rows(); row++) {
            if (messages.id.get(row) == 0) {
                continue;
            }
            if (messages.is(row, MessageTable.DAMAGED)) {
                damagedInIndex++;
                continue;
            }
            held += messages.is(row, MessageTable.HELD) ? 1 : 0;
            mailDataBytes += messages.sizeBytes.get(row);
        }
        long fileBytes = 0;
        for (Segment segment : files.all()) {
            fileBytes += segment.reading().size();
        }
        return new SpoolDescription(
                messages.count() - damagedInIndex,
                held,
                index.lanes.all().size(),
                mailDataBytes,
                files.all().size(),
                fileBytes,
                index.damagedMessages.size() + (long) recovery.lost().size());
    }

    private static List<SpoolDamage> damage(Recovery recovery) {
        List<SpoolDamage> damage = new ArrayList<>();
        for (Damage one : recovery.damage()) {
            RecordHeader header = one.header();
            damage.add(new SpoolDamage(
                    SegmentFiles.name(one.segment()),
                    one.offset(),
                    one.length(),
                    header == null || header.id() == 0 ? null : Ids.text(header.id()),
                    one.reason()));
        }
        return damage;
    }
}
