package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * Cuts the header of the PROXY protocol off the front of a connection, for {@code HAProxyMessageDecoder} to read. That
 * one waits for more where octets are wrong already and keeps a header of any length; this one refuses at the first
 * wrong octet, and passes on one whole header without its TLVs. Then it is gone.
 *
 * <p>See {@code proxy-protocol.txt} of HAProxy, sections 2.1 and 2.2.
 */
final class ProxyHeaderFrame extends ByteToMessageDecoder {

    /** The longest header of version 1 with its CRLF, in octets. */
    static final int MAX_V1_OCTETS = 107;

    /** The longest header of version 2 that we take, in octets; proxies should stay below 536. */
    static final int MAX_V2_OCTETS = 4096;

    private static final int MIN_V1_OCTETS = "PROXY UNKNOWN\r\n".length();
    private static final byte[] V1 = "PROXY ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] V2 = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
    private static final int VERSION_AND_COMMAND = 12;
    private static final int FAMILY = 13;
    private static final int LENGTH = 14;
    private static final int V2_FIXED_OCTETS = 16;

    private final Consumer<String> onRefused;
    private boolean refused;

    /** Tells {@code onRefused} at most once why there will be no header. */
    ProxyHeaderFrame(Consumer<String> onRefused) {
        this.onRefused = onRefused;
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (refused) {
            in.skipBytes(in.readableBytes());
        } else if (in.getByte(in.readerIndex()) == V1[0]) {
            line(context, in, out);
        } else {
            block(context, in, out);
        }
    }

    private void line(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (!begins(in, V1)) {
            refuse(in, "no PROXY header");
            return;
        }
        int most = Math.min(in.readableBytes(), MAX_V1_OCTETS);
        int length = in.bytesBefore(most, (byte) '\n') + 1;
        if (length > 0) {
            if (length >= MIN_V1_OCTETS && in.getByte(in.readerIndex() + length - 2) == '\r') {
                pass(context, in.readRetainedSlice(length), out);
            } else {
                refuse(in, "malformed PROXY header");
            }
        } else if (most == MAX_V1_OCTETS) {
            refuse(in, "PROXY header of more than " + MAX_V1_OCTETS + " octets");
        }
    }

    private void block(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        int there = in.readableBytes();
        if (!begins(in, V2)) {
            refuse(in, "no PROXY header");
        } else if (there > VERSION_AND_COMMAND && (in.getByte(in.readerIndex() + VERSION_AND_COMMAND) & 0xfe) != 0x20) {
            refuse(in, "PROXY header of an unknown version or command");
        } else if (there >= V2_FIXED_OCTETS) {
            int length = V2_FIXED_OCTETS + in.getUnsignedShort(in.readerIndex() + LENGTH);
            if (length > MAX_V2_OCTETS) {
                refuse(in, "PROXY header of more than " + MAX_V2_OCTETS + " octets");
            } else if (there >= length) {
                ByteBuf whole = in.readSlice(length);
                int useful = V2_FIXED_OCTETS + Math.min(addressOctets(whole), length - V2_FIXED_OCTETS);
                ByteBuf header = context.alloc().buffer(useful).writeBytes(whole, useful);
                header.setShort(LENGTH, useful - V2_FIXED_OCTETS);
                pass(context, header, out);
            }
        }
    }

    private static boolean begins(ByteBuf in, byte[] prefix) {
        int most = Math.min(in.readableBytes(), prefix.length);
        for (int i = 0; i < most; i++) {
            if (in.getByte(in.readerIndex() + i) != prefix[i]) {
                return false;
            }
        }
        return true;
    }

    /** How many octets the addresses take before the TLVs; of an unknown family, and for LOCAL, they do not matter. */
    private static int addressOctets(ByteBuf header) {
        if ((header.getByte(VERSION_AND_COMMAND) & 0xf) == 0) {
            return 0;
        }
        return switch (header.getByte(FAMILY) >> 4) {
            case 1 -> 12;
            case 2 -> 36;
            case 3 -> 216;
            default -> 0;
        };
    }

    private void pass(ChannelHandlerContext context, ByteBuf header, List<Object> out) {
        out.add(header);
        context.pipeline().remove(this);
    }

    private void refuse(ByteBuf in, String reason) {
        refused = true;
        in.skipBytes(in.readableBytes());
        onRefused.accept(reason);
    }
}
