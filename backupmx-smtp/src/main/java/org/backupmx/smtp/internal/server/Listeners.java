package org.backupmx.smtp.internal.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.transport.RunningLoops;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The listening sockets of a server and the sessions that came from them. Opened and closed by a thread that may wait. */
public final class Listeners {

    private static final Logger log = LoggerFactory.getLogger(Listeners.class);

    /** The largest read from a socket: {@value} bytes. */
    public static final int READ_BYTES = 16 * 1024;

    /** How many bytes of replies may wait to be written before commands are left alone, and until when. */
    public static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(2 * 1024, 8 * 1024);

    private static final int FIRST_READ_BYTES = 4 * 1024;
    private static final int LEAST_READ_BYTES = 512;
    private static final int BACKLOG = 4096;
    private static final long SWEEP_MILLIS = 1000;
    private static final Duration LAST_PATIENCE = Duration.ofSeconds(3);

    private final Map<EventExecutor, LoopSessions> loops = new HashMap<>();
    private final List<Future<?>> sweeps = new ArrayList<>();
    private final List<Channel> channels = new ArrayList<>();

    private Listeners() {}

    /**
     * Listens on all addresses, or on none. A socket on all addresses of IPv6 is one of IPv4 too, so a listener on all of
     * IPv4 beside it has no socket of its own.
     *
     * @throws IOException if one cannot be had; it names the address and what to do
     */
    public static Listeners open(ServerSettings settings, List<SmtpListener> wanted, RunningLoops running)
            throws IOException {
        Listeners listeners = new Listeners();
        for (EventExecutor loop : running.group()) {
            LoopSessions sessions = new LoopSessions(settings.nanoTime());
            listeners.loops.put(loop, sessions);
        }
        try {
            for (SmtpListener listener : wanted) {
                if (!isCovered(listener, wanted)) {
                    listeners.bind(settings, listener, running);
                }
            }
        } catch (IOException e) {
            listeners.closeChannels();
            throw e;
        }
        listeners.loops.forEach((loop, sessions) -> listeners.sweeps.add(
                loop.scheduleWithFixedDelay(sessions::sweep, SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS)));
        return listeners;
    }

    private static boolean isCovered(SmtpListener listener, List<SmtpListener> wanted) throws IOException {
        InetAddress address = listener.address().getAddress();
        int port = listener.address().getPort();
        if (port == 0 || !address.isAnyLocalAddress() || !(address instanceof Inet4Address)) {
            return false;
        }
        for (SmtpListener other : wanted) {
            InetAddress beside = other.address().getAddress();
            if (beside.isAnyLocalAddress()
                    && beside instanceof Inet6Address
                    && other.address().getPort() == port) {
                if (!listener.isSetAs(other)) {
                    throw BindFailure.coveredOtherwise(listener.address());
                }
                return true;
            }
        }
        return false;
    }

    private void bind(ServerSettings settings, SmtpListener listener, RunningLoops running) throws IOException {
        InetAddress address = listener.address().getAddress();
        ChannelFuture bound = new ServerBootstrap()
                .group(running.group())
                .channelFactory(() -> running.transport().server().apply(address))
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.AUTO_READ, false)
                // some clients end their side right behind QUIT, before our replies
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(LEAST_READ_BYTES, FIRST_READ_BYTES, READ_BYTES)
                                .maxMessagesPerRead(1))
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        LoopSessions sessions = sessionsOf(channel.eventLoop());
                        if (running.transport().readsAtOnce()) {
                            channel.config().setRecvByteBufAllocator(sessions.reads());
                        }
                        channel.pipeline().addLast(new SmtpServerSession(settings, listener, sessions));
                    }
                })
                .bind(listener.address())
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new BindFailure(listener.address(), bound.cause());
        }
        channels.add(bound.channel());
    }

    private LoopSessions sessionsOf(EventLoop loop) {
        LoopSessions sessions = loops.get(loop);
        if (sessions == null) {
            throw new AssertionError(loop);
        }
        return sessions;
    }

    /** Returns the addresses in use, in the order asked for. */
    public List<InetSocketAddress> addresses() {
        return channels.stream()
                .map(channel -> (InetSocketAddress) channel.localAddress())
                .toList();
    }

    /** Stops listening, lets transactions end within {@code grace}, then cuts what is left. Waits for it. */
    public void close(Duration grace) {
        closeChannels();
        forEachLoop(LoopSessions::drain);
        if (!awaitEmpty(grace)) {
            forEachLoop(LoopSessions::cut);
            if (!awaitEmpty(LAST_PATIENCE)) {
                log.atWarn().log("sessions left behind: the intake has not answered");
            }
        }
        sweeps.forEach(sweep -> sweep.cancel(false));
    }

    private void closeChannels() {
        channels.forEach(channel -> channel.close().awaitUninterruptibly());
    }

    private void forEachLoop(Consumer<LoopSessions> action) {
        loops.forEach((loop, sessions) -> loop.execute(() -> action.accept(sessions)));
    }

    private boolean awaitEmpty(Duration patience) {
        try {
            CompletableFuture.allOf(
                            loops.values().stream().map(LoopSessions::emptied).toArray(CompletableFuture[]::new))
                    .get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
