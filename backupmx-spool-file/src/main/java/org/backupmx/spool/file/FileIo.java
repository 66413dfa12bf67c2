package org.backupmx.spool.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that the spool does to files: the seam at which tests put a disk that fails. Calls fail with
 * {@link IOException}, with {@link NoSpaceException} if the disk is full, with
 * {@link java.nio.file.NoSuchFileException} if there is no such file. Thread-safe; an interrupt of the
 * calling thread has no effect on reading.
 */
interface FileIo {

    /** An open file. */
    interface Handle extends Closeable {

        /** Reads at a place, perhaps less than asked; -1 at the end. */
        int read(ByteBuffer into, long position) throws IOException;

        /** Writes at a place, perhaps less than asked. */
        int write(ByteBuffer from, long position) throws IOException;

        /** Returns when what was written, and the size, would survive a loss of power. After a failure nothing is sure. */
        void force() throws IOException;

        void truncate(long size) throws IOException;

        long size() throws IOException;
    }

    /** The disk, or the user's part of it, is full. */
    final class NoSpaceException extends IOException {
        private static final long serialVersionUID = 1L;

        NoSpaceException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** Makes a directory that only its owner may enter, if there is none. */
    void createDirectory(Path directory) throws IOException;

    /** Takes the lock that keeps others out, and returns what releases it. */
    Closeable lock(Path file) throws IOException;

    /** Returns the names of the files in a directory. */
    List<String> list(Path directory) throws IOException;

    /** Opens a file to read and write; a new one, for its owner only, if there is none. */
    Handle openForWriting(Path file) throws IOException;

    /** Opens a file to read. */
    Handle openForReading(Path file) throws IOException;

    void rename(Path from, Path to) throws IOException;

    void delete(Path file) throws IOException;

    /** Returns when the names in a directory would survive a loss of power. */
    void forceDirectory(Path directory) throws IOException;

    /** Returns the bytes that may still be written. */
    long freeBytes(Path directory) throws IOException;

    /** Returns the size of the disk. */
    long totalBytes(Path directory) throws IOException;
}
