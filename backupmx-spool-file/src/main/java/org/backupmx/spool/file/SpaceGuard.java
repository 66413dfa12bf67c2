package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Tells when the disk has too little room for new mail. Used by the committer only. */
final class SpaceGuard {

    private final FileIo io;
    private final Path directory;
    private final long minimumFreeBytes;
    private final int minimumFreePercent;

    SpaceGuard(FileIo io, Path directory, long minimumFreeBytes, int minimumFreePercent) {
        this.io = io;
        this.directory = directory;
        this.minimumFreeBytes = minimumFreeBytes;
        this.minimumFreePercent = minimumFreePercent;
    }

    /** Returns why new mail is refused, null if there is room. */
    @Nullable
    String refusal() {
        try {
            long free = io.freeBytes(directory);
            if (free < minimumFreeBytes) {
                return "free space: " + free + " bytes (expected: at least " + minimumFreeBytes + ")";
            }
            long total = io.totalBytes(directory);
            if (total > 0 && free < total / 100.0 * minimumFreePercent) {
                return "free space: " + free + " of " + total + " bytes (expected: at least " + minimumFreePercent
                        + "%)";
            }
            return null;
        } catch (IOException e) {
            return "free space of " + directory + " cannot be read: " + e.getMessage();
        }
    }
}
