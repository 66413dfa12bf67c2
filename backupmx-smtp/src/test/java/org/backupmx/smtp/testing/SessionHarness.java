package org.backupmx.smtp.testing;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IpNetwork;
import org.backupmx.smtp.BareLineEnds;
import org.backupmx.smtp.SmtpLimits;
import org.backupmx.smtp.SmtpListener;
import org.backupmx.smtp.internal.server.ConnectionLimiter;
import org.backupmx.smtp.internal.server.Listeners;
import org.backupmx.smtp.internal.server.LoopSessions;
import org.backupmx.smtp.internal.server.ServerSettings;
import org.backupmx.smtp.internal.server.SmtpServerSession;
import org.jspecify.annotations.Nullable;

/** One server session without a network, on a clock that tests turn; counts its buffers to the last byte, which is
 * why Netty does not watch them too. */
public final class SessionHarness {

    /** Where the client connects from. */
    public static final InetSocketAddress CLIENT = new InetSocketAddress("192.0.2.1", 40000);

    /** What it connects to. */
    public static final InetSocketAddress SERVER = new InetSocketAddress("192.0.2.25", 25);

    private static final IpNetwork[] OTHERS = {IpNetwork.of("198.51.100.0/24"), IpNetwork.of("2001:db8::/32")};

    /** A listener that trusts others than the client. */
    public static final SmtpListener LISTENER =
            SmtpListener.at(SERVER).proxyNetworks(OTHERS).xclientNetworks(OTHERS);

    /** A listener that takes the client for a proxy. */
    public static final SmtpListener BEHIND_PROXY = SmtpListener.at(SERVER).proxyNetworks(IpNetwork.of("192.0.2.1"));

    private final AtomicLong nanos;
    private final LoopSessions loop;
    private final ServerSettings settings;
    private final SmtpListener listener;
    private final UnpooledByteBufAllocator alloc = new UnpooledByteBufAllocator(true, true);
    private final Connection channel;
    private final StringBuilder said = new StringBuilder();

    /** Connects a client that is trusted with nothing. */
    public SessionHarness(Intake intake, SmtpLimits limits, BareLineEnds bareLineEnds, @Nullable SslContext tls) {
        this(intake, limits, bareLineEnds, tls, LISTENER);
    }

    /** Connects a client to a listener. */
    public SessionHarness(
            Intake intake,
            SmtpLimits limits,
            BareLineEnds bareLineEnds,
            @Nullable SslContext tls,
            SmtpListener listener) {
        this(new AtomicLong(), intake, limits, bareLineEnds, tls, listener);
    }

    private SessionHarness(
            AtomicLong nanos,
            Intake intake,
            SmtpLimits limits,
            BareLineEnds bareLineEnds,
            @Nullable SslContext tls,
            SmtpListener listener) {
        this(
                nanos,
                new LoopSessions(nanos::get),
                new ServerSettings(
                        intake,
                        limits,
                        bareLineEnds,
                        tls == null ? null : tls::newHandler,
                        new ConnectionLimiter(limits),
                        nanos::get),
                listener);
    }

    private SessionHarness(AtomicLong nanos, LoopSessions loop, ServerSettings settings, SmtpListener listener) {
        this.nanos = nanos;
        this.loop = loop;
        this.settings = settings;
        this.listener = listener;
        channel = new Connection();
        channel.config().setAllocator(alloc);
        channel.config().setAutoRead(false);
        channel.config().setWriteBufferWaterMark(Listeners.WATER_MARK);
        channel.pipeline().addLast(new SmtpServerSession(settings, listener, loop));
        channel.pipeline().fireChannelActive();
        channel.runPendingTasks();
    }

    /** Connects a client to a server of default settings. */
    public SessionHarness(Intake intake) {
        this(intake, SmtpLimits.defaults(), BareLineEnds.NORMALISE, null);
    }

    private static final class Connection extends EmbeddedChannel {
        private boolean readAsked;
        private boolean peerReads = true;

        @Override
        protected void doWrite(ChannelOutboundBuffer in) throws Exception {
            if (peerReads) {
                super.doWrite(in);
            }
        }

        long pendingBytes() {
            AtomicLong bytes = new AtomicLong();
            ChannelOutboundBuffer pending = unsafe().outboundBuffer();
            if (pending != null) {
                try {
                    pending.forEachFlushedMessage(message -> {
                        bytes.addAndGet(((ByteBuf) message).capacity());
                        return true;
                    });
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }
            return bytes.get();
        }

        @Override
        protected void doBeginRead() {
            readAsked = true;
        }

        @Override
        protected SocketAddress remoteAddress0() {
            return CLIENT;
        }

        @Override
        protected SocketAddress localAddress0() {
            return SERVER;
        }
    }

    /** Sends octets in one read; does nothing once closed. */
    public SessionHarness send(byte[] octets, int from, int to) {
        if (channel.isOpen()) {
            ByteBuf read = alloc.directBuffer(to - from).writeBytes(octets, from, to - from);
            channel.writeInbound(read);
            channel.runPendingTasks();
        }
        return this;
    }

    /** Sends octets in one read if the session has asked for one, as a socket would; false if it has not. */
    public boolean offer(byte[] octets) {
        if (!channel.readAsked) {
            return false;
        }
        channel.readAsked = false;
        send(octets, 0, octets.length);
        return true;
    }

    /** Connects another client, from the same address, to the same server. */
    public SessionHarness again() {
        return again(listener);
    }

    /** Connects another client, from the same address, to another listener of the same server. */
    public SessionHarness again(SmtpListener other) {
        return new SessionHarness(nanos, loop, settings, other);
    }

    /** The client reads no more, or again. */
    public SessionHarness clientReads(boolean reads) {
        channel.peerReads = reads;
        channel.flush();
        channel.runPendingTasks();
        return this;
    }

    /** Returns how much memory the replies hold that the client has not read; not part of {@link #bufferBytes()}. */
    public long pendingBytes() {
        return channel.pendingBytes();
    }

    /** Sends text in one read. */
    public SessionHarness send(String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        return send(octets, 0, octets.length);
    }

    /** Lets the event loop do what was posted to it. */
    public void runTasks() {
        channel.runPendingTasks();
    }

    /** Turns the clock and lets the server look at it. */
    public SessionHarness pass(java.time.Duration time) {
        nanos.addAndGet(time.toNanos());
        loop.sweep();
        channel.runPendingTasks();
        return this;
    }

    /** The loop that the session is on. */
    public LoopSessions loop() {
        return loop;
    }

    /** Returns what the server said since this was last asked. */
    public String said() {
        for (ByteBuf written = channel.readOutbound(); written != null; written = channel.readOutbound()) {
            said.append(written.toString(StandardCharsets.UTF_8));
            written.release();
        }
        String all = said.toString();
        said.setLength(0);
        return all;
    }

    /** Returns the lines that the server said since this was last asked. */
    public List<String> saidLines() {
        return said().lines().toList();
    }

    /** Tells whether the server has closed. */
    public boolean isClosed() {
        return !channel.isOpen();
    }

    /** The client goes away. */
    public void vanish() {
        channel.close();
        channel.runPendingTasks();
    }

    /** Returns how many bytes of buffers are in use. */
    public long bufferBytes() {
        return alloc.metric().usedDirectMemory() + alloc.metric().usedHeapMemory();
    }

    /** Fails if an exception reached the pipeline's end. */
    public void checkException() {
        channel.checkException();
    }
}
