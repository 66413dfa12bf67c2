package org.backupmx.relay;

/** How far the dialogue of a probe goes; each depth includes those before it, unless it says otherwise. */
public enum ProbeDepth {
    /** The connection opens. */
    TCP,
    /** The banner is 220. */
    BANNER,
    /**
     * EHLO, or else HELO, is accepted. Where {@link RelaySettings} demand TLS or have credentials, the handshake, its
     * demands and the authentication belong to it: without them no mail would pass.
     */
    EHLO,
    /**
     * STARTTLS is offered and accepted, the handshake is done, and EHLO is accepted again inside TLS (RFC 3207), then what
     * {@link RelaySettings} demand. Under {@link TlsPolicy#none()} and {@link TlsPolicy#may()} the certificate is read and
     * not verified: whoever relays without knowing the primary's name for sure gains nothing by refusing it (opportunistic
     * security, RFC 7435).
     */
    STARTTLS,
    /**
     * {@code MAIL FROM:<>} and {@code RCPT TO:<postmaster@domain>} are accepted, then RSET. All of it goes the way that mail
     * goes, not by way of {@link #STARTTLS}: by TLS where mail is relayed so, and under {@link TlsPolicy#may()} in clear text
     * where TLS is broken, as the mail is.
     *
     * <p>A 5yz to RCPT that speaks of this one mailbox (5.1.1, 5.1.6, 5.1.10, 5.2.z) counts as accepted: a primary
     * without a postmaster breaks a rule (RFC 5321 section 4.5.1), yet it takes the mail of the others.
     */
    RCPT
}
