package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RelaySettingsTest {

    private static final String DIGEST = "AB:".repeat(31) + "ab";

    private static RelayCredentials credentials() {
        return RelayCredentials.of("backup", "hidden-password".toCharArray());
    }

    private static InetAddress address(int... octets) {
        byte[] raw = new byte[octets.length];
        for (int i = 0; i < octets.length; i++) {
            raw[i] = (byte) octets[i];
        }
        try {
            return InetAddress.getByAddress(raw);
        } catch (java.net.UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static InetAddress v6(int last) {
        return address(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
    }

    @Test
    void n9_thePasswordShowsNowhere() {
        RelaySettings settings = RelaySettings.defaults().withCredentials(credentials());
        assertThat(List.of(
                        settings.toString(),
                        credentials().toString(),
                        settings.credentials().toString()))
                .allSatisfy(text -> assertThat(text).contains("backup").doesNotContain("hidden"));
        assertThatThrownBy(() -> RelayCredentials.of("backup", "hidden\npassword".toCharArray()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("password: 15 characters (expected: 1 to 1024 without control characters)");
        assertThat(credentials().hashCode())
                .isEqualTo(RelayCredentials.of("backup", "x".toCharArray()).hashCode());
    }

    @Test
    void n9_thePasswordIsCopiedLentAndWiped() {
        char[] given = "secret".toCharArray();
        RelayCredentials credentials = RelayCredentials.of("backup", given);
        given[0] = 'x';
        char[][] kept = new char[1][];
        assertThat(credentials.<String>lend(password -> {
                    kept[0] = password;
                    return new String(password);
                }))
                .isEqualTo("secret");
        assertThat(kept[0]).containsOnly('\0');
        assertThat(credentials.<String>lend(String::new)).isEqualTo("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\u0000b", "a\nb"})
    void aUserNameHasNoControlCharacters(String user) {
        assertThatThrownBy(() -> RelayCredentials.of(user, "x".toCharArray()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("user: " + user.length() + " characters (expected: ");
    }

    @Test
    void whatIsSecretIsNotForStrangers() {
        RelaySettings settings = RelaySettings.defaults()
                .withTls(TlsPolicy.verify())
                .withCredentials(credentials())
                .withSourceAddress(address(192, 0, 2, 1))
                .withHeloName("Out.Example.net");

        assertThat(settings.forStrangers())
                .isEqualTo(RelaySettings.defaults()
                        .withSourceAddress(address(192, 0, 2, 1))
                        .withHeloName("out.example.net"));
    }

    @Test
    void eachPartMakesADifference() {
        RelaySettings defaults = RelaySettings.defaults();
        List<RelaySettings> all = List.of(
                defaults,
                defaults.withTls(TlsPolicy.none()),
                defaults.withTls(TlsPolicy.encrypt()),
                defaults.withTls(TlsPolicy.verify()),
                defaults.withTls(TlsPolicy.verify().withNames("a.test")),
                defaults.withTls(TlsPolicy.fingerprint(DIGEST)),
                defaults.withCredentials(credentials()),
                defaults.withCredentials(RelayCredentials.of("backup", "another".toCharArray())),
                defaults.withCredentials(RelayCredentials.of("other", "hidden-password".toCharArray())),
                defaults.withSourceAddress(address(192, 0, 2, 1)),
                defaults.withSourceAddress(address(192, 0, 2, 2)),
                defaults.withSourceAddress(v6(1)),
                defaults.withHeloName("a.test"));
        assertThat(all).doesNotHaveDuplicates();
        assertThat(defaults.withCredentials(credentials())).isEqualTo(defaults.withCredentials(credentials()));
        assertThat(defaults.withTls(TlsPolicy.fingerprint(DIGEST)))
                .isEqualTo(defaults.withTls(TlsPolicy.fingerprint("ab".repeat(32))));
    }

    @Test
    void f16_aSourceAddressCountsForNextHopsOfItsKind() {
        RelaySettings settings = RelaySettings.defaults()
                .withSourceAddress(address(192, 0, 2, 1))
                .withSourceAddress(v6(1));
        assertThat(settings.sourceAddress(address(198, 51, 100, 1))).contains(address(192, 0, 2, 1));
        assertThat(settings.sourceAddress(v6(9))).contains(v6(1));
        assertThat(RelaySettings.defaults().withSourceAddress(v6(1)).sourceAddress(address(198, 51, 100, 1)))
                .isEmpty();
        for (InetAddress bad : List.of(address(0, 0, 0, 0), address(224, 0, 0, 1), address(new int[16]))) {
            assertThatThrownBy(() -> RelaySettings.defaults().withSourceAddress(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageEndingWith("(expected: an address of this machine)");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[192.0.2.1]", "not a name"})
    void aNameIsAHostName(String name) {
        assertThatThrownBy(() -> RelaySettings.defaults().withHeloName(name))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> TlsPolicy.verify().withNames("mail.test", name))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void namesAreALabelsInLowerCase() {
        assertThat(TlsPolicy.verify()
                        .withNames("B\u00fccher.example", "Mail.EXAMPLE.org")
                        .names())
                .isEqualTo(Set.of("xn--bcher-kva.example", "mail.example.org"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ab", "zz", "AB:CD"})
    void aFingerprintIsASha256(String text) {
        assertThatThrownBy(() -> TlsPolicy.fingerprint(DIGEST, text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sha256: " + text + " (expected: 64 hexadecimal digits, colons between pairs or not)");
        assertThatThrownBy(TlsPolicy::fingerprint).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatIsDemanded() {
        assertThat(TlsPolicy.none().isDemanded()).isFalse();
        assertThat(TlsPolicy.may().isDemanded()).isFalse();
        assertThat(TlsPolicy.encrypt().isDemanded()).isTrue();
        assertThat(TlsPolicy.verify().isDemanded()).isTrue();
        assertThat(TlsPolicy.fingerprint(DIGEST).isDemanded()).isTrue();
    }
}
