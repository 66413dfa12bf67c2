package org.backupmx.internal.engine;

import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.backupmx.BackupMxConfig;
import org.backupmx.dns.MxResolver;
import org.backupmx.event.BackupMxListener;
import org.backupmx.intake.IpNetwork;
import org.backupmx.internal.monitoring.MonitoringGate;
import org.backupmx.internal.queue.DeliveryScheduler;
import org.backupmx.internal.runtime.DestinationCheck;
import org.backupmx.internal.runtime.DomainDirectory;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.internal.runtime.EventLog;
import org.backupmx.internal.runtime.EventQueue;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.relay.RelayRouter;
import org.backupmx.relay.RelaySettings;
import org.backupmx.spool.SpoolException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The life of one backup MX: what is started, in which order, and how all of it ends. Thread-safe. */
public final class Engine {

    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    private static final Duration SPOOL_HEALTH_BEAT = Duration.ofSeconds(5);

    /** How much longer than the grace the parts may take; with what {@link #abort} takes, the end is within 5 s of it. */
    private static final Duration BEYOND_GRACE = Duration.ofSeconds(4);

    private static final Duration THREADS_END = Duration.ofMillis(500);

    private final BackupMxConfig config;
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private boolean startAsked; // guarded by this
    private boolean stopAsked; // guarded by this
    private volatile @Nullable Parts parts;
    private volatile boolean running;

    /** What exists while it runs. */
    private record Parts(
            EngineRuntime runtime,
            EventQueue events,
            DeliveryScheduler delivery,
            MonitoringGate gate,
            IntakeService intake) {}

    /**
     * Makes an engine; nothing is started.
     *
     * @param config the settings
     */
    public Engine(BackupMxConfig config) {
        this.config = config;
    }

    /**
     * Starts all, or nothing.
     *
     * @return completes on a worker when mail is taken
     */
    public CompletionStage<Void> start() {
        synchronized (this) {
            if (startAsked || stopAsked) {
                throw new IllegalStateException(
                        "engine: " + (stopAsked ? "closed" : "started") + " (expected: neither started nor closed)");
            }
            startAsked = true;
        }
        EngineRuntime runtime = new EngineRuntime(config);
        try {
            runtime.executeFirst(() -> startOn(runtime));
        } catch (RejectedExecutionException e) {
            startFailed(runtime, e);
        }
        return started.minimalCompletionStage();
    }

    private void startOn(EngineRuntime runtime) {
        try {
            Parts made = make(runtime);
            parts = made;
            calm(config.relayClient()::start)
                    .thenRunAsync(() -> startDelivery(made), runtime.workers())
                    .thenCompose(done -> config.intakeServer().start(made.intake()))
                    .whenCompleteAsync((done, fault) -> startEnded(made, fault), runtime.workers());
        } catch (SocketException | RuntimeException | Error e) {
            startFailed(runtime, e);
        }
    }

    /** Nothing was started but the threads. */
    private void startFailed(EngineRuntime runtime, Throwable fault) {
        runtime.shutdown();
        ended.complete(null);
        started.completeExceptionally(fault);
    }

    private Parts make(EngineRuntime runtime) throws SocketException {
        List<BackupMxListener> listeners = new ArrayList<>();
        if (EventLog.isOn()) {
            listeners.add(new EventLog());
        }
        listeners.addAll(config.listeners());
        EventQueue events = new EventQueue(runtime, listeners);
        OwnIdentity given = config.ownIdentity();
        List<String> names = new ArrayList<>(given.names());
        names.add(config.hostname());
        config.relaySettings().heloName().ifPresent(names::add);
        config.relayDomains().listed().stream()
                .flatMap(domain -> domain.relaySettings().flatMap(RelaySettings::heloName).stream())
                .forEach(names::add);
        OwnIdentity identity = OwnIdentity.named(names.stream().distinct().toArray(String[]::new))
                .withAddresses(given.addresses())
                .withAddresses(OwnIdentity.interfaceAddresses())
                .withListeners(given.listeners());
        MxResolver resolver = config.mxResolver().orElseGet(MxResolver::system);
        List<IpNetwork> primaries = config.relayDomains().destinations();
        DomainDirectory directory = new DomainDirectory(
                config.relayDomains(),
                primaries.isEmpty() ? null : new DestinationCheck(resolver, identity, primaries),
                runtime);
        DeliveryScheduler delivery = new DeliveryScheduler(
                config, runtime, events, directory, new RelayRouter(resolver, identity, runtime.random()));
        MonitoringGate gate = new MonitoringGate(config.mode(), delivery, runtime, config.historyStore());
        IntakeService intake = new IntakeService(config, runtime, events, directory, delivery, gate);
        return new Parts(runtime, events, delivery, gate, intake);
    }

