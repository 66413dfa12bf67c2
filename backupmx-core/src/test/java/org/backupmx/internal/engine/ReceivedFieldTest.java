package org.backupmx.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
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
        Envelope.Builder envelope = Envelope.from(ReversePath.nullPath()).smtpUtf8(utf8);
        for (String recipient : recipients) {
            envelope.to(Recipient.of(ForwardPath.parse(recipient)));
        }
        try {
            return StandardCharsets.UTF_8
                    .decode(ReceivedField.compose(
                            new ReceivedField.Client(helo, extended, InetAddress.getByName(address), tls),
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
                        "\tby mx2.example.net with ESMTPS id 1a2b",
                        "\t; Mon, 2 Nov 2026 09:08:07 +0000"));
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
}
