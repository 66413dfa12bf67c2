package org.backupmx.smtp.internal.client;

import io.netty.handler.codec.smtp.DefaultSmtpRequest;
import io.netty.handler.codec.smtp.SmtpCommand;
import io.netty.handler.codec.smtp.SmtpRequest;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.stream.Collectors;
import org.backupmx.mail.BodyType;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;

/** MAIL and RCPT of an envelope, with just the parameters that the next hop offers to take. */
final class RelayCommands {

    private RelayCommands() {}

    static SmtpRequest mail(Envelope envelope, long sizeBytes, boolean smtpUtf8, Extensions offered) {
        StringBuilder text = new StringBuilder(96)
                .append("FROM:<")
                .append(envelope.reversePath())
                .append('>');
        if (offered.size()) {
            text.append(" SIZE=").append(sizeBytes);
        }
        if (offered.eightBitMime() && envelope.bodyType() == BodyType.EIGHT_BIT_MIME) {
            text.append(" BODY=8BITMIME");
        }
        if (smtpUtf8) {
            text.append(" SMTPUTF8");
        }
        if (envelope.requireTls()) {
            text.append(" REQUIRETLS");
        }
        if (offered.dsn()) {
            envelope.dsn().ret().ifPresent(ret -> text.append(" RET=").append(ret));
            envelope.dsn().envid().ifPresent(envid -> text.append(" ENVID=").append(envid));
        }
        return request(SmtpCommand.MAIL, text.toString());
    }

    static SmtpRequest rcpt(Recipient recipient, boolean smtpUtf8, Extensions offered) {
        StringBuilder text =
                new StringBuilder(64).append("TO:<").append(recipient).append('>');
        if (offered.dsn()) {
            if (!recipient.notifications().isEmpty()) {
                text.append(" NOTIFY=")
                        .append(EnumSet.copyOf(recipient.notifications()).stream()
                                .map(Notify::name)
                                .collect(Collectors.joining(",")));
            }
            recipient.orcpt().ifPresent(orcpt -> text.append(" ORCPT=").append(smtpUtf8 ? orcpt : unitext(orcpt)));
        }
        return request(SmtpCommand.RCPT, text.toString());
    }

    /** Writes characters beyond ASCII as RFC 6533 section 3 does where SMTPUTF8 is not in use. */
    private static String unitext(String orcpt) {
        if (isAscii(orcpt)) {
            return orcpt;
        }
        StringBuilder out = new StringBuilder(orcpt.length() + 16);
        orcpt.codePoints().forEach(c -> {
            if (c < 0x80) {
                out.append((char) c);
            } else {
                out.append("\\x{")
                        .append(Integer.toHexString(c).toUpperCase(java.util.Locale.ROOT))
                        .append('}');
            }
        });
        return out.toString();
    }

    /** Returns a request whose text goes out as UTF-8: Netty's encoder cuts characters to octets, but copies octets. */
    private static SmtpRequest request(SmtpCommand command, String text) {
        return isAscii(text)
                ? new DefaultSmtpRequest(command, text)
                : new DefaultSmtpRequest(command, new AsciiString(text.getBytes(StandardCharsets.UTF_8), false));
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return false;
            }
        }
        return true;
    }
}
