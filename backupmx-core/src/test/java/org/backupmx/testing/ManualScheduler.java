package org.backupmx.testing;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.backupmx.BackupMxBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Virtual time: an executor, a timer and a clock in one, whose tasks run on the thread that moves the time, in order of
 * their instants and then of their arrival. Tasks may be given from any thread; the time is moved by one.
 */
public final class ManualScheduler extends AbstractExecutorService implements ScheduledExecutorService {

    /** Where the virtual time begins. */
    public static final Instant START = Instant.parse("2026-11-22T10:00:00Z");

    /** What nanoTime begins with: that of a machine that runs for a while, for 0 hides faults. */
    private static final Duration UPTIME = Duration.ofSeconds(5_000);

    private static final int MOST_RUNS = 10_000_000;

    private final PriorityQueue<Task<?>> tasks = new PriorityQueue<>(); // guarded by itself
    private final SettableInstantSource clock = new SettableInstantSource(START);
    private long sequence; // guarded by tasks
    private volatile boolean shutdown;

    /** Makes a scheduler whose time stands at {@link #START}. */
    public ManualScheduler() {}

    /**
     * Makes an engine run on this time alone.
     *
     * @param builder the engine's builder
     * @return that builder
     */
    public BackupMxBuilder drive(BackupMxBuilder builder) {
        return builder.executor(this).scheduler(this).clock(clock).nanoTime(this::nanoTime);
    }

    /**
     * Returns the virtual clock.
     *
     * @return its instants
     */
    public InstantSource clock() {
        return clock;
    }

    /**
     * Returns the virtual time.
     *
     * @return now
     */
    public Instant now() {
        return clock.instant();
    }

    /**
     * Returns the virtual time in nanoseconds.
     *
     * @return nanoseconds since {@link #START}
     */
    public long nanoTime() {
        return Duration.between(START, now()).plus(UPTIME).toNanos();
    }

    /** Runs what is due now, and what that makes due, until nothing is. */
    public void run() {
        advance(Duration.ZERO);
    }

    /**
     * Moves the time, and runs what falls due on the way at its instant.
     *
     * @param step by how much
     */
    public void advance(Duration step) {
        Instant end = now().plus(step);
        for (int runs = 0; ; runs++) {
            if (runs == MOST_RUNS) {
                throw new IllegalStateException("tasks: more than " + MOST_RUNS + " in " + step + ", a busy loop");
            }
            Task<?> next = next(end);
            if (next == null) {
                clock.set(end);
                return;
            }
            if (next.at.isAfter(now())) {
                clock.set(next.at);
            }
            next.run();
        }
    }

    private @Nullable Task<?> next(Instant end) {
        synchronized (tasks) {
            Task<?> first = tasks.peek();
            return first == null || first.at.isAfter(end) ? null : tasks.poll();
        }
    }

    /**
     * Returns how many tasks wait, for now or for later.
     *
     * @return the count, cancelled ones not included
     */
    public int waiting() {
        synchronized (tasks) {
            return (int) tasks.stream().filter(task -> !task.isCancelled()).count();
        }
    }

    private <T> Task<T> add(Callable<T> callable, Duration delay, @Nullable Duration period) {
        if (shutdown) {
            throw new RejectedExecutionException("scheduler: shut down (expected: running)");
        }
        synchronized (tasks) {
            Task<T> task = new Task<>(callable, now().plus(delay), period, sequence++);
            tasks.add(task);
            return task;
        }
    }

    private static Duration duration(long amount, TimeUnit unit) {
        return Duration.of(Math.max(0, amount), unit.toChronoUnit());
    }

    @Override
    public void execute(Runnable command) {
        requireNonNull(command, "command");
        add(callable(command), Duration.ZERO, null);
    }

    private static Callable<@Nullable Object> callable(Runnable command) {
        return () -> {
            command.run();
            return null;
        };
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
        return add(callable(command), duration(delay, unit), null);
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> callable, long delay, TimeUnit unit) {
        return add(callable, duration(delay, unit), null);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable command, long initialDelay, long period, TimeUnit unit) {
        return add(callable(command), duration(initialDelay, unit), duration(period, unit));
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable command, long initialDelay, long delay, TimeUnit unit) {
        return scheduleAtFixedRate(command, initialDelay, delay, unit);
    }

    @Override
    public void shutdown() {
        shutdown = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
        shutdown = true;
        synchronized (tasks) {
            List<Runnable> rest = new ArrayList<>(tasks);
            tasks.clear();
            return rest;
        }
    }

    @Override
    public boolean isShutdown() {
        return shutdown;
    }

    @Override
    public boolean isTerminated() {
        return shutdown && waiting() == 0;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return isTerminated();
    }

    private final class Task<T> extends FutureTask<T> implements ScheduledFuture<T> {
        private final @Nullable Duration period;
        private final long order;
        private volatile Instant at;

        Task(Callable<T> callable, Instant at, @Nullable Duration period, long order) {
            super(callable);
            this.at = at;
            this.period = period;
            this.order = order;
        }

        @Override
        public void run() {
            if (period == null) {
                super.run();
            } else if (runAndReset() && !shutdown) {
                at = at.plus(period);
                synchronized (tasks) {
                    tasks.add(this);
                }
            }
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(Duration.between(now(), at));
        }

        @Override
        public int compareTo(Delayed other) {
            Task<?> task = (Task<?>) other;
            int byTime = at.compareTo(task.at);
            return byTime != 0 ? byTime : Long.compare(order, task.order);
        }
    }
}
