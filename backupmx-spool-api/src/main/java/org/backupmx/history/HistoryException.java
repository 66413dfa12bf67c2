package org.backupmx.history;

import java.io.IOException;

/**
 * A history could not be read or written, or its store is closed. No mail depends on one: who gets this goes on without
 * it.
 */
public class HistoryException extends IOException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception.
     *
     * @param message what failed, with names and values, for operators
     */
    public HistoryException(String message) {
        super(message);
    }

    /**
     * Makes an exception with its cause.
     *
     * @param message what failed, with names and values, for operators
     * @param cause why
     */
    public HistoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
