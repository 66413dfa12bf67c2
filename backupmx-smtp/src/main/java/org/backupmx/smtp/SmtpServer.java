package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.backupmx.intake.Intake;
import org.backupmx.intake.IntakeServer;
import org.backupmx.smtp.internal.server.ConnectionLimiter;
import org.backupmx.smtp.internal.server.Listeners;
import org.backupmx.smtp.internal.server.ServerSettings;
import org.backupmx.smtp.internal.tls.ServerTls;
import org.jspecify.annotations.Nullable;

/**
 * The receiving side of SMTP (RFC 5321) on Netty, with PIPELINING, CHUNKING, ETRN, LIMITS, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, DSN,
 * STARTTLS, and REQUIRETLS (RFC 8689) inside TLS where the intake offers it. It speaks the protocol; the {@link Intake} it is started with decides what is allowed in.
 *
 * <p>A server is a recipe: the methods that take a setting return a copy with it. Nothing is opened until
 * {@link #start}, which may be called once. Thread-safe.
 */
public final class SmtpServer implements IntakeServer {

    private record Recipe(
            List<SmtpListener> listeners,
            SmtpLimits limits,
            BareLineEnds bareLineEnds,
            @Nullable StartTls startTls,
            @Nullable EventLoops eventLoops,
            @Nullable Transport transport,
            LongSupplier nanoTime) {}

    private final Recipe recipe;
    private @Nullable CompletableFuture<Running> started; // guarded by this
    private @Nullable CompletableFuture<Void> stopped; // guarded by this

    /** What {@link #start} made: the event loops that are ours to end, if they are, TLS if offered, and what listens. */
    private record Running(
            @Nullable EventLoops own, @Nullable ServerTls tls, Listeners listeners) {}

    private SmtpServer(Recipe recipe) {
        this.recipe = recipe;
    }

    /**
     * Returns a server for addresses, with default limits, without STARTTLS, and with event loops of its own.
     *
     * @param addresses where to listen, at least one; port 0 for any free one
     * @return the server, not started
     * @throws IllegalArgumentException if there is no address, or one is unresolved
     */
    public static SmtpServer on(InetSocketAddress... addresses) {
        return on(Stream.of(addresses).map(SmtpListener::at).toList());
    }

    /**
     * Returns a server for several listeners that share limits, STARTTLS and event loops; otherwise like
     * {@link #on(InetSocketAddress...)}.
     *
     * @param listeners where to listen, at least one
     * @return the server, not started
     * @throws IllegalArgumentException if there is none
     */
    public static SmtpServer on(List<SmtpListener> listeners) {
        List<SmtpListener> all = List.copyOf(listeners);
        if (all.isEmpty()) {
            throw new IllegalArgumentException("listeners: [] (expected: at least one)");
        }
        return new SmtpServer(
                new Recipe(all, SmtpLimits.defaults(), BareLineEnds.NORMALISE, null, null, null, System::nanoTime));
    }

    /**
     * Sets the bounds; {@link SmtpLimits#defaults()} unless set.
     *
     * @param limits the bounds
     * @return a copy with them
     */
    public SmtpServer limits(SmtpLimits limits) {
        requireNonNull(limits, "limits");
        return new SmtpServer(new Recipe(
                recipe.listeners,
                limits,
                recipe.bareLineEnds,
                recipe.startTls,
                recipe.eventLoops,
                recipe.transport,
                recipe.nanoTime));
    }

    /**
     * Sets what becomes of bare line ends in mail data; {@link BareLineEnds#NORMALISE} unless set.
     *
     * @param bareLineEnds what becomes of them
     * @return a copy with it
     */
    public SmtpServer bareLineEnds(BareLineEnds bareLineEnds) {
        requireNonNull(bareLineEnds, "bareLineEnds");
        return new SmtpServer(new Recipe(
                recipe.listeners,
                recipe.limits,
                bareLineEnds,
                recipe.startTls,
                recipe.eventLoops,
                recipe.transport,
                recipe.nanoTime));
    }

    /**
     * Offers STARTTLS; not offered unless set.
     *
     * @param startTls certificates and keys
     * @return a copy with it
     */
    public SmtpServer startTls(StartTls startTls) {
        requireNonNull(startTls, "startTls");
        return new SmtpServer(new Recipe(
                recipe.listeners,
                recipe.limits,
                recipe.bareLineEnds,
                startTls,
                recipe.eventLoops,
                recipe.transport,
                recipe.nanoTime));
    }

    /**
     * Sets the threads to work on, which the caller closes after the server has stopped; {@link EventLoops#create()}
     * of the server's own unless set.
     *
     * @param eventLoops the threads
     * @return a copy with them
     */
    public SmtpServer eventLoops(EventLoops eventLoops) {
        requireNonNull(eventLoops, "eventLoops");
        return new SmtpServer(new Recipe(
                recipe.listeners,
                recipe.limits,
                recipe.bareLineEnds,
                recipe.startTls,
                eventLoops,
                recipe.transport,
                recipe.nanoTime));
    }

