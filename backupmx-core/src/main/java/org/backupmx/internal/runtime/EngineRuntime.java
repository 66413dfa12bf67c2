package org.backupmx.internal.runtime;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.backupmx.BackupMxConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads, the clock and the randomness of one engine. Workers do the work, the timer only hands it to them. What
 * the user gave is used and never shut down. Thread-safe.
 *
 * <p>The queue of the workers holds at most one task a session, lane, attempt and timer, each of which is bounded.
 */
public final class EngineRuntime {

    private static final Logger LOG = LoggerFactory.getLogger(EngineRuntime.class);

    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final RandomGenerator random;
    private final Executor workers;
    private final ScheduledExecutorService timer;
    private final boolean ownWorkers;
    private final boolean ownTimer;
    private final LimitedExecutor questions;
    private final Duration policyTimeout;
    private final Queue<Future<?>> repeating = new ConcurrentLinkedQueue<>();

    /**
     * Starts the threads.
     *
     * @param config tells how many, or whose
     */
    public EngineRuntime(BackupMxConfig config) {
        clock = config.clock();
        nanoTime = config.nanoTime();
        random = config.random();
        policyTimeout = config.policyTimeout();
        ownWorkers = config.executor().isEmpty();
        ownTimer = config.scheduler().isEmpty();
        workers = config.executor()
                .orElseGet(() -> Executors.newFixedThreadPool(config.workers(), threads("backupmx-work-")));
        timer = config.scheduler().orElseGet(EngineRuntime::newTimer);
        // a user's policy that hangs must leave workers for delivery
        questions = new LimitedExecutor(workers, Math.max(1, config.workers() / 2));
    }

    private static ScheduledExecutorService newTimer() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, runnable -> {
            Thread thread = new Thread(runnable, "backupmx-timer");
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return timer;
    }

    private static ThreadFactory threads(String prefix) {
        AtomicInteger count = new AtomicInteger();
        return runnable -> {
            Thread thread = new Thread(runnable, prefix + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * Returns the time.
     *
     * @return now
     */
    public Instant now() {
        return clock.instant();
    }

    /**
     * Returns the source of durations.
     *
     * @return nanoseconds since some instant
     */
    public LongSupplier nanoTime() {
        return nanoTime;
    }

    /**
     * Returns the source of randomness.
     *
     * @return thread-safe
     */
    public RandomGenerator random() {
        return random;
    }

    /**
     * Returns the workers, as an executor that contains what tasks throw.
     *
     * @return the workers
     */
    public Executor workers() {
        return this::execute;
    }

    /**
     * Runs a task on a worker. After the end of the engine it does nothing: all that matters is in the spool.
     *
     * @param task the task
     */
    public void execute(Runnable task) {
        try {
            workers.execute(() -> {
                try {
                    task.run();
                } catch (RuntimeException | Error e) {
                    LOG.atError().setCause(e).log("task failed");
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.atDebug().setCause(e).log("task refused");
        }
    }

    /**
     * Runs the first task of an engine on a worker.
     *
     * @param task the task, which contains what it throws
     * @throws RejectedExecutionException if the workers take none
     */
    public void executeFirst(Runnable task) {
        workers.execute(task);
    }

    /**
     * Runs a task on a worker after a delay.
     *
     * @param delay how long to wait; at once if not positive
     * @param task the task
     * @return cancels it
     */
    public Future<?> schedule(Duration delay, Runnable task) {
        try {
            return timer.schedule(() -> execute(task), nanos(delay), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            LOG.atDebug().setCause(e).log("task refused");
            return CompletableFuture.completedFuture(null);
        }
    }

    /**
     * Runs a task on a worker again and again, until it is cancelled or the engine ends.
     *
     * @param period the time from one run to the next
     * @param task the task
     * @return cancels it
     */
    public Future<?> repeat(Duration period, Runnable task) {
        Future<?> repeated =
                timer.scheduleWithFixedDelay(() -> execute(task), nanos(period), nanos(period), TimeUnit.NANOSECONDS);
        repeating.add(repeated);
        return repeated;
    }

    private static long nanos(Duration delay) {
        return delay.compareTo(Duration.ofDays(1)) > 0 ? TimeUnit.DAYS.toNanos(1) : Math.max(0, delay.toNanos());
    }

    /**
     * Asks code of the user's on a worker, bounded in number and time.
     *
     * @param <T> what it answers
     * @param question the code
     * @return its answer; fails with what it threw, {@link TimeoutException} after the policy timeout, or
     *     {@link RejectedExecutionException} while too many wait
     */
    public <T> CompletableFuture<T> ask(Callable<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        FutureTask<T> task = new FutureTask<>(question) {
            @Override
            protected void done() {
                try {
                    answer.complete(get());
                } catch (CancellationException e) {
                    answer.completeExceptionally(new TimeoutException("no answer within " + policyTimeout));
                } catch (ExecutionException e) {
                    answer.completeExceptionally(e.getCause());
                } catch (InterruptedException e) {
                    throw new AssertionError("get() of a done task waited", e);
                }
            }
        };
        // completes on a worker, for what follows may be a user's code or the spool
        Future<?> timeout = schedule(policyTimeout, () -> task.cancel(true));
        try {
            questions.execute(() -> {
                task.run();
                timeout.cancel(false);
            });
        } catch (RejectedExecutionException e) {
            timeout.cancel(false);
            answer.completeExceptionally(e);
        }
        return answer;
    }

    /**
     * Bounds the time of a stage.
     *
     * @param <T> what it completes with
     * @param stage the stage, perhaps of a thread that is not ours
     * @return the same on a worker; fails with {@link TimeoutException} after the policy timeout
     */
    public <T> CompletableFuture<T> bounded(CompletionStage<T> stage) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        Future<?> timeout = schedule(
                policyTimeout,
                () -> answer.completeExceptionally(new TimeoutException("no answer within " + policyTimeout)));
        stage.whenComplete((value, fault) -> execute(() -> {
            timeout.cancel(false);
            if (fault == null) {
                answer.complete(value);
            } else {
                answer.completeExceptionally(fault);
            }
        }));
        return answer;
    }

    /** Ends the threads that are ours. Tasks that wait are dropped, those that run may end within a second. */
    public void shutdown() {
        repeating.forEach(task -> task.cancel(false));
        if (ownTimer) {
            timer.shutdownNow();
        }
        if (ownWorkers) {
            ((ExecutorService) workers).shutdown();
        }
    }

    /**
     * Waits for the threads that are ours to end; interrupts them when they do not.
     *
     * @param patience how long
     */
    public void awaitThreads(Duration patience) {
        if (!ownWorkers) {
            return;
        }
        ExecutorService service = (ExecutorService) workers;
        try {
            if (!service.awaitTermination(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                service.shutdownNow();
            }
        } catch (InterruptedException e) {
            service.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
