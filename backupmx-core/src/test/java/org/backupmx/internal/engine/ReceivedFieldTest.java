package org.backupmx.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.backupmx.intake.SenderVerification;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.spool.SpoolId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ReceivedFieldTest {

    private static final Instant AT = Instant.parse("2026-11-02T09:08:07.654Z");

    private static String field(
            String helo, boolean extended, String address, @Nullable String tls, boolean utf8, String... recipients) {
        return field(helo, extended, null, address, tls, utf8, recipients);
    }

    private static String field(
            String helo,
            boolean extended,
            @Nullable String name,
            String address,
            @Nullable String tls,
            boolean utf8,
            String... recipients) {
        Envelope.Builder envelope = Envelope.from(ReversePath.nullPath()).smtpUtf8(utf8);
        for (String recipient : recipients) {
            envelope.to(Recipient.of(ForwardPath.parse(recipient)));
        }
        try {
            return StandardCharsets.UTF_8
                    .decode(ReceivedField.compose(
                            new ReceivedField.Client(helo, extended, name, InetAddress.getByName(address), tls),
                            SenderVerification.unverified(),
                            "mx2.example.net",
                            new SpoolId("1a2b"),
                            envelope.build(),
                            AT))
                    .toString();
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static String lines(String... lines) {
        return String.join("\r\n", lines) + "\r\n";
    }

    @Test
    void plain() {
        assertThat(field("client.example", true, "192.0.2.1", null, false, "u@example.org"))
                .isEqualTo(lines(
                        "Received: from client.example (unknown [192.0.2.1])",
                        "\tby mx2.example.net with ESMTP id 1a2b",
                        "\tfor <u@example.org>; Mon, 2 Nov 2026 09:08:07 +0000"));
    }

    @Test
    void nameThatATrustedProxyTold() {
        assertThat(field("a", true, "client.example", "192.0.2.1", null, false, "u@example.org"))
                .startsWith("Received: from a (client.example [192.0.2.1])\r\n");
    }

    @Test
    void tlsIpv6AndManyRecipients() {
        assertThat(field(
                        "[IPv6:2001:db8::1]",
                        true,
                        "2001:db8::1",
                        ReceivedField.tls("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
                        false,
                        "u@example.org",
                        "v@example.org"))
                .isEqualTo(lines(
                        "Received: from [IPv6:2001:db8::1] (unknown [IPv6:2001:db8:0:0:0:0:0:1])",
                        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)",
                        "\tby mx2.example.net with ESMTPS id 1a2b;",
                        "\tMon, 2 Nov 2026 09:08:07 +0000"));
    }

    @Test
    void protocols() {
        assertThat(field("c", false, "192.0.2.1", null, false, "u@e.org")).contains(" with SMTP id ");
        assertThat(field("c", true, "192.0.2.1", null, true, "u@e.org")).contains(" with UTF8SMTP id ");
        assertThat(field("c", true, "192.0.2.1", "using X", true, "u@e.org")).contains(" with UTF8SMTPS id ");
        assertThat(field("c", true, "192.0.2.1", null, true, "bücher@e.org")).contains("for <bücher@e.org>;");
        assertThat(field("c", true, "192.0.2.1", null, false, "bücher@e.org")).doesNotContain("for <");
    }

    @Property
    void whateverHeloSaysItIsOneField(@ForAll String helo) {
        String field = field(helo, true, "192.0.2.1", null, false, "u@example.org");
        String[] lines = field.split("\r\n", -1);
        assertThat(lines).hasSize(4);
        assertThat(lines[0]).startsWith("Received: from ").endsWith(" (unknown [192.0.2.1])");
        assertThat(lines[0].length()).isLessThan(998);
        assertThat(lines[0].substring(15, lines[0].length() - 22))
                .matches("[!-~]+")
                .doesNotContain("(", ")", ";", ",");
    }

    // ---- what filters at the primary read of it ----

    /** As SpamAssassin reads a field whose by-part names no product: unfolded, the date cut off. */
    private static final Pattern SPAM_ASSASSIN =
            Pattern.compile("from (\\S+) \\((\\S+) \\[(?:IPv6:)?([0-9A-Fa-f:.]+)\\]\\).*? by (\\S+)\\b.*");

    private static final Pattern SPAM_ASSASSIN_DATE =
            Pattern.compile("[\\s;]+(?:(?:Mon|T(?:ue|hu)|Wed|Fri|S(?:at|un)), )?"
                    + "\\d+ (?:J(?:an|u[nl])|Feb|Ma[ry]|A(?:pr|ug)|Sep|Oct|Nov|Dec) \\d+ \\d+:\\d+(?::\\d+)? \\S+$");

    private static final Pattern SPAM_ASSASSIN_ID = Pattern.compile(" id <?([^\\s<>;]{3,})");

    /** What would make it take the client for a user of ours. */
    private static final Pattern SPAM_ASSASSIN_AUTHENTICATED = Pattern.compile(
            " with (?:(?:ES|L|UTF8S|UTF8L)MTPS?A|ASMTP|HTTP[SU]?)(?: |;|$)|authenticated|\\(AUTH: ",
            Pattern.CASE_INSENSITIVE);

    /** The words of RFC 5321 section 4.4 in their order, comments left out, as rspamd takes them one by one. */
    private static final Pattern CLAUSES =
            Pattern.compile("from \\S+ by \\S+ with (?:ESMTPS?|SMTP|UTF8SMTPS?) id \\S+?(?: for <[^>]+>)?; [^;]+");

    private static final Pattern TCP_INFO =
            Pattern.compile("from \\S+ \\(\\S+ \\[(?:IPv6:[0-9a-f:]+|[0-9.]+)\\]\\) .*");

    private static void readByFilters(String field, String helo, String address) {
        String value =
                field.substring("Received: ".length()).replaceAll("\\s+", " ").strip();
        assertThat(value).matches(TCP_INFO);
        assertThat(value.replaceAll(" \\([^()]*\\)", "")).matches(CLAUSES);
        Matcher date = SPAM_ASSASSIN_DATE.matcher(value);
        assertThat(date.find()).isTrue();
        String undated = value.substring(0, date.start());
        Matcher read = SPAM_ASSASSIN.matcher(undated);
        assertThat(read.matches()).as(undated).isTrue();
        assertThat(read.group(1)).isEqualTo(helo);
        assertThat(read.group(3)).isEqualTo(address);
        assertThat(read.group(4)).isEqualTo("mx2.example.net");
        Matcher id = SPAM_ASSASSIN_ID.matcher(undated);
        assertThat(id.find()).isTrue();
        assertThat(id.group(1)).isEqualTo("1a2b");
        assertThat(undated).doesNotContainPattern(SPAM_ASSASSIN_AUTHENTICATED);
    }

    @Test
    void a16_filtersReadEveryForm() {
        for (String tls :
                new @Nullable String[] {null, ReceivedField.tls("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")}) {
            for (boolean utf8 : new boolean[] {false, true}) {
                for (String[] recipients : new String[][] {{"u@example.org"}, {"u@example.org", "v@example.org"}}) {
                    readByFilters(
                            field("client.example", true, "192.0.2.1", tls, utf8, recipients),
                            "client.example",
                            "192.0.2.1");
                    readByFilters(
                            field("[192.0.2.1]", true, "192.0.2.1", tls, utf8, recipients), "[192.0.2.1]", "192.0.2.1");
                    readByFilters(
                            field("[IPv6:2001:db8::1]", true, "2001:db8::1", tls, utf8, recipients),
                            "[IPv6:2001:db8::1]",
                            "2001:db8:0:0:0:0:0:1");
                    readByFilters(field("", false, "192.0.2.1", tls, utf8, recipients), "unknown", "192.0.2.1");
                }
            }
        }
    }

    @Property
    void a16_noNameMakesAFilterReadAnotherClient(@ForAll String helo) {
        for (String hostile : List.of(
                helo, helo + " ([9.9.9.9]) by evil", "x) by y with ESMTPA id z; (" + helo, "(authenticated) " + helo)) {
            String shown = field(hostile, true, "192.0.2.1", null, false, "u@example.org")
                    .substring("Received: from ".length())
                    .split(" ", 2)[0];
            assertThat(shown).doesNotContain("(", ")", " ");
            String field = field(hostile, true, "192.0.2.1", null, false, "u@example.org");
            Matcher read = SPAM_ASSASSIN.matcher(
                    field.substring(10).replaceAll("\\s+", " ").strip());
            assertThat(read.matches()).isTrue();
            assertThat(read.group(3)).isEqualTo("192.0.2.1");
            assertThat(read.group(4)).isEqualTo("mx2.example.net");
        }
    }

    /** The fixture says what rspamd read in each form; what we write is what it was given. */
    @Test
    void a16_rspamdWasGivenWhatWeWrite() throws IOException {
        Map<String, String> forms = new HashMap<>();
        try (InputStream in = ReceivedFieldTest.class.getResourceAsStream("/received-fields.txt")) {
            String fixture = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            Matcher form = Pattern.compile("== (\\w+)\n([^=]*?\n)-- by_hostname=mx2.example.net (.*)\n")
                    .matcher(fixture);
            while (form.find()) {
                forms.put(form.group(1), form.group(2).replace("\n", "\r\n"));
                assertThat(form.group(3))
                        .contains("from_ip=" + (form.group(1).endsWith("6") ? "2001:db8::1 " : "192.0.2.1 "))
                        .contains("timestamp=" + AT.getEpochSecond());
            }
        }
        String address = "192.0.2.1";
        String six = "2001:db8::1";
        String tls = ReceivedField.tls("TLSv1.3", "TLS_AES_256_GCM_SHA384");
        String oldTls = ReceivedField.tls("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        String client = "client.example";
        String[] to = {"u@example.org"};
        assertThat(forms)
                .hasSize(11)
                .containsEntry("plain", field(client, true, address, null, false, to))
                .containsEntry("helo", field(client, false, address, null, false, to))
                .containsEntry("tls", field(client, true, address, tls, false, to))
                .containsEntry("ipv6", field(client, true, six, null, false, to))
                .containsEntry("many", field(client, true, address, null, false, "u@example.org", "v@example.org"))
                .containsEntry("smtputf8", field(client, true, address, null, true, "bücher@example.org"))
                .containsEntry("smtputf8tls", field(client, true, address, oldTls, true, "bücher@example.org"))
                .containsEntry("xclient", field(client, true, "mail.client.example", address, null, false, to))
                .containsEntry("literal", field("[192.0.2.1]", true, address, null, false, to))
                .containsEntry("literal6", field("[IPv6:2001:db8::1]", true, six, null, false, to))
                .containsEntry("nohelo", field("", false, address, null, false, to));
    }
}
