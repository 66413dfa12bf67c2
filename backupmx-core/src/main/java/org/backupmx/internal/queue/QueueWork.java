package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueProgress.End;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;

/**
 * A plan that is carried out: turn by turn on a worker, with pauses so that delivery and intake have most of the workers and
 * of the spool. Thread-safe.
 */
final class QueueWork {

    /** The most messages of a turn. */
    private static final int PER_TURN = 100;

    private static final int PER_SECOND = 2_000;

    /** So many faults one after the other, and the spool is not asked any more. */
    private static final int FAULTS_IN_A_ROW = 20;

    private static final Duration LEAST_PAUSE =
            Duration.ofSeconds(1).multipliedBy(PER_TURN).dividedBy(PER_SECOND);

    private final QueuePlan plan;
    private final IdList ids; // owned by the turn
    private final OrderActions actions;
    private final EngineRuntime runtime;
    private final BooleanSupplier engineStops;
    private final Instant begun;
    private final CompletableFuture<QueueProgress> ended = new CompletableFuture<>();
    private volatile boolean stopping;

    // written by the turn
    private int faultsInARow;
    private volatile QueueProgress progress;

    QueueWork(QueuePlan plan, IdList ids, OrderActions actions, EngineRuntime runtime, BooleanSupplier engineStops) {
        this.plan = plan;
        this.ids = ids;
        this.actions = actions;
        this.runtime = runtime;
        this.engineStops = engineStops;
        this.begun = runtime.now();
        this.progress = new QueueProgress(plan, begun, 0, 0, 0, Optional.empty(), End.RUNNING, "");
    }

    /** Begins; {@code whenEnded} hears of the end on a worker, before anybody else. */
    void start(Consumer<QueueProgress> whenEnded) {
        ended.whenComplete((end, fault) -> whenEnded.accept(progress));
        runtime.execute(this::turn);
    }

    void stop() {
        stopping = true;
    }

    QueueProgress progress() {
        return progress;
    }

    CompletableFuture<QueueProgress> ended() {
        return ended;
    }

    private void turn() {
        try {
            if (stopping || engineStops.getAsBoolean()) {
                end(End.STOPPED);
                return;
            }
            List<SpoolId> next = ids.take(PER_TURN);
            if (next.isEmpty()) {
                end(End.COMPLETE);
                return;
            }
            long from = runtime.nanoTime().getAsLong();
            change(next);
            Duration took = Duration.ofNanos(runtime.nanoTime().getAsLong() - from);
            if (faultsInARow >= FAULTS_IN_A_ROW) {
                end(End.GIVEN_UP);
            } else if (progress.done() == plan.messages()) {
                end(End.COMPLETE);
            } else {
                runtime.schedule(took.compareTo(LEAST_PAUSE) > 0 ? took : LEAST_PAUSE, this::turn);
            }
        } catch (RuntimeException | Error e) {
            fault(e);
            end(End.GIVEN_UP);
            throw e;
        }
    }

    private void change(List<SpoolId> next) {
        int[] failed = new int[1];
        int changed = actions.change(plan.order(), next, (id, fault) -> {
                    failed[0]++;
                    return failed(fault);
                })
                .size();
        boolean isWhole = faultsInARow < FAULTS_IN_A_ROW;
        if (isWhole && changed > 0) {
            faultsInARow = 0;
        }
        QueueProgress before = progress;
        progress = new QueueProgress(
                plan,
                begun,
                before.changed() + changed,
                before.unchanged() + (isWhole ? next.size() - changed - failed[0] : 0),
                before.failed() + failed[0],
                Optional.empty(),
                End.RUNNING,
                before.fault());
    }

    private boolean failed(SpoolException fault) {
        fault(fault);
        return ++faultsInARow < FAULTS_IN_A_ROW;
    }

    private void fault(Throwable fault) {
        QueueProgress before = progress;
        progress = new QueueProgress(
                plan,
                begun,
                before.changed(),
                before.unchanged(),
                before.failed(),
                Optional.empty(),
                End.RUNNING,
                String.valueOf(fault.getMessage()));
    }

    private void end(End end) {
        QueueProgress before = progress;
        progress = new QueueProgress(
                plan,
                begun,
                before.changed(),
                before.unchanged(),
                before.failed(),
                Optional.of(runtime.now()),
                end,
                before.fault());
        ended.complete(progress);
    }
}
