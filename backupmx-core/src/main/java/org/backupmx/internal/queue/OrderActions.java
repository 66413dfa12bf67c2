package org.backupmx.internal.queue;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueOrder;
import org.backupmx.queue.QueueOrder.Kind;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
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
        Set<MailDomain> lanes = new HashSet<>();
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

    private boolean change(QueueOrder order, SpoolId id, Set<MailDomain> lanes) throws SpoolException {
        Optional<HeldMail.Entry> entry = delivery.heldMail.find(id);
        QueueArea area = entry.map(one -> MailWalk.area(one.reason())).orElse(QueueArea.HELD);
        if (entry.isPresent() && !areas(order.kind()).contains(area)) {
            return false;
        }
        switch (order.kind()) {
            case FLUSH, RESET_RETRIES, RELEASE -> note(id, lanes);
            default -> {}
        }
        return switch (order.kind()) {
            case FLUSH -> ((ReschedulableSpool) delivery.spool).reschedule(id, delivery.runtime.now());
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

    /** Remembers whose lanes are to hear of it. */
    private void note(SpoolId id, Set<MailDomain> lanes) throws SpoolException {
        if (delivery.spool instanceof FindableSpool findable) {
            Optional<QueuedMessage> message = findable.find(id);
            message.ifPresent(found -> found.lanes().forEach(lane -> lanes.add(lane.domain())));
        }
    }

    /** Has delivery know: it holds leases, and its lanes rest. */
    private void follow(Kind kind, Set<SpoolId> changed, Set<MailDomain> lanes) {
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

    private void urge(Set<MailDomain> lanes) {
        if (lanes.isEmpty()) {
            scheduler.relist();
        }
        new ArrayList<>(lanes).forEach(scheduler::urge);
    }
}
