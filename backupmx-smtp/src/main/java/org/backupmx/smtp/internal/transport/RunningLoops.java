package org.backupmx.smtp.internal.transport;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.backupmx.smtp.Transport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Event loops that run on a transport that works.
 *
 * @param transport what they run on
 * @param group the event loops
 */
public record RunningLoops(SocketTransport transport, EventLoopGroup group) {

    private static final Logger log = LoggerFactory.getLogger(RunningLoops.class);
    private static final long CLOSE_SECONDS = 5;

    /**
     * Starts event loops. May block for seconds.
     *
     * @param threads how many
     * @param wanted the transport
     * @param proof what a native one must pass
     * @return the event loops
     * @throws IOException if the transport was named and does not work; the message says why and what to do
     */
    public static RunningLoops start(int threads, Transport wanted, TransportProof proof) throws IOException {
        return switch (wanted) {
            case AUTO -> automatic(threads, proof);
            case NIO -> new RunningLoops(threads, SocketTransport.nio());
            case EPOLL -> named("epoll", EpollTransport::create, threads, proof);
            case IO_URING -> named("io_uring", IoUringTransport::create, threads, proof);
        };
    }

    private RunningLoops(int threads, SocketTransport transport) {
        this(
                transport,
                new MultiThreadIoEventLoopGroup(
                        threads,
                        new DefaultThreadFactory("backupmx-io", true),
                        transport.handlers().get()));
    }

    private static RunningLoops automatic(int threads, TransportProof proof) {
        List<String> reasons = new ArrayList<>();
        for (Transport candidate : List.of(Transport.EPOLL, Transport.IO_URING)) {
            try {
                return start(threads, candidate, proof);
            } catch (IOException e) {
                reasons.add(candidate.name().toLowerCase(Locale.ROOT) + ": " + Reason.of(e));
            }
        }
        log.atInfo().addKeyValue("reason", String.join("; ", reasons)).log("transport is nio");
        return new RunningLoops(threads, SocketTransport.nio());
    }

    private static RunningLoops named(
            String name, Supplier<SocketTransport> transport, int threads, TransportProof proof) throws IOException {
        try {
            return proved(new RunningLoops(threads, transport.get()), proof);
        } catch (IOException | RuntimeException | LinkageError e) {
            throw new IOException(
                    "transport " + name + " does not work here: " + Reason.of(e) + " (expected: io.netty:"
                            + "netty-transport-native-" + name + " for this platform, of the version of the other Netty"
                            + " jars, and a kernel that allows it)",
                    e);
        }
    }

    private static RunningLoops proved(RunningLoops loops, TransportProof proof) throws IOException {
        try {
            proof.prove(loops.transport, loops.group);
            return loops;
        } catch (IOException | RuntimeException | LinkageError e) {
            loops.close();
            throw e;
        }
    }

    /** Returns the event loop whose turn it is. */
    public EventLoop next() {
        return group.next();
    }

    /** Ends the threads and waits for it, a few seconds at most. */
    public void close() {
        group.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
}
