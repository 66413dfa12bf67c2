package org.backupmx.spool;

/** The lease has ended, is settled, or its message was deleted; someone else may hold the message. */
public final class SpoolLeaseLostException extends SpoolException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what failed, with names and values, for operators
     */
    public SpoolLeaseLostException(String message) {
        super(message);
    }

    /**
     * Makes an exception with its cause.
     *
     * @param message what failed, with names and values, for operators
     * @param cause why
     */
    public SpoolLeaseLostException(String message, Throwable cause) {
        super(message, cause);
    }
}
