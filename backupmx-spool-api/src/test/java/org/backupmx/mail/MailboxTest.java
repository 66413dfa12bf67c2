package org.backupmx.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.backupmx.spool.testkit.MailArbitraries;
import org.junit.jupiter.api.Test;

class MailboxTest {

    @Test
    void localPartIsHeldUnquoted() {
        Map<String, String> localParts = Map.ofEntries(
                Map.entry("user@example.org", "user"),
                Map.entry("first.last@example.org", "first.last"),
                Map.entry("o'brien+tag/x=y!{z}|~^`?*%$#&-_@example.org", "o'brien+tag/x=y!{z}|~^`?*%$#&-_"),
                Map.entry("\"john doe\"@example.org", "john doe"),
                Map.entry("\"a\\\"b\\\\c\"@example.org", "a\"b\\c"),
                Map.entry("\"\\a\\b\"@example.org", "ab"),
                Map.entry("\"a@b\"@example.org", "a@b"),
                Map.entry("\"\"@example.org", ""),
                Map.entry("\"..\"@example.org", ".."),
                Map.entry("\u00fcser.\u7528\u6237@example.org", "\u00fcser.\u7528\u6237"),
                Map.entry("\"\ud83d\udcee post\"@example.org", "\ud83d\udcee post"));
        localParts.forEach((text, localPart) ->
                assertThat(Mailbox.parse(text)).isEqualTo(new Mailbox(localPart, MailDomain.of("example.org"))));
    }

    @Test
    void quotesStandWhereTheSyntaxNeedsThem() {
        Map<String, String> texts = Map.of(
                "\"user\"@Example.ORG", "user@example.org",
                "\"a.b\"@example.org", "a.b@example.org",
                "\"a..b\"@example.org", "\"a..b\"@example.org",
                "\".a\"@example.org", "\".a\"@example.org",
                "\"\"@example.org", "\"\"@example.org",
                "\"a b\"@[192.0.2.1]", "\"a b\"@[192.0.2.1]",
                "\"\\\\\\\"\"@example.org", "\"\\\\\\\"\"@example.org");
        texts.forEach((text, again) -> assertThat(Mailbox.parse(text)).hasToString(again));
    }

    @Test
    void localPartsKeepTheirCaseAndDomainsDoNot() {
        assertThat(Mailbox.parse("A@example.org")).isNotEqualTo(Mailbox.parse("a@example.org"));
        assertThat(Mailbox.parse("a@EXAMPLE.org.")).isEqualTo(Mailbox.parse("a@example.org"));
    }

    @Test
    void whatIsNoMailboxIsRefused() {
        List<String> bad = List.of(
                "",
                "@",
                "user",
                "user@",
                "@example.org",
                ".a@example.org",
                "a.@example.org",
                "a..b@example.org",
                "a b@example.org",
                "a@b@example.org",
                "a\"b@example.org",
                "\"a@example.org",
                "\"a\"b@example.org",
                "\"a\"example.org",
                "\"a\"",
                "\"",
                "\"\\",
                "\"a\\\"@example.org",
                "\"a\r\nb\"@example.org",
                "a\tb@example.org",
                "\"a\\\r\"@example.org",
                "\"a\0\"@example.org",
                "a\u0080b@example.org",
                "\ud83d@example.org",
                "\"\udcee\"@example.org",
                "a(comment)@example.org",
                "<a@example.org>",
                "a@example.org ",
                "a,b@example.org",
                "@relay.example:a@example.org");
        for (String text : bad) {
            assertThatIllegalArgumentException()
                    .as(text)
                    .isThrownBy(() -> Mailbox.parse(text))
                    .withMessageContaining("expected");
        }
    }

    @Test
    void localPartIsBoundedInOctets() {
        MailDomain domain = MailDomain.of("example.org");
        for (String longest : List.of("a".repeat(64), "\u00fc".repeat(32), "\ud83d\udcee".repeat(16))) {
            assertThat(Mailbox.parse(longest + "@example.org").localPart()).isEqualTo(longest);
            assertThatIllegalArgumentException().isThrownBy(() -> new Mailbox(longest + "a", domain));
        }
        assertThat(Mailbox.parse("\"" + "\\\"".repeat(64) + "\"@example.org").localPart())
                .as("quotes and backslashes do not count")
                .hasSize(64);
    }

    @Test
    void smtpUtf8IsNeededForTheLocalPartOnly() {
        assertThat(Mailbox.parse("\u00fc@example.org").needsSmtpUtf8()).isTrue();
        assertThat(Mailbox.parse("u@b\u00fccher.example").needsSmtpUtf8()).isFalse();
    }

    @Property
    void textGivesTheSameMailboxAgain(@ForAll("mailboxes") Mailbox mailbox) {
        assertThat(Mailbox.parse(mailbox.toString())).isEqualTo(mailbox);
        assertThat(ReversePath.parse(mailbox.toString())).isEqualTo(ReversePath.of(mailbox));
        assertThat(ForwardPath.parse(mailbox.toString())).isEqualTo(new ForwardPath(mailbox));
    }

    @Property
    void anyTextIsAMailboxInOneFormOrRefused(@ForAll("texts") String text) {
        Mailbox mailbox;
        try {
            mailbox = Mailbox.parse(text);
        } catch (IllegalArgumentException refused) {
            assertThat(refused.getMessage()).doesNotContainPattern("[\\r\\n\\x00]");
            return;
        }
        assertThat(mailbox.toString()).doesNotContainPattern("\\p{Cntrl}");
        assertThat(Mailbox.parse(mailbox.toString())).isEqualTo(mailbox);
    }

    @Provide
    Arbitrary<Mailbox> mailboxes() {
        return MailArbitraries.mailboxes();
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of(
                        "a",
                        "B",
                        ".",
                        "@",
                        "\"",
                        "\\",
                        " ",
                        "\u00fc",
                        "\ud83d",
                        "\udcee",
                        "\r",
                        "\n",
                        "\0",
                        "<",
                        ">",
                        "[",
                        "]",
                        "example",
                        "192.0.2.1",
                        "IPv6:",
                        "::1",
                        "-")
                .list()
                .ofMaxSize(12)
                .map(parts -> String.join("", parts));
    }
}
