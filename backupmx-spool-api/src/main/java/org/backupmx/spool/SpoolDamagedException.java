package org.backupmx.spool;

/** What was stored cannot be read as it was written. */
public final class SpoolDamagedException extends SpoolException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what failed, with names and values, for operators
     */
    public SpoolDamagedException(String message) {
        super(message);
    }

    /**
     * Makes an exception with its cause.
     *
     * @param message what failed, with names and values, for operators
     * @param cause why
     */
    public SpoolDamagedException(String message, Throwable cause) {
        super(message, cause);
    }
}
