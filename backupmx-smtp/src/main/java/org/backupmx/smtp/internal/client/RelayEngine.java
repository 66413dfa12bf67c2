package org.backupmx.smtp.internal.client;

import io.netty.channel.EventLoop;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.smtp.ClientLimits;
import org.backupmx.smtp.ClientTimeouts;
import org.backupmx.smtp.internal.tls.ClientTls;
import org.backupmx.smtp.internal.transport.RunningLoops;

/** A client that runs: its connections and the workers that read mail data. Thread-safe. */
public final class RelayEngine {

    /** Enough to keep a disk or a database busy; each connection has at most one read under way. */
    private static final int WORKERS = 8;

    private final RunningLoops loops;
    private final ClientTimeouts timeouts;
    private final NextHopConnections connections;
    private final ThreadPoolExecutor workers;
    private final SessionSecurity security;
    private final boolean chunking;

    /**
     * Starts nothing yet: threads come with the first request.
     *
     * @param loops the event loops, the caller's to end
     * @param timeouts the waits
     * @param limits the connections
     * @param chunking whether BDAT is used where it is offered
     * @throws IOException if this JDK has no TLS
     */
    public RelayEngine(RunningLoops loops, ClientTimeouts timeouts, ClientLimits limits, boolean chunking)
            throws IOException {
        this.loops = loops;
        this.timeouts = timeouts;
        this.chunking = chunking;
        this.workers =
                new ThreadPoolExecutor(WORKERS, WORKERS, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads());
        workers.allowCoreThreadTimeOut(true);
        this.security = new SessionSecurity(ClientTls.create(), new SecureRandom(), workers);
        this.connections = new NextHopConnections(loops, timeouts, limits, security);
    }

    private static ThreadFactory threads() {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, "backupmx-relay-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * Attempts one message.
     *
     * @param request the attempt
     * @return the result, on an event loop
     */
    public CompletionStage<RelayResult> relay(RelayRequest request) {
        RelayAttempt attempt = new RelayAttempt(request, connections, security, chunking);
        if (!connections.submit(attempt)) {
            attempt.noSession(DialogueFault.stopped());
        }
        return attempt.result();
    }

    /**
     * Probes one address.
     *
     * @param request the probe
     * @return the result, on an event loop
     */
    public CompletionStage<ProbeResult> probe(ProbeRequest request) {
        EventLoop loop = loops.next();
        Probe probe = probe(request, loop);
        long began = loop.ticker().nanoTime();
        start(probe, request.timeout());
        return probe.result().thenCompose(found -> {
            Duration left = request.timeout().minusNanos(loop.ticker().nanoTime() - began);
            if (!probe.isWorthAnother() || left.isNegative() || left.isZero()) {
                return CompletableFuture.completedFuture(found);
            }
            Probe inClear = probe(request, loop);
            start(inClear, left);
            return inClear.result();
        });
    }

    private Probe probe(ProbeRequest request, EventLoop loop) {
        SessionKey key = SessionKey.of(request.nextHop(), request.hostname(), request.settings());
        return new Probe(request, new RelayConnection(key, loop, loops.transport(), timeouts), security);
    }

    private void start(Probe probe, Duration timeout) {
        RelayConnection connection = probe.connection();
        if (connections.enter(connection)) {
            connection.loop().execute(() -> probe.run(timeout, () -> connections.left(connection)));
        } else {
            probe.failed(DialogueFault.stopped());
        }
    }

    /**
     * Stops: no new attempts, those under way for {@code grace}, then none.
     *
     * @param grace how long attempts may go on
     * @return completes when every connection is closed, on a thread that may block
     */
    public CompletionStage<Void> stop(Duration grace) {
        CompletableFuture<Void> closed = connections.stop();
        if (!closed.isDone()) {
            var abort = loops.next().schedule(connections::abort, grace.toNanos(), TimeUnit.NANOSECONDS);
            closed.thenRun(() -> abort.cancel(false));
        }
        return closed.thenRunAsync(workers::shutdown, workers);
    }
}
