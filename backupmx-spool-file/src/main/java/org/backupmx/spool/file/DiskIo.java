package org.backupmx.spool.file;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.file.internal.DirectoryInUseException;
import org.backupmx.spool.file.internal.DirectoryLock;

/** The files of the machine. Directories get mode 0700 and files 0600 where the file system knows modes. */
final class DiskIo implements FileIo {

    private static final Set<PosixFilePermission> OWNER_ENTERS = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OWNER_READS = PosixFilePermissions.fromString("rw-------");
    private static final FileAttribute<?>[] NONE = {};

    @Override
    public void createDirectory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            if (isPosix(directory) && !Files.getPosixFilePermissions(directory).equals(OWNER_ENTERS)) {
                Files.setPosixFilePermissions(directory, OWNER_ENTERS);
            }
            return;
        }
        Path parent = directory.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        try {
            Files.createDirectory(directory, attributes(directory, OWNER_ENTERS));
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(directory)) {
                throw e;
            }
        }
        if (parent != null) {
            forceDirectory(parent);
        }
    }

    private static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static FileAttribute<?>[] attributes(Path path, Set<PosixFilePermission> permissions) {
        return isPosix(path) ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)} : NONE;
    }

    @Override
    public Closeable lock(Path file) throws IOException {
        try {
            return DirectoryLock.acquire(file, attributes(file, OWNER_READS));
        } catch (DirectoryInUseException e) {
            throw new SpoolUnavailableException("spool " + e.getMessage(), e);
        } catch (IOException e) {
            throw translated(e);
        }
    }

    @Override
    public List<String> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            List<String> names = new ArrayList<>();
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                    names.add(name);
                } else if (name.startsWith(SegmentFiles.PREFIX) && isOther(file)) {
                    throw new SpoolException(
                            file + ": no regular file (expected: one, or its mail would be missed): move it out of the"
                                    + " directory, or put the file that is meant in its place");
                }
            }
            return names;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Tells whether it is there, and not a file that was removed a moment ago. */
    private static boolean isOther(Path file) {
        return Files.isSymbolicLink(file) || Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public Handle openForWriting(Path file) throws IOException {
        try {
            return new DiskHandle(
                    file,
                    true,
                    Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
                    attributes(file, OWNER_READS));
        } catch (IOException e) {
            throw translated(e); // no inode left
        }
    }

    @Override
    public Handle openForReading(Path file) throws IOException {
        return new DiskHandle(file, false, Set.of(StandardOpenOption.READ), NONE);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(Path file) throws IOException {
        Files.delete(file);
    }

    @Override
    public void forceDirectory(Path directory) throws IOException {
        if (!isPosix(directory)) {
            return; // nothing else can open a directory
        }
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    // not by a FileStore, which reads the list of all mounts each time

    @Override
    public long freeBytes(Path directory) throws IOException {
        long total = totalBytes(directory);
        return Math.min(total, directory.toFile().getUsableSpace());
    }

    @Override
    public long totalBytes(Path directory) throws IOException {
        long total = directory.toFile().getTotalSpace();
        if (total == 0) { // nothing else tells of a failure
            throw new IOException(directory + ": its file system does not tell its size");
        }
        return total;
    }

    private static IOException translated(IOException e) {
        String message = String.valueOf(e.getMessage());
        return tellsFullDisk(message, wordsForFullDisk()) ? new NoSpaceException(message, e) : e;
    }

    /** Tells whether a message is that of a full disk or quota; {@code words} are those that the machine has for it. */
    static boolean tellsFullDisk(String message, String words) {
        String lower = message.toLowerCase(Locale.ROOT);
        return message.contains(words)
                || lower.contains("no space left")
                || lower.contains("quota exceeded")
                || lower.contains("not enough space");
    }

    /** Returns what the operating system calls a full disk: it says so in the language of who started the process. */
    static String wordsForFullDisk() {
        try (FileChannel full = FileChannel.open(Path.of("/dev/full"), StandardOpenOption.WRITE)) {
            full.write(ByteBuffer.allocate(1));
        } catch (IOException e) {
            String message = e.getMessage();
            if (message != null) {
                return message;
            }
        }
        return "No space left on device";
    }

    /**
     * A file channel whose reads survive interrupts: the JDK closes a channel under every thread when one of them is
     * interrupted, so it is opened again and the interrupt put off until the read is done. One that is written is not:
     * the new channel would not know of the old one's failure.
     */
    private static final class DiskHandle implements Handle {

        private final Path file;
        private final boolean isWritten;
        private volatile FileChannel channel;
        private volatile boolean closed;

        DiskHandle(Path file, boolean isWritten, Set<? extends OpenOption> options, FileAttribute<?>[] attributes)
                throws IOException {
            this.file = file;
            this.isWritten = isWritten;
            this.channel = FileChannel.open(file, options, attributes);
        }

        @FunctionalInterface
        private interface Reading {
            long from(FileChannel channel) throws IOException;
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            return (int) whateverInterrupts(current -> current.read(into, position));
        }

        @Override
        public long size() throws IOException {
            return whateverInterrupts(FileChannel::size);
        }

        private long whateverInterrupts(Reading reading) throws IOException {
            boolean interrupted = false;
            try {
                while (true) {
                    FileChannel current = channel;
                    try {
                        return reading.from(current);
                    } catch (ClosedByInterruptException e) {
                        interrupted = true;
                        Thread.interrupted();
                        reopen(current, e);
                    } catch (ClosedChannelException e) {
                        reopen(current, e);
                    }
                }
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        private synchronized void reopen(FileChannel broken, ClosedChannelException cause) throws IOException {
            if (closed || isWritten) {
                throw cause;
            }
            if (channel == broken) {
                channel = FileChannel.open(file, StandardOpenOption.READ);
            }
        }

        @Override
        public int write(ByteBuffer from, long position) throws IOException {
            try {
                return channel.write(from, position);
            } catch (IOException e) {
                throw translated(e);
            }
        }

        @Override
        public void force() throws IOException {
            try {
                channel.force(false);
            } catch (IOException e) {
                throw translated(e);
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public synchronized void close() throws IOException {
            closed = true;
            channel.close();
        }
    }
}
