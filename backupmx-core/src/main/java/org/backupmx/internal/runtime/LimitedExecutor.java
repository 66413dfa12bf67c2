package org.backupmx.internal.runtime;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Runs at most so many tasks at a time on another executor; the rest waits in order. Thread-safe. */
final class LimitedExecutor implements Executor {

    /** The most tasks that wait: {@value}. More are refused. */
    static final int MOST_WAITING = 10_000;

    private final Executor executor;
    private final int limit;
    private final Queue<Runnable> waiting = new ArrayDeque<>(); // guarded by itself
    private int running; // guarded by waiting

    LimitedExecutor(Executor executor, int limit) {
        this.executor = executor;
        this.limit = limit;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (waiting) {
            if (running == limit) {
                if (waiting.size() == MOST_WAITING) {
                    throw new RejectedExecutionException("tasks that wait: more than " + MOST_WAITING);
                }
                waiting.add(task);
                return;
            }
            running++;
        }
        try {
            executor.execute(() -> runAndGoOn(task));
        } catch (RejectedExecutionException e) {
            synchronized (waiting) {
                running--;
            }
            throw e;
        }
    }

    private void runAndGoOn(Runnable first) {
        for (Runnable task = first; task != null; task = next()) {
            task.run();
        }
    }

    private @Nullable Runnable next() {
        synchronized (waiting) {
            Runnable next = waiting.poll();
            if (next == null) {
                running--;
            }
            return next;
        }
    }
}
