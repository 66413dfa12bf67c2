package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
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
    private static final int ATTEMPTS = 200;

    private SpoolInspector() {}

    /**
     * Tells what a spool holds.
     *
     * @param directory the spool's directory
     * @return what it holds
     * @throws SpoolException if there is no spool, it cannot be read, or another release wrote it in an unknown format
     */
    public static SpoolDescription describe(Path directory) throws SpoolException {
        return inspect(requireNonNull(directory, "directory"), new DiskIo(), Encryption.OFF, false)
                .description();
    }

    /**
     * Tells what a spool holds that may be encrypted.
     *
     * @param directory the spool's directory
     * @param keys every key that a segment needs
     * @return what it holds
     * @throws SpoolException as without keys, or if a key is missing
     */
    public static SpoolDescription describe(Path directory, SpoolKeys keys) throws SpoolException {
        return inspect(requireNonNull(directory, "directory"), new DiskIo(), encryption(keys), false)
                .description();
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
        return inspect(requireNonNull(directory, "directory"), new DiskIo(), Encryption.OFF, true);
    }

    /**
     * Reads, decrypts and checks every record of a spool that may be encrypted.
     *
     * @param directory the spool's directory
     * @param keys every key that a segment needs
     * @return what it holds, and every damage, as without keys
     * @throws SpoolException as without keys, or if a key is missing
     */
    public static SpoolVerification verify(Path directory, SpoolKeys keys) throws SpoolException {
        return inspect(requireNonNull(directory, "directory"), new DiskIo(), encryption(keys), true);
    }

    private static Encryption encryption(SpoolKeys keys) {
        return new Encryption(requireNonNull(keys, "keys"), new SecureRandom());
    }

    /**
     * Opens a view of a spool, to read its messages.
     *
     * @param directory the spool's directory
     * @return the view, which the caller closes
     * @throws SpoolException if there is no spool, it cannot be read, or another release wrote it in an unknown format
     */
    public static SpoolView open(Path directory) throws SpoolException {
        return SpoolView.open(requireNonNull(directory, "directory"), new DiskIo(), Encryption.OFF);
    }

    /**
     * Opens a view of a spool that may be encrypted, to read its messages.
     *
     * @param directory the spool's directory
     * @param keys every key that a segment needs
     * @return the view, which the caller closes
     * @throws SpoolException as without keys, or if a key is missing
     */
    public static SpoolView open(Path directory, SpoolKeys keys) throws SpoolException {
        return SpoolView.open(requireNonNull(directory, "directory"), new DiskIo(), encryption(keys));
    }

    static SpoolVerification inspect(Path directory, FileIo io) throws SpoolException {
        return inspect(directory, io, Encryption.OFF, true);
    }

    static SpoolVerification inspect(Path directory, FileIo io, Encryption encryption, boolean decryptsData)
            throws SpoolException {
        try (Look look = look(directory, io, encryption, decryptsData)) {
            return look.found();
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    /** What a look found, with the files still open. */
    record Look(SegmentFiles files, SpoolIndex index, SpoolVerification found, List<SpoolDamage> lost)
            implements Closeable {
        @Override
        public void close() throws IOException {
            files.close();
        }
    }

    /** Looks until what is found is of one instant. */
    static Look look(Path directory, FileIo io, Encryption encryption, boolean decryptsData) throws SpoolException {
        try {
            SpoolVerification damaged = null;
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                Look look = attempt(directory, io, encryption, decryptsData);
                if (look == null) {
                    continue;
                }
                // damage may be a record that was being written while it was read: only what stays is told
                if (look.found().isIntact() || isSame(look.found(), damaged)) {
                    return look;
                }
                damaged = look.found();
                look.close();
            }
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
        throw new SpoolUnavailableException(
                "spool directory " + directory + ": changes faster than it can be read; try again");
    }

    private static SpoolException unreadable(Path directory, IOException e) {
        return e instanceof SpoolException known
                ? known
                : new SpoolException("spool directory " + directory + ": cannot be read: " + FileFault.of(e), e);
    }

    private static boolean isSame(SpoolVerification found, @Nullable SpoolVerification before) {
        return before != null
                && found.damage().toString().equals(before.damage().toString());
    }

    /** Returns what a look found, null if a segment went meanwhile and its messages may have been missed. */
    private static @Nullable Look attempt(Path directory, FileIo io, Encryption encryption, boolean decryptsData)
            throws IOException {
        SegmentFiles files = new SegmentFiles(io, directory, encryption, 0);
        SpoolIndex index = new SpoolIndex(files, () -> {});
        Recovery recovery = new Recovery(files, index, decryptsData);
        Look look = null;
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
            if (after.containsAll(before) && after.size() <= recovery.segments()) {
                SpoolDescription description = describe(files, index, recovery);
                SpoolVerification found =
                        new SpoolVerification(description, recovery.records(), told(recovery.damage()));
                look = new Look(files, index, found, told(recovery.lost()));
            }
            return look;
        } finally {
            if (look == null) {
                files.close();
            }
        }
    }

    private static SpoolDescription describe(SegmentFiles files, SpoolIndex index, Recovery recovery)
            throws IOException {
        SpoolDescription.Builder found = new SpoolDescription.Builder();
        long damagedInIndex = 0;
        long oldest = Long.MAX_VALUE;
        MessageTable messages = index.messages;
        for (int row = 0; row < messages.rows(); row++) {
            if (messages.id.get(row) == 0) {
                continue;
            }
            if (messages.is(row, MessageTable.DAMAGED)) {
                damagedInIndex++;
                continue;
            }
            found.held += messages.is(row, MessageTable.HELD) ? 1 : 0;
            found.mailDataBytes += messages.sizeBytes(row);
            oldest = Math.min(oldest, messages.received.get(row));
        }
        found.messages = messages.count() - damagedInIndex;
        found.oldest = found.messages == 0 ? null : Micros.instant(oldest);
        found.lanes = index.lanes.all().size();
        found.damaged = index.damagedMessages.size() + (long) recovery.lost().size();
        found.formatVersions = List.copyOf(recovery.versions());
        for (Segment segment : files.all()) {
            long live = segment.liveBytes + segment.softBytes;
            found.segments++;
            found.fileBytes += segment.reading().size();
            found.liveBytes += live;
            DataKey dataKey = segment.dataKey();
            if (dataKey != null) {
                found.encryptedSegments.merge(dataKey.keyId(), 1L, Long::sum);
            }
            found.deadBytes += Math.max(0, segment.size() - live);
        }
        found.spareBytes = files.spares().bytes();
        return found.build();
    }

    private static List<SpoolDamage> told(List<Damage> all) {
        List<SpoolDamage> damage = new ArrayList<>();
        for (Damage one : all) {
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
