package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * One address of a next hop: what one attempt connects to. Immutable and thread-safe.
 *
 * @param nextHop the next hop, by name
 * @param address one of its addresses
 */
public record NextHopAddress(NextHop nextHop, InetAddress address) {

    /** Checks the parts. */
    public NextHopAddress {
        requireNonNull(nextHop, "nextHop");
        requireNonNull(address, "address");
    }

    /**
     * Returns address and port.
     *
     * @return a resolved socket address
     */
    public InetSocketAddress socketAddress() {
        return new InetSocketAddress(address, nextHop.port());
    }

    /** Returns {@code host:port[address]}. */
    @Override
    public String toString() {
        return nextHop + "[" + address.getHostAddress() + "]";
    }
}
