package org.backupmx.spool;

/** The spool cannot serve now, or is closed; clients get 451 4.3.0. */
public final class SpoolUnavailableException extends SpoolException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what failed, with names and values, for operators
     */
    public SpoolUnavailableException(String message) {
        super(message);
    }

    /**
     * Makes an exception with its cause.
     *
     * @param message what failed, with names and values, for operators
     * @param cause why
     */
    public SpoolUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
