package org.backupmx.smtp;

/**
 * What becomes of a client that talks before its turn (RFC 5321 section 4.3.1, RFC 2920 section 3.1): before the banner,
 * or behind HELO, EHLO or DATA before the answer to it.
 */
public enum EarlyTalkers {
    /** It is heard as if it had waited: some lawful servers are sloppy. The default without a greet pause. */
    IGNORE,
    /** It is sent away with 554 5.5.1. The default with a greet pause. */
    REJECT
}
