package org.backupmx.smtp.internal.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;
import java.util.concurrent.TimeUnit;
import org.backupmx.mail.SmtpReply;
import org.backupmx.smtp.internal.codec.SmtpReplyEncoder;
import org.jspecify.annotations.Nullable;

/** Replies that are said but not yet written. */
final class SessionOutput {

    /** How long a client may go on sending after our last reply; then the connection is closed. */
    static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int FULL_BYTES = 4 * 1024;

    private final LoopBuffer buffer;
    private @Nullable ByteBuf replies;

    SessionOutput(LoopBuffer buffer) {
        this.buffer = buffer;
    }

    private ByteBuf replies() {
        ByteBuf to = replies;
        if (to == null) {
            to = buffer.take();
            replies = to;
        }
        return to;
    }

    void add(FixedReply reply) {
        replies().writeBytes(reply.octets());
    }

    void add(SmtpReply reply) {
        SmtpReplyEncoder.encode(reply, replies());
    }

    boolean isFull() {
        return replies != null && replies.readableBytes() >= FULL_BYTES;
    }

    void flush(ChannelHandlerContext ctx) {
        if (replies != null) {
            ctx.writeAndFlush(fitting(ctx, replies), ctx.voidPromise());
            replies = null;
        }
    }

    /** What may have to wait behind other replies is kept in as much memory as it needs. */
    private static ByteBuf fitting(ChannelHandlerContext ctx, ByteBuf replies) {
        if (ctx.channel().bytesBeforeUnwritable() > Listeners.WATER_MARK.high()) {
            return replies;
        }
        ByteBuf copy = ctx.alloc().ioBuffer(replies.readableBytes()).writeBytes(replies);
        replies.release();
        return copy;
    }

    void flushAndClose(ChannelHandlerContext ctx) {
        flushed(ctx).addListener(ChannelFutureListener.CLOSE);
    }

    /**
     * Closes our side after the replies. A close with octets unread would reset the connection and may destroy the last
     * reply, so the client's side is read to its end, for a while.
     */
    void flushAndLinger(ChannelHandlerContext ctx) {
        if (!(ctx.channel() instanceof DuplexChannel duplex)) {
            flushAndClose(ctx);
            return;
        }
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        flushed(ctx).addListener(written -> {
            if (!written.isSuccess()) {
                duplex.close();
            } else if (tls == null) {
                duplex.shutdownOutput();
            } else {
                tls.closeOutbound().addListener(closed -> duplex.shutdownOutput());
            }
        });
    }

    private ChannelFuture flushed(ChannelHandlerContext ctx) {
        ByteBuf last = replies();
        replies = null;
        return ctx.writeAndFlush(last);
    }

    void release() {
        if (replies != null) {
            replies.release();
            replies = null;
        }
    }
}