    /**
     * Sets the transport of the server's own event loops; {@link Transport#AUTO} unless set. For event loops of the
     * caller's {@link EventLoops#withTransport} sets it, and this says nothing.
     *
     * @param transport the transport; a named one that does not work here fails the start
     * @return a copy with it
     */
    public SmtpServer transport(Transport transport) {
        requireNonNull(transport, "transport");
        return new SmtpServer(new Recipe(
                recipe.listeners,
                recipe.limits,
                recipe.bareLineEnds,
                recipe.startTls,
                recipe.eventLoops,
                transport,
                recipe.nanoTime));
    }

    /** Sets the clock of all durations. */
    SmtpServer nanoTime(LongSupplier nanoTime) {
        return new SmtpServer(new Recipe(
                recipe.listeners,
                recipe.limits,
                recipe.bareLineEnds,
                recipe.startTls,
                recipe.eventLoops,
                recipe.transport,
                nanoTime));
    }

    /**
     * {@inheritDoc}
     *
     * <p>The failure of an address is an {@link IOException} that names it.
     *
     * @throws IllegalStateException if the server was started or stopped before
     */
    @Override
    public synchronized CompletionStage<Void> start(Intake intake) {
        requireNonNull(intake, "intake");
        if (started != null || stopped != null) {
            throw new IllegalStateException("server: " + recipe.listeners + " was started (expected: a new one)");
        }
        CompletableFuture<Running> starting = new CompletableFuture<>();
        started = starting;
        // a thread of its own, so that neither the caller nor an event loop waits
        newThread("backupmx-smtp-start", () -> {
                    try {
                        starting.complete(open(intake));
                    } catch (IOException | RuntimeException e) {
                        starting.completeExceptionally(e);
                    }
                })
                .start();
        return starting.<Void>thenApply(running -> null).minimalCompletionStage();
    }

    private Running open(Intake intake) throws IOException {
        ServerTls tls = recipe.startTls == null ? null : recipe.startTls.read();
        ServerSettings settings = new ServerSettings(
                intake, recipe.limits, recipe.bareLineEnds, tls, new ConnectionLimiter(recipe.limits), recipe.nanoTime);
        EventLoops own = recipe.eventLoops == null ? ownLoops() : null;
        EventLoops loops = own == null ? requireNonNull(recipe.eventLoops) : own;
        try {
            Running running = new Running(own, tls, Listeners.open(settings, recipe.listeners, loops.running()));
            if (tls != null) {
                tls.watch(requireNonNull(recipe.startTls).reloadInterval());
            }
            return running;
        } catch (IOException | RuntimeException e) {
            if (own != null) {
                own.close();
            }
            throw e;
        }
    }

    private EventLoops ownLoops() {
        EventLoops loops = EventLoops.create();
        return recipe.transport == null ? loops : loops.withTransport(recipe.transport);
    }

    @Override
    public synchronized CompletionStage<Void> stop(Duration grace) {
        requireNonNull(grace, "grace");
        if (grace.isNegative()) {
            throw new IllegalArgumentException("grace: " + grace + " (expected: >= 0)");
        }
        if (stopped == null) {
            CompletableFuture<Void> stopping = new CompletableFuture<>();
            stopped = stopping;
            if (started == null) {
                stopping.complete(null);
            } else {
                CompletableFuture<Running> running = started;
                newThread("backupmx-smtp-stop", () -> {
                            try {
                                running.handle((made, failure) -> made)
                                        .thenAccept(made -> close(made, grace))
                                        .join();
                            } finally {
                                stopping.complete(null);
                            }
                        })
                        .start();
            }
        }
        return stopped.minimalCompletionStage();
    }

    private static void close(@Nullable Running running, Duration grace) {
        if (running != null) {
            running.listeners.close(grace);
            if (running.tls != null) {
                running.tls.close();
            }
            if (running.own != null) {
                running.own.close();
            }
        }
    }

    private static Thread newThread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Reads the files of {@link #startTls} again, now and not only at the next interval. Blocks. A certificate at fault
     * stays as it was, the others are taken; handshakes under way go on with what they began with.
     *
     * @throws IOException if a file is at fault; the message is one line that says which and what was expected
     * @throws IllegalStateException if the server has not started, or without STARTTLS
     */
    public void reloadCertificates() throws IOException {
        ServerTls tls = running().tls;
        if (tls == null) {
            throw new IllegalStateException("server: no STARTTLS (expected: started with startTls(...))");
        }
        tls.reload();
    }

    /**
     * Returns where the server listens.
     *
     * @return the addresses in the order given, with the ports in use
     * @throws IllegalStateException if the server has not started
     */
    public List<InetSocketAddress> addresses() {
        return running().listeners.addresses();
    }

    private synchronized Running running() {
        if (started == null || !started.isDone() || started.isCompletedExceptionally()) {
            throw new IllegalStateException("server: " + recipe.listeners + " has not started (expected: started)");
        }
        return started.join();
    }
}
