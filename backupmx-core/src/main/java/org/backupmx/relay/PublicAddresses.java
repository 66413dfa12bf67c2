package org.backupmx.relay;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;

/**
 * Which addresses may come from the DNS of a stranger: those of the public internet, by IANA's registries of
 * special-purpose addresses (RFC 6890). The others would let him point us into our own network.
 */
final class PublicAddresses {

    private static final class Block {
        private final byte[] prefix;
        private final int bits;

        Block(String text) {
            String[] parts = text.split("/", 2);
            prefix = AddressLiteral.parse(parts[0]).orElseThrow().getAddress();
            bits = Integer.parseInt(parts[1]);
        }

        boolean contains(byte[] address) {
            if (address.length != prefix.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit += 8) {
                int mask = bits - bit >= 8 ? 0xff : 0xff << (8 - (bits - bit));
                if (((address[bit / 8] ^ prefix[bit / 8]) & mask) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    private static List<Block> blocks(String... texts) {
        return Arrays.stream(texts).map(Block::new).toList();
    }

    private static final List<Block> SPECIAL_V4 = blocks(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4");

    private static final Block GLOBAL_V6 = new Block("2000::/3");

    /** Within the global ones: protocol assignments with Teredo, documentation, and 6to4, which hides an IPv4 address. */
    private static final List<Block> SPECIAL_V6 = blocks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    /** What a NAT64 makes of an IPv4 address (RFC 6052); it counts as that one. */
    private static final Block NAT64 = new Block("64:ff9b::/96");

    private static final byte[] BROADCAST = {-1, -1, -1, -1};

    private PublicAddresses() {}

    /** Tells whether it is the limited broadcast address, which nobody may allow. */
    static boolean isBroadcast(InetAddress address) {
        return Arrays.equals(address.getAddress(), BROADCAST);
    }

    static boolean contains(InetAddress address) {
        return contains(address.getAddress());
    }

    private static boolean contains(byte[] octets) {
        if (octets.length == 4) {
            return SPECIAL_V4.stream().noneMatch(block -> block.contains(octets));
        }
        if (NAT64.contains(octets)) {
            return contains(Arrays.copyOfRange(octets, 12, 16));
        }
        return GLOBAL_V6.contains(octets) && SPECIAL_V6.stream().noneMatch(block -> block.contains(octets));
    }
}
