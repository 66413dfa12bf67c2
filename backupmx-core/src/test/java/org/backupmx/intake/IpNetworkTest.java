package org.backupmx.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpNetworkTest {

    @ParameterizedTest
    @CsvSource({
        "192.0.2.0/24, 192.0.2.0, true",
        "192.0.2.0/24, 192.0.2.255, true",
        "192.0.2.0/24, 192.0.3.0, false",
        "192.0.2.0/24, 192.0.1.255, false",
        "192.0.2.128/25, 192.0.2.127, false",
        "192.0.2.128/25, 192.0.2.128, true",
        "192.0.2.1, 192.0.2.1, true",
        "192.0.2.1, 192.0.2.2, false",
        "0.0.0.0/0, 255.255.255.255, true",
        "0.0.0.0/0, ::1, false",
        "::/0, ::1, true",
        "::/0, 192.0.2.1, false",
        "2001:db8::/32, 2001:db8:ffff::1, true",
        "2001:db8::/32, 2001:db9::, false",
        "2001:db8::/33, 2001:db8:8000::, false",
        "2001:db8::1, 2001:db8::1, true",
        "2001:db8::1/128, 2001:db8::2, false",
        "192.0.2.0/24, ::ffff:192.0.2.7, true",
        "fe80::/10, fe80::1%1, true",
    })
    void contains(String network, String address, boolean expected) throws UnknownHostException {
        assertThat(IpNetwork.of(network).contains(InetAddress.getByName(address)))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.7, 24, 192.0.2.0/24",
        "192.0.2.7, 32, 192.0.2.7",
        "192.0.2.7, 0, 0.0.0.0/0",
        "::ffff:192.0.2.7, 24, 192.0.2.0/24",
        "2001:db8:1:2:3::4, 64, 2001:db8:1:2::/64",
        "fe80::1%1, 10, fe80::/10",
    })
    void around(String address, int prefixLength, String expected) throws UnknownHostException {
        assertThat(IpNetwork.around(InetAddress.getByName(address), prefixLength))
                .isEqualTo(IpNetwork.of(expected));
    }

    @ParameterizedTest
    @CsvSource({"192.0.2.7, 33, 0 to 32", "192.0.2.7, -1, 0 to 32", "::1, 129, 0 to 128"})
    void aroundRefuses(String address, int prefixLength, String expected) throws UnknownHostException {
        InetAddress parsed = InetAddress.getByName(address);
        assertThatThrownBy(() -> IpNetwork.around(parsed, prefixLength))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("prefixLength: " + prefixLength + " (expected: " + expected + ")");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "/24",
                "192.0.2.0/",
                "192.0.2.0/33",
                "192.0.2.0/-1",
                "192.0.2.0/+8",
                "192.0.2.0/08",
                "192.0.2.0/ 8",
                "192.0.2.0/255.255.255.0",
                "192.0.2.0/24/24",
                "192.0.2/24",
                "192.0.2.256",
                "192.0.02.0/24",
                "0300.0.2.0/24",
                " 192.0.2.0/24",
                "localhost",
                "example.org/24",
                "[::1]",
                "::1/129",
                "::1%lo",
                ":",
                "1::2::3",
                "::ffff:192.0.2.0/120",
                "99999999999999999999/8",
            })
    void refusesWhatIsNoBlock(String text) {
        assertThatThrownBy(() -> IpNetwork.of(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("network: " + text)
                .hasMessageContaining("(expected: ");
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.1/24, 192.0.2.0/24",
        "10.1.0.0/8, 10.0.0.0/8",
        "1.2.3.4/0, 0.0.0.0/0",
        "2001:db8::1/64, 2001:db8:0:0:0:0:0:0/64",
    })
    void bitsAfterThePrefixAreRefusedAndTheBlockIsNamed(String text, String meant) {
        assertThatThrownBy(() -> IpNetwork.of(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("network: " + text + " has bits set after its prefix (expected: " + meant
                        + ", or a longer prefix)");
    }

    @Test
    void equalBlocksAreOne() {
        assertThat(IpNetwork.of("2001:DB8:0::/32"))
                .isEqualTo(IpNetwork.of("2001:db8::/32"))
                .hasSameHashCodeAs(IpNetwork.of("2001:db8::/32"))
                .isNotEqualTo(IpNetwork.of("2001:db8::/33"));
        assertThat(IpNetwork.of("192.0.2.1")).isEqualTo(IpNetwork.of("192.0.2.1/32"));
    }

    /** The same by arithmetic: an address is within if it agrees with the first one in all bits of the prefix. */
    @Property
    void agreesWithArithmetic(
            @ForAll @Size(4) byte[] network, @ForAll @Size(4) byte[] other, @ForAll @IntRange(max = 32) int length)
            throws UnknownHostException {
        agrees(network, other, length);
        byte[] near = network.clone();
        near[3] ^= other[3];
        agrees(network, near, length);
    }

    @Property
    void agreesWithArithmeticInIpv6(
            @ForAll @Size(16) byte[] network, @ForAll @Size(16) byte[] other, @ForAll @IntRange(max = 128) int length)
            throws UnknownHostException {
        network[0] = 0x20; // no IPv4 address in disguise
        agrees(network, other, length);
        byte[] near = network.clone();
        near[7] ^= other[7];
        agrees(network, near, length);
    }

    private static void agrees(byte[] network, byte[] address, int length) throws UnknownHostException {
        int drop = network.length * 8 - length;
        BigInteger first = new BigInteger(1, network).shiftRight(drop);
        IpNetwork block =
                IpNetwork.of(InetAddress.getByAddress(octets(first.shiftLeft(drop), network.length))
                                .getHostAddress() + "/" + length);
        boolean expected = new BigInteger(1, address).shiftRight(drop).equals(first)
                && InetAddress.getByAddress(address).getAddress().length == network.length;
        assertThat(block.contains(InetAddress.getByAddress(address))).isEqualTo(expected);
        assertThat(IpNetwork.of(block.toString())).isEqualTo(block);
    }

    private static byte[] octets(BigInteger number, int length) {
        byte[] octets = new byte[length];
        byte[] given = number.toByteArray();
        byte[] unsigned = Arrays.copyOfRange(given, Math.max(0, given.length - length), given.length);
        System.arraycopy(unsigned, 0, octets, length - unsigned.length, unsigned.length);
        return octets;
    }
}
