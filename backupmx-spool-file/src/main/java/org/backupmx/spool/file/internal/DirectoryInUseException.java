package org.backupmx.spool.file.internal;

import java.io.IOException;

/** Somebody else has the lock of a directory. */
public final class DirectoryInUseException extends IOException {

    private static final long serialVersionUID = 1L;

    DirectoryInUseException(String message) {
        super(message);
    }
}
