package org.backupmx.spool;

import java.io.IOException;

/** A spool could not do what was asked: a fault of the world, not of the caller. */
public class SpoolException extends IOException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what failed, with names and values, for operators
     */
    public SpoolException(String message) {
        super(message);
    }

    /**
     * Makes an exception with its cause.
     *
     * @param message what failed, with names and values, for operators
     * @param cause why
     */
    public SpoolException(String message, Throwable cause) {
        super(message, cause);
    }
}
