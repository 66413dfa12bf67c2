package org.backupmx.spool;

/** The spool has no room; clients get 452 4.3.1. */
public final class SpoolFullException extends SpoolException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what failed, with names and values, for operators
     */
    public SpoolFullException(String message) {
        super(message);
    }

    /**
     * Makes an exception with its cause.
     *
     * @param message what failed, with names and values, for operators
     * @param cause why
     */
    public SpoolFullException(String message, Throwable cause) {
        super(message, cause);
    }
}
