package org.backupmx.smtp.internal.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Binds, connects, accepts, writes and reads on 127.0.0.1. That a native library loads proves little: a kernel may
 * refuse its calls, or one of another version may lack what the classes call, which ends the event loop without a word.
 */
final class LoopbackProof implements TransportProof {

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    @Override
    public void prove(SocketTransport transport, EventLoopGroup loops) throws IOException {
        CompletableFuture<Void> echoed = new CompletableFuture<>();
        InetAddress loopback = loopback();
        Channel server = null;
        Channel client = null;
        try {
            var bound = new ServerBootstrap()
                    .group(loops)
                    .channelFactory(() -> transport.server().apply(loopback))
                    .childHandler(new Echo())
                    .bind(new InetSocketAddress(loopback, 0));
            server = bound.channel();
            bound.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            var connected = new Bootstrap()
                    .group(loops)
                    .channelFactory(transport.client()::get)
                    .handler(new Asker(echoed))
                    .connect(server.localAddress());
            client = connected.channel();
            connected.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            echoed.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException(Reason.of(e), e);
        } catch (TimeoutException e) {
            throw new IOException("no answer on loopback within " + PATIENCE.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            close(client);
            close(server);
        }
    }

    private static InetAddress loopback() {
        try {
            return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static void close(@Nullable Channel channel) {
        if (channel != null && channel.isRegistered()) {
            channel.close().awaitUninterruptibly(PATIENCE.toMillis());
        }
    }

    /** Sends back what comes. */
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message);
        }
    }

    /** Sends an octet and waits for it to come back. */
    private static final class Asker extends ChannelInboundHandlerAdapter {
        private static final byte OCTET = 42;

        private final CompletableFuture<Void> echoed;

        Asker(CompletableFuture<Void> echoed) {
            this.echoed = echoed;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            context.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {OCTET}));
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            try {
                if (((ByteBuf) message).readByte() == OCTET) {
                    echoed.complete(null);
                } else {
                    echoed.completeExceptionally(new IOException("another octet came back on loopback"));
                }
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            echoed.completeExceptionally(new IOException("loopback closed the connection"));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            echoed.completeExceptionally(cause);
        }
    }
}
