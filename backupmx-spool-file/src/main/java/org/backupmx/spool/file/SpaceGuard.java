package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Tells when the disk has too little room for new mail, and when it has less than half of that. Thread-safe. */
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

    /** Why new mail is refused; {@code isExhausted} if not even half of the room is left that there should be. */
    record Shortage(String reason, boolean isExhausted) {}

    private long asked(long total) {
        return Math.max(minimumFreeBytes, (long) (Math.max(0, total) / 100.0 * minimumFreePercent));
    }

    /** Tells whether so much is known to be free beyond what must be. */
    boolean hasRoomFor(long bytes) {
        try {
            return io.freeBytes(directory) - asked(io.totalBytes(directory)) >= bytes;
        } catch (IOException e) {
            return false; // the next look at the room tells
        }
    }

    /** Returns what is short, null if there is room. */
    @Nullable
    Shortage shortage() {
        try {
            long free = io.freeBytes(directory);
            long total = io.totalBytes(directory);
            long asked = asked(total);
            if (free >= asked) {
                return null;
            }
            String reason = "free space: " + free + " of " + total + " bytes (expected: at least " + asked + ")";
            return new Shortage(reason, free < asked / 2);
        } catch (IOException e) {
            return new Shortage("free space of " + directory + " cannot be read: " + e.getMessage(), false);
        }
    }
}
