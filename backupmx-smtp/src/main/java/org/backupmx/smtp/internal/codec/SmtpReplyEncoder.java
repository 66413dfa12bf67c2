package org.backupmx.smtp.internal.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.jspecify.annotations.Nullable;

/**
 * Writes replies (RFC 5321 section 4.2, RFC 2034): the code on each line, and the enhanced status code too.
 *
 * <p>A line has at most 512 octets; longer text is cut. Characters beyond ASCII become {@code ?}.
 */
public final class SmtpReplyEncoder {

    /** The longest line of a reply with its line end, in octets: {@value} (RFC 5321 section 4.5.3.1.5). */
    public static final int MAX_LINE_OCTETS = 512;

    private SmtpReplyEncoder() {}

    /** Writes a reply with its enhanced status code on each line; one that has none gets {@code class.0.0}. */
    public static void encode(SmtpReply reply, ByteBuf out) {
        encode(reply, true, out);
    }

    /** Writes a reply as those before EHLO, to EHLO, and 354 are: without an enhanced status code. */
    public static void encodePlain(SmtpReply reply, ByteBuf out) {
        encode(reply, false, out);
    }

    /** Returns the octets of a reply that is sent often. */
    public static byte[] bytes(SmtpReply reply, boolean enhanced) {
        ByteBuf out = Unpooled.buffer();
        encode(reply, enhanced, out);
        byte[] octets = new byte[out.readableBytes()];
        out.readBytes(octets);
        return octets;
    }

    private static void encode(SmtpReply reply, boolean enhanced, ByteBuf out) {
        EnhancedStatusCode status = reply.enhanced().orElse(null);
        List<String> lines = reply.lines();
        int last = lines.size() - 1;
        for (int i = 0; i <= last; i++) {
            int start = out.writerIndex();
            number(reply.code(), out);
            out.writeByte(i < last ? '-' : ' ');
            if (enhanced) {
                status(reply.code() / 100, status, out);
            }
            text(lines.get(i), MAX_LINE_OCTETS - 2 - (out.writerIndex() - start), out);
            out.writeByte('\r').writeByte('\n');
        }
    }

    private static void status(int codeClass, @Nullable EnhancedStatusCode status, ByteBuf out) {
        // RFC 2034 section 4: the class is the code's first digit; 354 alone is none of the three
        number(codeClass, out);
        out.writeByte('.');
        number(status == null ? 0 : status.subject(), out);
        out.writeByte('.');
        number(status == null ? 0 : status.detail(), out);
        out.writeByte(' ');
    }

    private static void number(int value, ByteBuf out) {
        if (value >= 100) {
            out.writeByte('0' + value / 100);
        }
        if (value >= 10) {
            out.writeByte('0' + value / 10 % 10);
        }
        out.writeByte('0' + value % 10);
    }

    private static void text(String text, int room, ByteBuf out) {
        int length = Math.min(text.length(), room);
        out.ensureWritable(length + 2);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            out.writeByte(c < 0x80 ? c : '?');
        }
    }
}
