package org.backupmx.smtp.internal.codec;

import io.netty.buffer.ByteBuf;
import java.util.List;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;

/**
 * Writes replies (RFC 5321 section 4.2, RFC 2034): the code on each line, and the enhanced status code too.
 *
 * <p>A line has at most 512 octets; longer text is cut. Characters beyond ASCII become {@code ?}.
 */
public final class SmtpReplyEncoder {

    /** The longest line of a reply with its line end, in octets: {@value} (RFC 5321 section 4.5.3.1.5). */
    public static final int MAX_LINE_OCTETS = 512;

    private static final int PREFIX_OCTETS = 4; // the code, and a hyphen or a space

    private SmtpReplyEncoder() {}

    /** Writes a reply with its enhanced status code on each line; one that has none gets {@code class.0.0}. */
    public static void encode(SmtpReply reply, ByteBuf out) {
        out.writeBytes(bytes(reply, true));
    }

    /** Writes a reply as those before EHLO, to EHLO, and 354 are: without an enhanced status code. */
    public static void encodePlain(SmtpReply reply, ByteBuf out) {
        out.writeBytes(bytes(reply, false));
    }

    /** Returns the octets of a reply. */
    public static byte[] bytes(SmtpReply reply, boolean enhanced) {
        // put together in an array: a ByteBuf checks itself for each octet
        int codeClass = reply.code() / 100;
        EnhancedStatusCode status = reply.enhanced().orElse(null);
        int subject = status == null ? 0 : status.subject();
        int detail = status == null ? 0 : status.detail();
        int prefix = PREFIX_OCTETS + (enhanced ? 4 + digits(subject) + digits(detail) : 0);
        List<String> lines = reply.lines();
        int length = 0;
        for (int i = 0; i < lines.size(); i++) {
            length += prefix + cut(lines.get(i), prefix) + 2;
        }
        byte[] out = new byte[length];
        int at = 0;
        for (int i = 0; i < lines.size(); i++) {
            at = number(reply.code(), out, at);
            out[at++] = (byte) (i < lines.size() - 1 ? '-' : ' ');
            if (enhanced) {
                // RFC 2034 section 4: the class is the code's first digit; 354 alone is none of the three
                at = number(codeClass, out, at);
                out[at++] = '.';
                at = number(subject, out, at);
                out[at++] = '.';
                at = number(detail, out, at);
                out[at++] = ' ';
            }
            at = text(lines.get(i), cut(lines.get(i), prefix), out, at);
            out[at++] = '\r';
            out[at++] = '\n';
        }
        return out;
    }

    /** Returns how much of a text there is room for behind a prefix. */
    private static int cut(String text, int prefix) {
        return Math.min(text.length(), MAX_LINE_OCTETS - 2 - prefix);
    }

    private static int digits(int value) {
        return value >= 100 ? 3 : value >= 10 ? 2 : 1;
    }

    private static int number(int value, byte[] out, int from) {
        int at = from;
        if (value >= 100) {
            out[at++] = (byte) ('0' + value / 100);
        }
        if (value >= 10) {
            out[at++] = (byte) ('0' + value / 10 % 10);
        }
        out[at++] = (byte) ('0' + value % 10);
        return at;
    }

    private static int text(String text, int length, byte[] out, int from) {
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            out[from + i] = (byte) (c < 0x80 ? c : '?');
        }
        return from + length;
    }
}
