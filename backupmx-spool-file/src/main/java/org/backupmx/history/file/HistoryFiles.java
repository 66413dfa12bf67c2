package org.backupmx.history.file;

import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.backupmx.spool.file.internal.DirectoryLock;

/**
 * All that a history does to files: the seam at which tests put a disk that fails. Directories get mode 0700 and files
 * 0600 where the file system knows modes. Streams and random access instead of channels, since an interrupt of the
 * calling thread would close those.
 */
class HistoryFiles {

    private static final FileAttribute<?>[] NONE = {};

    private static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static FileAttribute<?>[] mode(Path path, String mode) {
        return isPosix(path)
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))}
                : NONE;
    }

    void createDirectory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            if (isPosix(directory)) {
                Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
            }
            return;
        }
        Path parent = directory.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        Files.createDirectory(directory, mode(directory, "rwx------"));
        if (parent != null) {
            forceDirectory(parent);
        }
    }

    Closeable lock(Path file) throws IOException {
        return DirectoryLock.acquire(file, mode(file, "rw-------"));
    }

    List<Path> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        }
    }

    long size(Path file) throws IOException {
        return Files.size(file);
    }

    InputStream read(Path file) throws IOException {
        return new FileInputStream(file.toFile());
    }

    /** Opens a file to write, a new one if there is none. */
    RandomAccessFile open(Path file) throws IOException {
        try {
            Files.createFile(file, mode(file, "rw-------"));
        } catch (FileAlreadyExistsException e) {
            // as well
        }
        return new RandomAccessFile(file.toFile(), "rw");
    }

    void write(RandomAccessFile file, long at, byte[] bytes) throws IOException {
        file.seek(at);
        file.write(bytes);
    }

    void truncate(RandomAccessFile file, long size) throws IOException {
        file.setLength(size);
    }

    void force(RandomAccessFile file) throws IOException {
        file.getFD().sync();
    }

    void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    void delete(Path file) throws IOException {
        Files.deleteIfExists(file);
    }

    /** Tidies up after a failure, which gets what goes wrong here, too. */
    final void deleteQuietly(Path file, IOException failure) {
        try {
            delete(file);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** Returns when the names in a directory would survive a loss of power. */
    void forceDirectory(Path directory) throws IOException {
        if (!isPosix(directory)) {
            return; // nothing else can open a directory
        }
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
