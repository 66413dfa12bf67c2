package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * Who connects, and to which of our addresses. Immutable and thread-safe.
 *
 * @param remote the client's address; the one behind a trusted proxy (PROXY protocol, XCLIENT); port 0 if unknown
 * @param local our address, or the trusted proxy's that the client connected to
 * @param name the client's host name, as a trusted proxy found it in the DNS; empty if none told one
 * @param login the name as which the client is authenticated with a trusted proxy; empty if none told one
 */
public record ClientInfo(
        InetSocketAddress remote, InetSocketAddress local, Optional<String> name, Optional<String> login) {

    /** Checks the parts. */
    public ClientInfo {
        requireNonNull(remote, "remote");
        requireNonNull(local, "local");
        requireNonNull(name, "name");
        requireNonNull(login, "login");
    }

    /**
     * Makes a client of which only addresses are known.
     *
     * @param remote the client's address
     * @param local our address
     */
    public ClientInfo(InetSocketAddress remote, InetSocketAddress local) {
        this(remote, local, Optional.empty(), Optional.empty());
    }
}
