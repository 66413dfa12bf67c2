package org.backupmx.smtp.internal.codec;

import io.netty.buffer.ByteBuf;

/**
 * Mail data to what follows DATA (RFC 5321 section 4.5.2): a dot before every line that begins with one, and CRLF at the
 * end if there is none; or to what follows BDAT (RFC 3030), which is the same without further dots. A CR or LF that stands alone becomes CRLF, since a bare one means different things to
 * different servers; data that came through our intake has none. The final dot is not written here.
 *
 * <p>Fed in pieces of any length. Not thread-safe.
 */
public final class MailDataEncoder {

    private final boolean dots;
    private boolean lineStart = true;
    private boolean afterCr;

    private MailDataEncoder(boolean dots) {
        this.dots = dots;
    }

    /**
     * Returns an encoder for DATA.
     *
     * @return an encoder at the start of mail data
     */
    public static MailDataEncoder forData() {
        return new MailDataEncoder(true);
    }

    /**
     * Returns an encoder for BDAT.
     *
     * @return an encoder at the start of mail data
     */
    public static MailDataEncoder forChunks() {
        return new MailDataEncoder(false);
    }

    /**
     * Appends a piece of mail data.
     *
     * @param data holds the piece
     * @param offset where it starts
     * @param length its length in octets
     * @param out where the encoded form goes: at most {@code 2 * length + 1} octets
     */
    public void encode(byte[] data, int offset, int length, ByteBuf out) {
        int end = offset + length;
        int from = offset;
        int i = offset;
        while (i < end) {
            byte b = data[i];
            if (afterCr) {
                if (b == '\n') {
                    i++;
                } else {
                    out.writeBytes(data, from, i - from);
                    out.writeByte('\n');
                    from = i;
                }
                afterCr = false;
                lineStart = true;
                continue;
            }
            if (lineStart && dots && b == '.') {
                out.writeBytes(data, from, i - from);
                out.writeByte('.');
                from = i;
            }
            while (i < end && (b = data[i]) != '\r' && b != '\n') {
                lineStart = false;
                i++;
            }
            if (i == end) {
                break;
            }
            if (b == '\n') {
                out.writeBytes(data, from, i - from);
                out.writeShort('\r' << 8 | '\n');
                from = i + 1;
                lineStart = true;
            } else {
                afterCr = true;
            }
            i++;
        }
        out.writeBytes(data, from, end - from);
    }

    /**
     * Ends the last line, so that the final dot stands on its own.
     *
     * @param out where the line end goes, if one is missing: at most 2 octets
     */
    public void finish(ByteBuf out) {
        if (afterCr) {
            out.writeByte('\n');
        } else if (!lineStart) {
            out.writeShort('\r' << 8 | '\n');
        }
        afterCr = false;
        lineStart = true;
    }
}
