package org.backupmx.mail;

/** When a recipient's sender wants a DSN: the NOTIFY parameter of RCPT (RFC 3461 section 4.1). */
public enum Notify {
    /** Under no circumstances; stands alone. */
    NEVER,
    /** On delivery. */
    SUCCESS,
    /** When delivery failed for good. */
    FAILURE,
    /** When delivery is late. */
    DELAY
}
