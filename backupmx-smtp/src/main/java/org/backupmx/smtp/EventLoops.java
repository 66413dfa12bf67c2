package org.backupmx.smtp;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The threads that do the network's work, named {@code backupmx-io-1} and so on. One instance may serve a server and a
 * client together.
 *
 * <p>Threads start with the first use. Whoever made an instance closes it, after those that use it: a server or client
 * that is given none makes its own and ends it itself. Thread-safe.
 */
public final class EventLoops implements AutoCloseable {

    /** The most threads: {@value}. */
    public static final int MAX_THREADS = 1024;

    private static final long QUIET_MILLIS = 0;
    private static final long CLOSE_SECONDS = 5;

    private final int threads;
    private @Nullable EventLoopGroup group; // guarded by this
    private boolean closed; // guarded by this

    private EventLoops(int threads) {
        this.threads = threads;
    }

    /**
     * Returns event loops in the default number: one on up to two processors, else one for every two.
     *
     * @return event loops, not started
     */
    public static EventLoops create() {
        return new EventLoops(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    }

    /**
     * Returns event loops.
     *
     * @param threads how many, 1 to {@value #MAX_THREADS}
     * @return event loops, not started
     * @throws IllegalArgumentException if {@code threads} is out of range
     */
    public static EventLoops ofThreads(int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads: " + threads + " (expected: 1 to " + MAX_THREADS + ")");
        }
        return new EventLoops(threads);
    }

    /**
     * Returns how many threads there are.
     *
     * @return 1 to {@value #MAX_THREADS}
     */
    public int threads() {
        return threads;
    }

    synchronized EventLoopGroup group() {
        if (closed) {
            throw new IllegalStateException("event loops: closed (expected: open)");
        }
        if (group == null) {
            group = new MultiThreadIoEventLoopGroup(
                    threads, new DefaultThreadFactory("backupmx-io", true), NioIoHandler.newFactory());
        }
        return group;
    }

    /** Ends the threads and waits for it, a few seconds at most. Does nothing the second time. */
    @Override
    public void close() {
        EventLoopGroup ending;
        synchronized (this) {
            closed = true;
            ending = group;
            group = null;
        }
        if (ending != null) {
            ending.shutdownGracefully(QUIET_MILLIS, CLOSE_SECONDS, TimeUnit.SECONDS)
                    .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        }
    }
}
