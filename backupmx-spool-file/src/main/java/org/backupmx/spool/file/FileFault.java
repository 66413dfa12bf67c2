package org.backupmx.spool.file;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/** Says in words what the JDK says by the names of its exceptions. */
final class FileFault {

    private FileFault() {}

    /** Returns what is wrong, with the file that it is wrong with. */
    static String of(IOException fault) {
        String message = String.valueOf(fault.getMessage());
        if (!(fault instanceof FileSystemException system)) {
            return fault.getMessage() == null ? fault.getClass().getSimpleName() : message;
        }
        String reason = reason(system);
        return reason == null ? message : system.getFile() + ": " + reason;
    }

    private static @Nullable String reason(FileSystemException fault) {
        if (fault instanceof NoSuchFileException) {
            return "no such file or directory";
        }
        // what stands where a directory is to be made
        if (fault instanceof NotDirectoryException || fault instanceof FileAlreadyExistsException) {
            return "not a directory";
        }
        return fault instanceof AccessDeniedException ? "permission denied" : null;
    }
}
