package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueueOrder.Kind;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ReschedulableSpool;
import org.backupmx.spool.ResettableSpool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;

/** Does to messages what orders say. Thread-safe; blocks. */
final class OrderActions {

    private static final Set<QueueArea> WITHOUT_RECYCLED = EnumSet.complementOf(EnumSet.of(QueueArea.RECYCLED));

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;
    private final RecycleArea recycle;
    private final MessageRenewal renewal;

    OrderActions(Delivery delivery, DeliveryScheduler scheduler, RecycleArea recycle) {
        this.delivery = delivery;
        this.scheduler = scheduler;
        this.recycle = recycle;
        this.renewal = new MessageRenewal(delivery, scheduler);
    }

    /** Returns where an order can change something. */
    static Set<QueueArea> areas(Kind kind) {
        return switch (kind) {
            case FLUSH -> EnumSet.of(QueueArea.DELIVERY);
            case RESET_RETRIES, RENEW, DELETE -> WITHOUT_RECYCLED;
            case HOLD -> EnumSet.of(QueueArea.DELIVERY, QueueArea.EXPIRED, QueueArea.DEAD_LETTER);
            case RELEASE -> EnumSet.of(QueueArea.HELD, QueueArea.EXPIRED, QueueArea.DEAD_LETTER);
            case DELETE_FOR_GOOD -> EnumSet.allOf(QueueArea.class);
            case RESTORE -> EnumSet.of(QueueArea.RECYCLED);
        };
    }

    /** Returns which abilities of the spool an order needs. */
    List<Class<?>> needed(Kind kind) {
        return switch (kind) {
            case FLUSH -> List.of(ReschedulableSpool.class);
            case RESET_RETRIES -> List.of(ResettableSpool.class);
            case RENEW -> List.of(FindableSpool.class, HoldableSpool.class, DeletableSpool.class);
            case HOLD, RELEASE, RESTORE -> List.of(HoldableSpool.class);
            case DELETE -> recycle.needed();
            case DELETE_FOR_GOOD -> List.of(DeletableSpool.class);
        };
    }

    /** Does it to some messages and returns those that were changed. */
    Set<SpoolId> change(QueueOrder order, List<SpoolId> ids, Faults faults) {
        Set<SpoolId> changed = new HashSet<>();
        Map<MailDomain, Instant> lanes = new HashMap<>();
        prepare(order.kind(), ids);
        for (SpoolId id : ids) {
            try {
                if (change(order, id, lanes)) {
                    changed.add(id);
                }
            } catch (SpoolException e) {
                if (!faults.failed(id, e)) {
                    break;
                }
            }
        }
        follow(order.kind(), changed, lanes);
        return changed;
    }

    /** Has leases know that are given back before {@link #follow}: they say anew when their messages are due. */
    private void prepare(Kind kind, List<SpoolId> ids) {
        switch (kind) {
            case FLUSH, RESET_RETRIES -> delivery.keeper.makeDue(Set.copyOf(ids));
            default -> {}
        }
    }

    /** Hears of faults. */
    @FunctionalInterface
    interface Faults {
        /** The spool failed for a message; returns whether to go on. */
        boolean failed(SpoolId id, SpoolException fault);
    }

    private boolean change(QueueOrder order, SpoolId id, Map<MailDomain, Instant> lanes) throws SpoolException {
        Optional<HeldMail.Entry> entry = delivery.heldMail.find(id);
        QueueArea area = entry.map(one -> MailWalk.area(one.reason())).orElse(QueueArea.HELD);
        if (entry.isPresent() && !areas(order.kind()).contains(area)) {
            return false;
        }
        Instant due = switch (order.kind()) {
            case FLUSH -> note(id, lanes, true);
            case RESET_RETRIES, RELEASE -> note(id, lanes, false);
            default -> delivery.runtime.now();
        };
        return switch (order.kind()) {
            case FLUSH -> ((ReschedulableSpool) delivery.spool).reschedule(id, due);
            case RESET_RETRIES -> ((ResettableSpool) delivery.spool).resetAttempts(id, delivery.runtime.now());
            case RENEW -> renewal.renew(id);
            case HOLD -> hold(id);
            case RELEASE -> entry.isPresent() ? delivery.heldMail.release(id) : release(id);
            case DELETE -> recycle.put(id, order);
            case DELETE_FOR_GOOD -> recycle.deleteForGood(id);
            case RESTORE -> recycle.restore(id);
        };
    }

    private boolean hold(SpoolId id) throws SpoolException {
        boolean held = ((HoldableSpool) delivery.spool).hold(id);
        delivery.heldMail.forget(id); // it is the operator's now
        return held;
    }

    private boolean release(SpoolId id) throws SpoolException {
        return ((HoldableSpool) delivery.spool).release(id);
    }

    /**
     * Remembers whose lanes are to hear of it, and what is due before all that waits there, if the message is to be. Returns
     * what is so in all its lanes.
     */
    private Instant note(SpoolId id, Map<MailDomain, Instant> lanes, boolean isFirst) throws SpoolException {
        Instant due = delivery.runtime.now();
        if (delivery.spool instanceof FindableSpool findable) {
            Optional<QueuedMessage> message = findable.find(id);
            for (MessageLane lane : message.map(QueuedMessage::lanes).orElse(List.of())) {
                Instant first = lanes.get(lane.domain());
                if (first == null) {
                    first = isFirst ? beforeAllOthers(lane.domain()) : Instant.MIN;
                    lanes.put(lane.domain(), first);
                }
                due = isFirst && first.isBefore(due) ? first : due;
            }
        }
        return due;
    }

    private Instant beforeAllOthers(MailDomain domain) throws SpoolException {
        Instant now = delivery.runtime.now();
        return delivery.spool.nextDue(domain).filter(now::isAfter).orElse(now).minusMillis(1);
    }

    /** Has delivery know: it holds leases, and its lanes rest. */
    private void follow(Kind kind, Set<SpoolId> changed, Map<MailDomain, Instant> lanes) {
        if (changed.isEmpty()) {
            return;
        }
        switch (kind) {
            case HOLD, DELETE, DELETE_FOR_GOOD, RENEW -> delivery.inRescue.gone(changed);
            default -> {}
        }
        switch (kind) {
            case FLUSH, RESET_RETRIES -> {
                delivery.keeper.makeDue(changed);
                urge(lanes);
            }
            case RELEASE -> urge(lanes);
            case HOLD, DELETE, DELETE_FOR_GOOD -> delivery.keeper.giveBack(changed);
            case RENEW -> {}
            case RESTORE -> scheduler.relist();
        }
    }

    private void urge(Map<MailDomain, Instant> lanes) {
        if (lanes.isEmpty()) {
            scheduler.relist();
        }
        lanes.forEach(scheduler::urge);
    }
}
