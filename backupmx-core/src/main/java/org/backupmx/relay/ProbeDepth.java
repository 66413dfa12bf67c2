package org.backupmx.relay;

/** How far the dialogue of a probe goes; each depth includes those before it. */
public enum ProbeDepth {
    /** The connection opens. */
    TCP,
    /** The banner is 220. */
    BANNER,
    /** EHLO, or else HELO, is accepted. */
    EHLO,
    /** {@code MAIL FROM:<>} and {@code RCPT TO:<postmaster@domain>} are accepted, then RSET. */
    RCPT
}
