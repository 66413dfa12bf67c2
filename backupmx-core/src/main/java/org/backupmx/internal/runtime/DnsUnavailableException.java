package org.backupmx.internal.runtime;

/** Tells that whether we relay for a domain depends on the DNS, which gives no answer now. */
public final class DnsUnavailableException extends Exception {

    private static final long serialVersionUID = 1;

    DnsUnavailableException(String reason) {
        super(reason);
    }
}
