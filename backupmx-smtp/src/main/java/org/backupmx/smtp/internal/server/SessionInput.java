package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** What a client sent and nobody has worked on yet: a read, and at most one more ahead of it. */
final class SessionInput {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private @Nullable ByteBuf first;
    private ByteBuffer octets = NOTHING;
    private @Nullable ArrayDeque<ByteBuf> ahead;
    private boolean behind;

    /** Takes over what was read. */
    void add(ByteBuf read) {
        if (!read.isReadable()) {
            read.release();
        } else if (first == null) {
            open(read);
        } else {
            if (ahead == null) {
                ahead = new ArrayDeque<>(2);
            }
            ahead.add(read);
        }
    }

    private void open(ByteBuf read) {
        first = read;
        // nobody else uses the buffer's own view while it is ours
        octets = read.nioBufferCount() == 1
                ? read.internalNioBuffer(read.readerIndex(), read.readableBytes())
                : read.nioBuffer();
    }

    /** Tells whether there is something to work on. Slices of what was worked on before are gone after this. */
    boolean hasOctets() {
        releaseWorkedOff();
        return first != null;
    }

    /** Gives back what was worked on; slices of it are gone after this. */
    void releaseWorkedOff() {
        while (!octets.hasRemaining() && first != null) {
            first.release();
            first = null;
            octets = NOTHING;
            ByteBuf next = ahead == null ? null : ahead.poll();
            if (next != null) {
                open(next);
            }
        }
    }

    /** The octets to work on. */
    ByteBuffer octets() {
        return octets;
    }

    /** Reads on, unless more has been read than is worked on. */
    void readUnlessAhead(ChannelHandlerContext ctx) {
        if (ahead == null || ahead.isEmpty()) {
            ctx.read();
        } else {
            behind = true;
        }
    }

    /** Reads on, if a read was left out and its reason is gone. */
    void readIfBehind(ChannelHandlerContext ctx) {
        if (behind && (ahead == null || ahead.isEmpty())) {
            behind = false;
            ctx.read();
        }
    }

    void release() {
        if (first != null) {
            first.release();
            first = null;
            octets = NOTHING;
        }
        if (ahead != null) {
            ahead.forEach(ByteBuf::release);
            ahead.clear();
        }
    }
}
