package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * By what we know ourselves among mail exchangers: without it mail would go round in circles. Immutable and
 * thread-safe.
 *
 * @param names the host names we go by, in lower case without the trailing dot
 * @param addresses the addresses we have, those before a NAT included
 * @param listeners where we listen; the wildcard address stands for all of {@code addresses} and for loopback
 */
public record OwnIdentity(Set<String> names, Set<InetAddress> addresses, Set<InetSocketAddress> listeners) {

    /** Copies and normalises the parts. */
    public OwnIdentity {
        names = names.stream().map(OwnIdentity::normalise).collect(Collectors.toUnmodifiableSet());
        addresses = Set.copyOf(addresses);
        listeners = Set.copyOf(listeners);
        for (InetSocketAddress listener : listeners) {
            if (listener.isUnresolved()) {
                throw new IllegalArgumentException("listeners: " + listener + " (expected: resolved)");
            }
        }
    }

    /**
     * Returns the identity of a host by its names.
     *
     * @param names the host names
     * @return an identity without addresses
     */
    public static OwnIdentity named(String... names) {
        return new OwnIdentity(Set.of(names), Set.of(), Set.of());
    }

    /**
     * Returns this identity with more addresses.
     *
     * @param more addresses of ours
     * @return a copy
     */
    public OwnIdentity withAddresses(Collection<InetAddress> more) {
        Set<InetAddress> all = new LinkedHashSet<>(addresses);
        all.addAll(more);
        return new OwnIdentity(names, all, listeners);
    }

    /**
     * Returns this identity with more listeners; their addresses, the wildcard excepted, become ours as well.
     *
     * @param more where we listen, resolved
     * @return a copy
     * @throws IllegalArgumentException if one is not resolved
     */
    public OwnIdentity withListeners(Collection<InetSocketAddress> more) {
        Set<InetSocketAddress> all = new LinkedHashSet<>(listeners);
        all.addAll(more);
        OwnIdentity identity = new OwnIdentity(names, addresses, all);
        return identity.withAddresses(more.stream()
                .map(InetSocketAddress::getAddress)
                .filter(address -> !address.isAnyLocalAddress())
                .toList());
    }

    /**
     * Returns the addresses of all network interfaces of this machine, as they are now. Blocks for a moment.
     *
     * @return the addresses, loopback included
     * @throws SocketException if they cannot be read
     */
    public static Set<InetAddress> interfaceAddresses() throws SocketException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .collect(Collectors.toUnmodifiableSet());
    }

    /**
     * Tells whether a host name is ours.
     *
     * @param host a host name
     * @return true if it is one of ours, whatever its case
     */
    public boolean isOurs(String host) {
        return names.contains(normalise(host));
    }

    /**
     * Tells whether an address from the DNS leads to us.
     *
     * @param address an address
     * @return true if it is one of ours, loopback or the wildcard address
     */
    public boolean isOurs(InetAddress address) {
        return isListed(address) || address.isLoopbackAddress() || address.isAnyLocalAddress();
    }

    /** Tells whether the address is one of ours by the letter; scope ids do not matter. */
    boolean isListed(InetAddress address) {
        return addresses.contains(address);
    }

    /**
     * Tells whether somebody who connects there would meet us.
     *
     * @param address address and port, resolved
     * @return true if we listen there
     */
    public boolean isListener(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        for (InetSocketAddress listener : listeners) {
            if (listener.getPort() == address.getPort()
                    && (listener.getAddress().equals(host)
                            || (listener.getAddress().isAnyLocalAddress() && isOurs(host)))) {
                return true;
            }
        }
        return false;
    }

    private static String normalise(String name) {
        String lower = requireNonNull(name, "name").toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }
}
