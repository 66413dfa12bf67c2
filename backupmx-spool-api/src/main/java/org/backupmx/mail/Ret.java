package org.backupmx.mail;

/** How much of the message a failure DSN returns: the RET parameter of MAIL (RFC 3461 section 4.3). */
public enum Ret {
    /** The whole message. */
    FULL,
    /** Its header section only. */
    HDRS
}
