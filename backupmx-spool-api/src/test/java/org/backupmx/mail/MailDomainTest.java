package org.backupmx.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.StringLength;
import org.backupmx.spool.testkit.MailArbitraries;
import org.junit.jupiter.api.Test;

class MailDomainTest {

    @Test
    void oneDomainHasOneForm() {
        Map<String, String> forms = Map.ofEntries(
                Map.entry("Example.ORG", "example.org"),
                Map.entry("example.org.", "example.org"),
                Map.entry("localhost", "localhost"),
                Map.entry("_dmarc.example.org", "_dmarc.example.org"),
                Map.entry("b\u00fccher.example", "xn--bcher-kva.example"),
                Map.entry("B\u00dcCHER.Example.", "xn--bcher-kva.example"),
                Map.entry("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
                Map.entry("\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
                Map.entry("[192.0.2.1]", "[192.0.2.1]"),
                Map.entry("[ipv6:2001:DB8::1]", "[IPv6:2001:db8:0:0:0:0:0:1]"),
                Map.entry("[IPv6:2001:db8:0:0:0:0:0:1]", "[IPv6:2001:db8:0:0:0:0:0:1]"));
        forms.forEach((text, form) -> assertThat(MailDomain.of(text))
                .hasToString(form)
                .isEqualTo(MailDomain.of(form))
                .hasSameHashCodeAs(MailDomain.of(form)));
    }

    @Test
    void whatIsNoDomainIsRefused() {
        List<String> bad = List.of(
                "",
                ".",
                "..",
                ".example",
                "example..org",
                "example.org..",
                "-a.example",
                "a-.example",
                "a.example-",
                "a b.example",
                "a@b.example",
                "a/b",
                "a\r\nb",
                "a\0b",
                "[",
                "]",
                "[]",
                "[192.0.2]",
                "[192.0.2.256]",
                "[192.0.2.1",
                "192.0.2.1]",
                "[1.2.3.4.5]",
                "[localhost]",
                "[IPv6:]",
                "[IPv6:::1::]",
                "[IPv6:g::]",
                "[IPv6:1:2:3:4:5:6:7]",
                "[2001:db8::1]",
                "[IPv6:fe80::1%eth0]",
                "\u00fc".repeat(256),
                "\ud800.example");
        for (String text : bad) {
            assertThatIllegalArgumentException()
                    .as(text)
                    .isThrownBy(() -> MailDomain.of(text))
                    .withMessageContaining("expected");
        }
    }

    @Test
    void labelsAndNamesAreBounded() {
        String label = "a".repeat(63);
        assertThat(MailDomain.of(label + ".example")).hasToString(label + ".example");
        String longest = String.join(".", label, label, label, label);
        assertThat(longest).hasSize(MailDomain.MAX_OCTETS);
        assertThat(MailDomain.of(longest)).hasToString(longest);
        for (String tooLong : List.of("a".repeat(64), longest + ".a", "\u00fc".repeat(63) + ".example")) {
            assertThatIllegalArgumentException().isThrownBy(() -> MailDomain.of(tooLong));
        }
    }

    @Test
    void mappedAddressStaysTheFamilyThatWasWritten() {
        MailDomain mapped = MailDomain.of("[IPv6:::ffff:192.0.2.1]");
        assertThat(mapped).hasToString("[IPv6:0:0:0:0:0:ffff:c000:201]");
        assertThat(MailDomain.of(mapped.toString())).isEqualTo(mapped);
    }

    @Test
    void literalOutOfRangeIsRefusedWithoutLookingItUp() {
        for (String text : List.of("[192.0.2.256]", "[999.1.1.1]")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> MailDomain.of(text))
                    .withNoCause();
        }
        for (String text : List.of("[IPv6:.:]", "[IPv6:192.0.2.1]", "[IPv6:abc]")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> MailDomain.of(text))
                    .havingCause()
                    .withMessageContaining("invalid IPv6");
        }
        assertThat(MailDomain.of("[010.001.000.255]")).as("decimal").hasToString("[10.1.0.255]");
    }

    @Test
    void literalIsTold() {
        assertThat(MailDomain.of("[192.0.2.1]").isAddressLiteral()).isTrue();
        assertThat(MailDomain.of("example.org").isAddressLiteral()).isFalse();
    }

    @Property
    void textGivesTheSameDomainAgain(@ForAll("domains") MailDomain domain) {
        String text = domain.toString();
        assertThat(StandardCharsets.US_ASCII.newEncoder().canEncode(text)).isTrue();
        assertThat(text.length()).isLessThanOrEqualTo(MailDomain.MAX_OCTETS);
        assertThat(MailDomain.of(text)).isEqualTo(domain);
        assertThat(MailDomain.of(text.toUpperCase(Locale.ROOT))).isEqualTo(domain);
        if (!domain.isAddressLiteral()) {
            assertThat(MailDomain.of(text + ".")).isEqualTo(domain);
        }
    }

    @Property
    void anyTextIsADomainInItsOneFormOrRefused(@ForAll @StringLength(max = 80) String text) {
        MailDomain domain;
        try {
            domain = MailDomain.of(text);
        } catch (IllegalArgumentException refused) {
            assertThat(refused.getMessage()).startsWith("domain: ").doesNotContainPattern("[\\r\\n\\x00]");
            return;
        }
        assertThat(MailDomain.of(domain.toString())).isEqualTo(domain);
    }

    @Provide
    Arbitrary<MailDomain> domains() {
        return MailArbitraries.domains();
    }
}
