package org.backupmx.internal.queue;

import org.backupmx.relay.TlsPolicy;

/** Whether a message with REQUIRETLS (RFC 8689) to a domain can be sent on as its sender demands. */
public enum RequireTls {

    /** The way is authenticated, and the primary's last answer to EHLO inside TLS offered REQUIRETLS. */
    HONOURED,

    /** The way is not one that shows who the primary is, or the primary does not offer REQUIRETLS. */
    IMPOSSIBLE,

    /** The primary has not been heard of inside TLS lately, or an operator has put another host in its place. */
    UNKNOWN;

    /**
     * Tells whether such a policy shows that a next hop is the primary: by something that an operator wrote down, its name,
     * those that may be in its certificate, or the certificate itself. A name from a DNS without DNSSEC shows nothing (RFC 8689
     * section 4.2.1).
     *
     * @param policy the policy
     * @param isFixed whether the next hop is written down
     */
    static boolean isAuthenticated(TlsPolicy policy, boolean isFixed) {
        boolean isNamed =
                policy instanceof TlsPolicy.Verify verify && !verify.names().isEmpty();
        return policy instanceof TlsPolicy.Fingerprint || policy.isAuthenticating() && (isFixed || isNamed);
    }

    /** Returns what is made of a way that is authenticated, or not, and what the primary is known to offer. */
    static RequireTls of(boolean isAuthenticated, PrimaryLimits limits) {
        if (!isAuthenticated) {
            return IMPOSSIBLE;
        }
        return limits.requireTls()
                .map(isOffered -> isOffered ? HONOURED : IMPOSSIBLE)
                .orElse(UNKNOWN);
    }
}
