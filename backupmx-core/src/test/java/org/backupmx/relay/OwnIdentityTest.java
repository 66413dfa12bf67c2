package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OwnIdentityTest {

    private static InetAddress address(String text) {
        return AddressLiteral.parse(text).orElseThrow();
    }

    @Test
    void namesAreComparedWithoutCaseAndTrailingDot() {
        OwnIdentity us = OwnIdentity.named("MX2.Example.");
        assertThat(us.isOurs("mx2.example")).isTrue();
        assertThat(us.isOurs("mx2.EXAMPLE.")).isTrue();
        assertThat(us.isOurs("amx2.example")).isFalse();
    }

    @Test
    void theAddressesOfThisMachineHoldLoopback() throws Exception {
        assertThat(OwnIdentity.interfaceAddresses()).contains(address("127.0.0.1"));
    }

    @Test
    void v4MappedAddressesAreTheirIpv4Address() {
        OwnIdentity us = OwnIdentity.named("mx2.example").withAddresses(Set.of(address("9.9.9.2")));
        assertThat(us.isOurs(address("::ffff:9.9.9.2"))).isTrue();
        assertThat(us.isOurs(address("::ffff:127.0.0.1"))).isTrue();
        assertThat(us.isOurs(address("9.9.9.3"))).isFalse();
    }

    @Test
    void listenersAddTheirAddressesUnlessWild() {
        OwnIdentity us = OwnIdentity.named("mx2.example")
                .withListeners(List.of(
                        new InetSocketAddress(address("9.9.9.2"), 25), new InetSocketAddress(address("::"), 2525)));
        assertThat(us.addresses()).containsExactly(address("9.9.9.2"));
        assertThat(us.isListener(new InetSocketAddress(address("9.9.9.2"), 25))).isTrue();
        assertThat(us.isListener(new InetSocketAddress(address("9.9.9.2"), 2525)))
                .isTrue();
        assertThat(us.isListener(new InetSocketAddress(address("9.9.9.3"), 2525)))
                .isFalse();
        assertThat(us.isListener(new InetSocketAddress(address("9.9.9.2"), 26))).isFalse();
        assertThatThrownBy(() -> us.withListeners(List.of(InetSocketAddress.createUnresolved("mx.example", 25))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected: resolved");
    }
}
