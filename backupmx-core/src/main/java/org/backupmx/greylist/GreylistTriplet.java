package org.backupmx.greylist;

import static java.util.Objects.requireNonNull;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;

/**
 * The greylisting triplet: who sends from where to whom (RFC 6647 section 2.3). Immutable and thread-safe.
 *
 * @param clientNetwork the first address of the client's network: a /24 of IPv4 or a /64 of IPv6
 * @param reversePath the reverse-path
 * @param forwardPath the forward-path
 */
public record GreylistTriplet(InetAddress clientNetwork, ReversePath reversePath, ForwardPath forwardPath) {

    /** Checks the parts; any address of a network stands for the network. */
    public GreylistTriplet {
        requireNonNull(reversePath, "reversePath");
        requireNonNull(forwardPath, "forwardPath");
        clientNetwork = network(requireNonNull(clientNetwork, "clientNetwork"));
    }

    private static InetAddress network(InetAddress address) {
        byte[] octets = address.getAddress();
        Arrays.fill(octets, address instanceof Inet4Address ? 3 : 8, octets.length, (byte) 0);
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
