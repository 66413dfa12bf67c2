package org.backupmx.internal.engine;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.backupmx.intake.SenderVerification;
import org.backupmx.internal.dsn.SenderMark;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.SpoolId;
import org.jspecify.annotations.Nullable;

/**
 * Composes the one Received field that we add (RFC 5321 section 4.4, RFC 3848, RFC 6531), folded as Postfix folds it,
 * which is what filters at the primary parse:
 *
 * <pre>
 * Received: from client.example (unknown [192.0.2.1])
 *         (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)
 *         by mx2.example.net with ESMTPS id 1a2b3c
 *         for &lt;user@example.org&gt;; Sun, 22 Nov 2026 10:00:00 +0000
 * </pre>
 */
final class ReceivedField {

    private static final int MAX_HELO_CHARS = 255;

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(
                    "EEE, d MMM yyyy HH:mm:ss '+0000'", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);

    /** The date of one second, for all messages of that second. */
    private record Second(long epochSecond, String text) {}

    private static volatile Second second = new Second(Long.MIN_VALUE, "");

    private ReceivedField() {}

    /** What a session knows of its client. */
    record Client(
            String helo,
            boolean extended,
            @Nullable String name,
            InetAddress address,
            @Nullable String tls) {}

    static ByteBuffer compose(
            Client client, SenderVerification sender, String hostname, SpoolId id, Envelope envelope, Instant at) {
        StringBuilder field = new StringBuilder(320).append("Received: from ");
        appendName(field, client.helo());
        field.append(" (")
                .append(client.name() == null ? "unknown" : client.name())
                .append(" [");
        if (client.address() instanceof Inet6Address) {
            field.append("IPv6:").append(withoutScope(client.address().getHostAddress()));
        } else {
            field.append(client.address().getHostAddress());
        }
        field.append("])\r\n");
        if (client.tls() != null) {
            field.append("\t(").append(client.tls()).append(")\r\n");
        }
        field.append(SenderMark.line(sender));
        field.append("\tby ").append(hostname).append(" with ");
        appendProtocol(field, client, envelope.smtpUtf8());
        field.append(" id ").append(id);
        Mailbox only = envelope.recipients().size() == 1
                ? envelope.recipients().get(0).path().mailbox()
                : null;
        if (only != null && (envelope.smtpUtf8() || !only.needsSmtpUtf8())) {
            field.append("\r\n\tfor <").append(only).append(">; ");
        } else {
            field.append(";\r\n\t");
        }
        field.append(date(at)).append("\r\n");
        return ByteBuffer.wrap(field.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** HELO may say anything: what is no name or literal must not be read as more of the field. */
    private static void appendName(StringBuilder field, String helo) {
        int length = Math.min(helo.length(), MAX_HELO_CHARS);
        if (length == 0) {
            field.append("unknown");
        }
        for (int i = 0; i < length; i++) {
            char c = helo.charAt(i);
            boolean plain = (c >= 'a' && c <= 'z')
                    || (c >= 'A' && c <= 'Z')
                    || (c >= '0' && c <= '9')
                    || "-._:[]+=/".indexOf(c) >= 0;
            field.append(plain ? c : '?');
        }
    }

    private static String withoutScope(String address) {
        int percent = address.indexOf('%');
        return percent < 0 ? address : address.substring(0, percent);
    }

    private static void appendProtocol(StringBuilder field, Client client, boolean smtpUtf8) {
        boolean tls = client.tls() != null;
        if (smtpUtf8) {
            field.append(tls ? "UTF8SMTPS" : "UTF8SMTP");
        } else if (client.extended()) {
            field.append(tls ? "ESMTPS" : "ESMTP");
        } else {
            field.append("SMTP");
        }
    }

    private static String date(Instant at) {
        Second last = second;
        if (last.epochSecond() != at.getEpochSecond()) {
            last = new Second(at.getEpochSecond(), DATE.format(at));
            second = last;
        }
        return last.text();
    }

    /** Says which TLS protects a connection, from names that the TLS engine chose. */
    static String tls(String protocol, String cipherSuite) {
        return "using " + protocol + " with cipher " + cipherSuite;
    }
}
