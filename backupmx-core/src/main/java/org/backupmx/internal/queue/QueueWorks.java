package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.backupmx.event.QueueOrdered;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueControl;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueuePlan;
import org.backupmx.queue.QueueProgress;
import org.backupmx.queue.QueueSelection;
import org.backupmx.spool.SpoolException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The plans that wait for their word, and the orders that run or have ended a while ago. Thread-safe. */
final class QueueWorks {

    private static final Duration KEPT = Duration.ofMinutes(10);
    private static final int MOST_WAITING = 8;
    private static final int MOST_ENDED = 32;
    private static final int PAGE = 500;

    private static final Logger LOG = LoggerFactory.getLogger(QueueWorks.class);

    private final EngineRuntime runtime;
    private final Delivery delivery;
    private final DeliveryScheduler scheduler;
    private final OrderActions actions;
    private final Map<String, Planned> waiting = new LinkedHashMap<>(); // guarded by this, as the other
    private final Map<String, QueueWork> works = new LinkedHashMap<>();

    private record Planned(QueuePlan plan, IdList ids) {}

    QueueWorks(Delivery delivery, DeliveryScheduler scheduler, OrderActions actions) {
        this.runtime = delivery.runtime;
        this.delivery = delivery;
        this.scheduler = scheduler;
        this.actions = actions;
    }

    QueuePlan plan(MailWalk walk, QueueOrder order, QueueSelection selection) throws SpoolException {
        int room = QueueControl.MAX_PLANNED - planned();
        IdList ids = new IdList();
        long[] bytes = new long[1];
        walk.walk(selection, areas(order, selection), Optional.empty(), PAGE, mail -> {
            if (ids.size() >= room) {
                throw new IllegalArgumentException("selection: more than " + room + " messages (expected: at most "
                        + QueueControl.MAX_PLANNED + " in all plans together; narrow it, by domain or age)");
            }
            ids.add(mail.id());
            bytes[0] += mail.message().message().sizeBytes();
            return !scheduler.isStopping();
        });
        String token = Long.toString(runtime.random().nextLong() & Long.MAX_VALUE, Character.MAX_RADIX);
        Instant until = runtime.now().plus(KEPT);
        QueuePlan plan = new QueuePlan(token, order, selection, ids.size(), bytes[0], until);
        keep(new Planned(plan, ids));
        return plan;
    }

    private static Set<QueueArea> areas(QueueOrder order, QueueSelection selection) {
        Set<QueueArea> areas = EnumSet.copyOf(OrderActions.areas(order.kind()));
        if (!selection.areas().isEmpty()) {
            areas.retainAll(selection.areas());
        } else if (order.kind() == QueueOrder.Kind.DELETE_FOR_GOOD
                && selection.ids().isEmpty()) {
            areas.remove(QueueArea.RECYCLED); // nobody meant those
        }
        return areas;
    }

    private synchronized int planned() {
        forget();
        return waiting.values().stream().mapToInt(one -> one.ids().size()).sum()
                + works.values().stream()
                        .map(QueueWork::progress)
                        .filter(one -> one.end() == QueueProgress.End.RUNNING)
                        .mapToInt(one -> (int) one.plan().messages())
                        .sum();
    }

    private synchronized void keep(Planned planned) {
        waiting.put(planned.plan().token(), planned);
        trim(waiting, MOST_WAITING);
    }

    private static void trim(Map<String, ?> map, int most) {
        for (var eldest = map.keySet().iterator(); map.size() > most && eldest.hasNext(); ) {
            eldest.next();
            eldest.remove();
        }
    }

    private void forget() {
        Instant now = runtime.now();
        waiting.values().removeIf(one -> !one.plan().until().isAfter(now));
        works.values()
                .removeIf(one -> one.progress()
                        .ended()
                        .filter(end -> !end.plus(KEPT).isAfter(now))
                        .isPresent());
    }

    CompletionStage<QueueProgress> run(String token) {
        QueueWork work = take(token);
        QueuePlan plan = work.progress().plan();
        LOG.atInfo()
                .addKeyValue("by", plan.order().by())
                .addKeyValue("order", plan.order().kind())
                .addKeyValue("subject", plan.selection())
                .addKeyValue("planned", plan.messages())
                .addKeyValue("reason", plan.order().reason())
                .log("operator's order begins");
        work.start(this::told);
        return work.ended().minimalCompletionStage();
    }

    private synchronized QueueWork take(String token) {
        forget();
        if (!waiting.containsKey(token)) {
            throw new IllegalArgumentException("token: of no plan that waits (expected: one of the last 10 minutes,"
                    + " not used yet; plan it again)");
        }
        long running = works.values().stream()
                .filter(one -> one.progress().end() == QueueProgress.End.RUNNING)
                .count();
        if (running >= QueueControl.MAX_RUNNING) {
            throw new IllegalStateException(
                    "orders: " + running + " run (expected: fewer than " + QueueControl.MAX_RUNNING + ", or stop one)");
        }
        Planned planned = waiting.remove(token);
        QueueWork work = new QueueWork(planned.plan(), planned.ids(), actions, runtime, scheduler::isStopping);
        works.values()
                .removeIf(one -> works.size() >= MOST_ENDED && one.progress().end() != QueueProgress.End.RUNNING);
        works.put(token, work);
        return work;
    }

    private void told(QueueProgress end) {
        QueueOrder order = end.plan().order();
        delivery.events.post(new QueueOrdered(
                runtime.now(),
                order.by(),
                order.kind().name(),
                end.plan().selection().toString(),
                end.plan().messages(),
                end.changed(),
                end.end().name(),
                order.reason()));
    }

    synchronized Optional<QueueProgress> progress(String token) {
        forget();
        return Optional.ofNullable(works.get(token)).map(QueueWork::progress);
    }

    synchronized void stop(String token) {
        QueueWork work = works.get(token);
        if (work != null) {
            work.stop();
        }
    }
}
