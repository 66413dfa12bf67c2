package org.backupmx.smtp.internal.client;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.backupmx.smtp.internal.codec.MalformedReplyException;

/**
 * Ends a dialogue in which the other side says too much, in all or since the last {@link #reset()}. Stands next to the
 * socket, so that TLS counts as well: its records go on without end where no reply ever comes of them.
 */
final class InputLimit extends ChannelInboundHandlerAdapter {

    private final long most;
    private long octets;

    InputLimit(long most) {
        this.most = most;
    }

    /** Begins to count anew. */
    void reset() {
        octets = 0;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf in = (ByteBuf) message;
        octets += in.readableBytes();
        if (octets > most) {
            in.release();
            ctx.fireExceptionCaught(new MalformedReplyException("more than " + most + " octets"));
        } else {
            ctx.fireChannelRead(in);
        }
    }
}
