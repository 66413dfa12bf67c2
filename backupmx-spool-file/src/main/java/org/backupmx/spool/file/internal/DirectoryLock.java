package org.backupmx.spool.file.internal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a second user out of a directory: an operating system's lock on the file {@code lock}, whose text is the pid
 * of the process that has it. A lock file that a dead process left is no obstacle.
 */
public final class DirectoryLock implements Closeable {

    /**
     * The lock files of this process. The one static of the library: an operating system's lock belongs to the whole
     * process, and closing any other channel to its file would release it.
     */
    private static final Set<Path> HELD = new HashSet<>();

    private static final int PID_BYTES = 32;

    private final Path key;
    private final FileChannel channel;

    private DirectoryLock(Path key, FileChannel channel) {
        this.key = key;
        this.channel = channel;
    }

    /**
     * Takes the lock of a directory.
     *
     * @param file the lock file in it, made if it is not there
     * @param attributes what a new file gets
     * @return the lock, to be closed
     * @throws DirectoryInUseException if somebody has it
     * @throws IOException if the file cannot be opened
     */
    public static DirectoryLock acquire(Path file, FileAttribute<?>[] attributes) throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        Path key = directory == null ? file : directory.toRealPath().resolve("lock");
        synchronized (HELD) {
            if (!HELD.add(key)) {
                throw refused(directory, Long.toString(ProcessHandle.current().pid()));
            }
            boolean locked = false;
            try {
                FileChannel channel = FileChannel.open(
                        file,
                        Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
                        attributes);
                try {
                    lock(channel, directory);
                    locked = true;
                    return new DirectoryLock(key, channel);
                } finally {
                    if (!locked) {
                        channel.close();
                    }
                }
            } finally {
                if (!locked) {
                    HELD.remove(key);
                }
            }
        }
    }

    private static void lock(FileChannel channel, @Nullable Path directory) throws IOException {
        boolean locked;
        try {
            locked = channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            locked = false; // this class a second time in the process, by another class loader
        }
        if (!locked) {
            ByteBuffer pid = ByteBuffer.allocate(PID_BYTES);
            channel.read(pid, 0);
            String text = new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).trim();
            throw refused(directory, text.isEmpty() ? "unknown" : text);
        }
        byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
        channel.write(ByteBuffer.wrap(pid), 0); // over what is there: a full disk may have no room for it anew
        channel.truncate(pid.length);
    }

    private static DirectoryInUseException refused(@Nullable Path directory, String pid) {
        return new DirectoryInUseException(
                "directory " + directory + ": in use by process " + pid + " (expected: one process at a time)");
    }

    @Override
    public void close() throws IOException {
        synchronized (HELD) {
            try {
                channel.close();
            } finally {
                HELD.remove(key);
            }
        }
    }
}
