package org.backupmx;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.backupmx.health.HealthControl;
import org.backupmx.internal.engine.Engine;
import org.backupmx.monitoring.MonitoringReport;
import org.backupmx.queue.QueueControl;
import org.backupmx.queue.QueueSnapshot;
import org.backupmx.spool.SpoolException;
import org.backupmx.undelivered.UndeliveredCounts;

/**
 * A backup MX: takes mail for its relay domains, keeps it, and relays it to their primaries.
 *
 * <p>A message is ours from the instant 250 is answered to the end of its mail data, and not before: that reply waits
 * until the spool has the message on stable storage. Thread-safe. It is started once and ended once.
 */
public final class BackupMx implements AutoCloseable {

    private final BackupMxConfig config;
    private final Engine engine;

    BackupMx(BackupMxConfig config) {
        this.config = config;
        this.engine = new Engine(config);
    }

    /**
     * Starts a set of settings from the defaults.
     *
     * @return a builder
     */
    public static BackupMxBuilder builder() {
        return new BackupMxBuilder();
    }

    /**
     * Starts a set of settings from another one. The two engines in it can be used again only if that one's backup MX
     * was never started.
     *
     * @param config where to start from
     * @return a builder
     */
    public static BackupMxBuilder builder(BackupMxConfig config) {
        return requireNonNull(config, "config").toBuilder();
    }

    /**
     * Returns the settings.
     *
     * @return the settings
     */
    public BackupMxConfig config() {
        return config;
    }

    /**
     * Starts: threads, sending engine, delivery of what is queued, receiving engine.
     *
     * @return completes when mail is taken; fails, with everything released again, if a part cannot start
     * @throws IllegalStateException if it was started or closed before
     */
    public CompletionStage<Void> start() {
        return engine.start();
    }

    /**
     * Ends gracefully without waiting: no new connections and no new attempts at once, mail transactions and attempts
     * under way may end within the {@linkplain BackupMxBuilder#shutdownGrace grace}. All that was accepted is in the
     * spool. Further calls return the same end.
     *
     * @return completes, on a worker, when everything has ended
     */
    public CompletionStage<Void> stop() {
        return engine.stop();
    }

    /**
     * Ends gracefully and waits for it: the grace and 5 s at most. An interrupt ends the waiting, not the end itself.
     * Not to be called from a listener or a policy.
     */
    @Override
    public void close() {
        Duration patience = config.shutdownGrace().plusSeconds(5);
        try {
            engine.stop().toCompletableFuture().get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException e) {
            engine.abort();
        } catch (ExecutionException e) {
            throw new AssertionError("the end of an engine does not fail", e);
        }
    }

    /**
     * Waits until it has ended, by whoever ends it.
     *
     * @throws InterruptedException if the waiting is interrupted
     */
    public void awaitTermination() throws InterruptedException {
        engine.awaitTermination();
    }

    /**
     * Returns what is queued now. Blocks while the spool is asked.
     *
     * @return a snapshot
     * @throws SpoolException if the spool cannot be asked
     * @throws IllegalStateException if it does not run
     */
    public QueueSnapshot snapshot() throws SpoolException {
        return engine.delivery().snapshot();
    }

    /**
     * Returns the operator's side of the queue.
     *
     * @return the control
     * @throws IllegalStateException if it does not run
     */
    public QueueControl queue() {
        return engine.delivery().control();
    }

    /**
     * Returns what has become of undeliverable mail since the start: how many DSNs went out, how much was kept for an
     * operator.
     *
     * @return a snapshot
     * @throws IllegalStateException if it does not run
     */
    public UndeliveredCounts undelivered() {
        return engine.delivery().undelivered();
    }

    /**
     * Returns the operator's side of the primaries.
     *
     * @return the control
     * @throws IllegalStateException if it does not run
     */
    public HealthControl health() {
        return engine.delivery().healthControl();
    }

    /**
     * Returns which client networks came to us although the primary was UP, of the domains in
     * {@linkplain org.backupmx.intake.DomainMode#MONITORING monitoring mode}.
     *
     * @return a snapshot
     * @throws IllegalStateException if it does not run
     */
    public MonitoringReport monitoring() {
        return engine.gate().report();
    }

    /** Returns the host name and the relay domains. */
    @Override
    public String toString() {
        return config.toString();
    }
}