    private static void startDelivery(Parts made) {
        try {
            made.delivery().start();
        } catch (SpoolException e) {
            throw new CompletionException(e);
        }
        made.gate().start();
        made.runtime().repeat(SPOOL_HEALTH_BEAT, made.intake()::checkSpoolHealth);
    }

    private void startEnded(Parts made, @Nullable Throwable fault) {
        if (fault == null) {
            running = true;
            LOG.atInfo().addKeyValue("hostname", config.hostname()).log("backup MX started");
            started.complete(null);
            return;
        }
        Throwable cause = fault instanceof CompletionException && fault.getCause() != null ? fault.getCause() : fault;
        end(made, Duration.ZERO, () -> started.completeExceptionally(cause));
    }

    /**
     * Ends all gracefully.
     *
     * @return completes on a worker when everything has ended
     */
    public CompletionStage<Void> stop() {
        boolean first;
        boolean never;
        synchronized (this) {
            first = !stopAsked;
            never = !startAsked;
            stopAsked = true;
        }
        if (never) {
            ended.complete(null);
        } else if (first) {
            started.whenComplete((done, fault) -> {
                Parts made = parts;
                if (fault == null && made != null) {
                    made.runtime().execute(() -> end(made, config.shutdownGrace(), () -> {}));
                }
            });
        }
        return ended.minimalCompletionStage();
    }

    private void end(Parts made, Duration grace, Runnable whenEnded) {
        made.intake().close();
        CompletableFuture<Void> intakeEnd = calm(() -> config.intakeServer().stop(grace));
        CompletableFuture<Void> all = CompletableFuture.allOf(
                intakeEnd,
                intakeEnd.handle((done, fault) -> made.gate().stop()).thenCompose(written -> written),
                calm(() -> config.relayClient().stop(grace)),
                calm(made.delivery()::stop));
        CompletableFuture<Void> inTime = new CompletableFuture<>();
        Future<?> deadline = made.runtime().schedule(grace.plus(BEYOND_GRACE), () -> inTime.complete(null));
        all.handle((done, fault) -> made.events().drain())
                .thenCompose(told -> told)
                .whenComplete((done, fault) -> {
                    deadline.cancel(false);
                    inTime.complete(null);
                });
        inTime.thenRunAsync(() -> ended(made, all, whenEnded), made.runtime().workers());
    }

    private void ended(Parts made, CompletableFuture<Void> all, Runnable whenEnded) {
        if (!all.isDone()) {
            LOG.atWarn().log("parts did not end within their grace; what they held is in the spool");
        } else if (all.isCompletedExceptionally()) {
            all.whenComplete((done, fault) -> LOG.atError().setCause(fault).log("a part failed to end"));
        }
        if (running) { // else the start failed, and its caller hears of it
            LOG.atInfo().addKeyValue("hostname", config.hostname()).log("backup MX ended");
        }
        running = false;
        made.runtime().shutdown();
        ended.complete(null);
        whenEnded.run();
    }

    /** A part's stage, its throwing included. */
    private static CompletableFuture<Void> calm(Supplier<CompletionStage<Void>> part) {
        try {
            return part.get().toCompletableFuture();
        } catch (RuntimeException | Error e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Ends the threads without regard to what they do: the end has taken too long. */
    public void abort() {
        Parts made = parts;
        if (made != null) {
            LOG.atError().log("backup MX did not end in time, threads are interrupted");
            made.runtime().shutdown();
            made.runtime().awaitThreads(THREADS_END);
        }
        ended.complete(null);
    }

    /**
     * Waits for the end.
     *
     * @throws InterruptedException if the waiting is interrupted
     */
    public void awaitTermination() throws InterruptedException {
        try {
            ended.get();
        } catch (ExecutionException e) {
            throw new AssertionError("the end of an engine does not fail", e);
        }
    }

    /**
     * Returns the delivery.
     *
     * @return the delivery of this engine
     * @throws IllegalStateException if it does not run
     */
    public DeliveryScheduler delivery() {
        return runningParts().delivery();
    }

    /**
     * Returns the gate of monitoring mode.
     *
     * @return the gate of this engine
     * @throws IllegalStateException if it does not run
     */
    public MonitoringGate gate() {
        return runningParts().gate();
    }

    private Parts runningParts() {
        Parts made = parts;
        if (!running || made == null) {
            throw new IllegalStateException("engine: not running (expected: started and not ended)");
        }
        return made;
    }
}
