package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import org.backupmx.smtp.internal.transport.RunningLoops;
import org.backupmx.smtp.internal.transport.TransportProof;
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

    private final int threads;
    private final Transport transport;
    private final TransportProof proof;
    private @Nullable RunningLoops running; // guarded by this
    private boolean closed; // guarded by this

    private EventLoops(int threads, Transport transport, TransportProof proof) {
        this.threads = threads;
        this.transport = transport;
        this.proof = proof;
    }

    /**
     * Returns event loops in the default number: one on up to two processors, else one for every two.
     *
     * @return event loops, not started
     */
    public static EventLoops create() {
        return ofThreads(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
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
        return new EventLoops(threads, Transport.AUTO, TransportProof.loopback());
    }

    /**
     * Returns how many threads there are.
     *
     * @return 1 to {@value #MAX_THREADS}
     */
    public int threads() {
        return threads;
    }

    /**
     * Returns event loops in the same number on another transport; {@link Transport#AUTO} unless set. A server or client
     * that is to use a named one that does not work here does not start, and the failure says what to do.
     *
     * @param value the transport
     * @return event loops of their own, not started
     */
    public EventLoops withTransport(Transport value) {
        return new EventLoops(threads, requireNonNull(value, "value"), proof);
    }

    /** Sets what a native transport must pass before it is trusted. */
    EventLoops withProof(TransportProof value) {
        return new EventLoops(threads, transport, value);
    }

    /**
     * Returns the transport that was asked for.
     *
     * @return the transport
     */
    public Transport transport() {
        return transport;
    }

    /** Returns the threads, which it starts the first time; that may block for seconds. */
    synchronized RunningLoops running() throws IOException {
        if (closed) {
            throw new IllegalStateException("event loops: closed (expected: open)");
        }
        if (running == null) {
            running = RunningLoops.start(threads, transport, proof);
        }
        return running;
    }

    /** Ends the threads and waits for it, a few seconds at most. Does nothing the second time. */
    @Override
    public void close() {
        RunningLoops ending;
        synchronized (this) {
            closed = true;
            ending = running;
            running = null;
        }
        if (ending != null) {
            ending.close();
        }
    }
}
