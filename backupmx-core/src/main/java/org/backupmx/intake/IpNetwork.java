package org.backupmx.intake;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/**
 * A block of IP addresses: a CIDR prefix such as {@code 192.0.2.0/24} or {@code 2001:db8::/32} (RFC 4632, RFC 4291
 * section 2.3). Immutable and thread-safe.
 *
 * <p>An IPv4 address that is written as IPv6 ({@code ::ffff:192.0.2.1}) counts as the IPv4 address. Scope ids do not
 * matter.
 */
public final class IpNetwork {

    private static final String EXPECTED =
            "expected: an address or prefix such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32";

    // no leading zero: some read 010 as eight
    // the JDK would ask DNS for 256.0.0.0
    private static final String OCTET = "(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])";
    private static final Pattern V4 = Pattern.compile(OCTET + "(?:\\." + OCTET + "){3}");
    private static final Pattern V6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    private static final Pattern LENGTH = Pattern.compile("0|[1-9][0-9]{0,2}");

    private final InetAddress first;
    private final byte[] prefix;
    private final int prefixLength;

    private IpNetwork(InetAddress first, int prefixLength) {
        this.first = first;
        this.prefix = first.getAddress();
        this.prefixLength = prefixLength;
    }

    /**
     * Reads a block as it is written: an address, a slash, and the prefix length in bits, 0 to 32 or 128. An address
     * alone is a block of one.
     *
     * @param text the block; never looked up
     * @return the block
     * @throws IllegalArgumentException if it is none, or has bits set after its prefix: the message says which block
     *     may be meant
     */
    public static IpNetwork of(String text) {
        int slash = requireNonNull(text, "text").indexOf('/');
        InetAddress address = address(text, slash < 0 ? text : text.substring(0, slash));
        byte[] octets = address.getAddress();
        int most = octets.length * 8;
        int length = slash < 0 ? most : length(text, text.substring(slash + 1), most);
        byte[] masked = masked(octets, length);
        InetAddress first = ofOctets(masked);
        if (!first.equals(address)) {
            throw new IllegalArgumentException("network: " + text + " has bits set after its prefix (expected: "
                    + new IpNetwork(first, length) + ", or a longer prefix)");
        }
        return new IpNetwork(first, length);
    }

    /**
     * Returns the block of a given size that an address is in.
     *
     * @param address the address
     * @param prefixLength 0 to 32 bits for IPv4, 0 to 128 for IPv6
     * @return the block
     * @throws IllegalArgumentException if the prefix length is out of range
     */
    public static IpNetwork around(InetAddress address, int prefixLength) {
        byte[] octets = requireNonNull(address, "address").getAddress();
        if (prefixLength < 0 || prefixLength > octets.length * 8) {
            throw new IllegalArgumentException(
                    "prefixLength: " + prefixLength + " (expected: 0 to " + octets.length * 8 + ")");
        }
        return new IpNetwork(ofOctets(masked(octets, prefixLength)), prefixLength);
    }

    private static InetAddress address(String text, String address) {
        boolean v4 = V4.matcher(address).matches();
        if (v4 || V6.matcher(address).matches()) {
            try {
                // only the characters of an address get here: it is parsed, never looked up
                InetAddress parsed = InetAddress.getByName(address);
                if (v4 == (parsed.getAddress().length == 4)) {
                    return parsed;
                }
                throw new IllegalArgumentException("network: " + text + " (expected: the IPv4 form, "
                        + parsed.getHostAddress() + " and a prefix length from 0 to 32)");
            } catch (UnknownHostException e) {
                // told below
            }
        }
        throw new IllegalArgumentException("network: " + text + " (" + EXPECTED + ")");
    }

    private static int length(String text, String length, int most) {
        if (LENGTH.matcher(length).matches() && Integer.parseInt(length) <= most) {
            return Integer.parseInt(length);
        }
        throw new IllegalArgumentException(
                "network: " + text + " (expected: a prefix length from 0 to " + most + " after the slash)");
    }

    private static byte[] masked(byte[] octets, int length) {
        byte[] masked = octets.clone();
        for (int i = 0; i < masked.length; i++) {
            masked[i] &= (byte) mask(length - 8 * i);
        }
        return masked;
    }

    /** The mask of an octet of which so many bits are within the prefix. */
    private static int mask(int bits) {
        return bits >= 8 ? 0xff : bits <= 0 ? 0 : 0xff << (8 - bits);
    }

    private static InetAddress ofOctets(byte[] octets) {
        try {
            return InetAddress.getByAddress(octets);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Tells whether an address is within the block.
     *
     * @param address an address; of the other family it never is
     * @return true if it is
     */
    public boolean contains(InetAddress address) {
        byte[] octets = requireNonNull(address, "address").getAddress();
        if (octets.length != prefix.length) {
            return false;
        }
        for (int i = 0; 8 * i < prefixLength; i++) {
            if (((octets[i] ^ prefix[i]) & mask(prefixLength - 8 * i)) != 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns the first address.
     *
     * @return the address whose bits after the prefix are all zero
     */
    public InetAddress first() {
        return first;
    }

    /**
     * Returns the length of the prefix.
     *
     * @return 0 to 32 bits for IPv4, 0 to 128 for IPv6
     */
    public int prefixLength() {
        return prefixLength;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof IpNetwork that && first.equals(that.first) && prefixLength == that.prefixLength;
    }

    @Override
    public int hashCode() {
        return 31 * first.hashCode() + prefixLength;
    }

    /** Returns the block as {@link #of} reads it. */
    @Override
    public String toString() {
        return first.getHostAddress() + "/" + prefixLength;
    }
}
