package org.backupmx.smtp.internal.codec;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.EnhancedStatusCode;
import org.backupmx.mail.SmtpReply;
import org.jspecify.annotations.Nullable;

/**
 * Octets of a server to {@link SmtpReply} (RFC 5321 section 4.2).
 *
 * <p>Takes a code without text, and lines that end in a bare LF. Bounded: {@value #MAX_REPLY_OCTETS} octets and
 * {@link SmtpReply#MAX_LINES} lines a reply; text beyond {@value #MAX_LINE_OCTETS} octets of a line is cut. What is no
 * reply, or one with two codes, ends the dialogue with a {@link MalformedReplyException}; nothing is decoded after it.
 */
public final class SmtpReplyDecoder extends ByteToMessageDecoder {

    /** The octets of a line that are kept. */
    public static final int MAX_LINE_OCTETS = 2048;

    /** The octets of a reply, line ends included. */
    public static final int MAX_REPLY_OCTETS = 65_536;

    private final List<String> lines = new ArrayList<>(1);
    private int code;
    private int octets;
    private int scanned;
    private boolean broken;

    /**
     * Tells whether octets beyond the last reply have come already. After the reply to STARTTLS that is an attack
     * (RFC 3207 section 6).
     *
     * @return true if there are
     */
    public boolean hasMore() {
        return actualReadableBytes() > 0;
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        if (broken) {
            in.skipBytes(in.readableBytes());
            return;
        }
        int start = in.readerIndex();
        int end = in.indexOf(start + scanned, in.writerIndex(), (byte) '\n');
        int length = (end < 0 ? in.writerIndex() : end + 1) - start;
        if (octets + length > MAX_REPLY_OCTETS) {
            throw malformed("reply longer than " + MAX_REPLY_OCTETS + " octets");
        }
        if (end < 0) {
            scanned = length;
            return;
        }
        scanned = 0;
        octets += length;
        int textEnd = end > start && in.getByte(end - 1) == '\r' ? end - 1 : end;
        in.skipBytes(length);
        SmtpReply reply = line(in, start, textEnd);
        if (reply != null) {
            out.add(reply);
        }
    }

    /** Returns the reply if this line is its last. */
    private @Nullable SmtpReply line(ByteBuf in, int start, int end) {
        int lineCode = code(in, start, end);
        byte separator = end - start > 3 ? in.getByte(start + 3) : (byte) ' ';
        if (lineCode < 0 || separator != ' ' && separator != '-' && separator != '\t') {
            throw malformed("not a reply");
        }
        if (!lines.isEmpty() && lineCode != code) {
            throw malformed("a reply with two codes");
        }
        if (lines.size() == SmtpReply.MAX_LINES) {
            throw malformed("a reply of more than " + SmtpReply.MAX_LINES + " lines");
        }
        code = lineCode;
        int textStart = Math.min(start + 4, end);
        lines.add(in.toString(textStart, Math.min(end, start + MAX_LINE_OCTETS) - textStart, StandardCharsets.UTF_8));
        if (separator == '-') {
            return null;
        }
        SmtpReply reply = reply(code, lines);
        lines.clear();
        octets = 0;
        return reply;
    }

    private static int code(ByteBuf in, int start, int end) {
        if (end - start < 3) {
            return -1;
        }
        int code = 0;
        for (int i = start; i < start + 3; i++) {
            int digit = in.getByte(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            code = code * 10 + digit;
        }
        return code >= 200 && code <= 599 ? code : -1;
    }

    private static SmtpReply reply(int code, List<String> lines) {
        String first = lines.get(0);
        int space = first.indexOf(' ');
        String word = space < 0 ? first : first.substring(0, space);
        EnhancedStatusCode enhanced = enhanced(code, word);
        if (enhanced == null) {
            return SmtpReply.of(code, lines);
        }
        List<String> texts = new ArrayList<>(lines.size());
        for (String line : lines) {
            boolean repeated =
                    line.startsWith(word) && (line.length() == word.length() || line.charAt(word.length()) == ' ');
            texts.add(repeated ? line.substring(Math.min(word.length() + 1, line.length())) : line);
        }
        return SmtpReply.of(code, Optional.of(enhanced), texts);
    }

    private static @Nullable EnhancedStatusCode enhanced(int code, String word) {
        // Of the class of the reply code only (RFC 2034 section 4): anything else is text.
        if (word.length() < 5 || word.length() > 9 || word.charAt(0) != '0' + code / 100 || word.charAt(1) != '.') {
            return null;
        }
        try {
            return EnhancedStatusCode.parse(word);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private MalformedReplyException malformed(String reason) {
        broken = true;
        return new MalformedReplyException(reason);
    }
}
