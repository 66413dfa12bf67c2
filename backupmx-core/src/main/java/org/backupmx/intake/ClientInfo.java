package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.net.InetSocketAddress;

/**
 * Who connects, and to which of our addresses. Immutable and thread-safe.
 *
 * @param remote the client's address; the proxied one behind a trusted proxy
 * @param local our address
 */
public record ClientInfo(InetSocketAddress remote, InetSocketAddress local) {

    /** Checks the parts. */
    public ClientInfo {
        requireNonNull(remote, "remote");
        requireNonNull(local, "local");
    }
}
