package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.QueueControl;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ReschedulableSpool;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/** Steers the queue through what the spool can do. */
final class SpoolQueueControl implements QueueControl {

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;

    SpoolQueueControl(Delivery delivery, DeliveryScheduler scheduler) {
        this.delivery = delivery;
        this.scheduler = scheduler;
    }

    private <A> A able(Class<A> ability) {
        if (scheduler.isStopping()) {
            throw new IllegalStateException("engine: stopped (expected: running)");
        }
        Spool spool = delivery.spool;
        if (!ability.isInstance(spool)) {
            throw new IllegalStateException(
                    "spool: " + spool.getClass().getName() + " (expected: a " + ability.getSimpleName() + ")");
        }
        return ability.cast(spool);
    }

    @Override
    public void flush(MailDomain domain) {
        able(Spool.class);
        scheduler.flush(requireNonNull(domain, "domain"));
    }

    @Override
    public void flushAll() {
        able(Spool.class);
        scheduler.flushAll();
    }

    @Override
    public boolean flush(SpoolId id) throws SpoolException {
        return woken(able(ReschedulableSpool.class).reschedule(requireNonNull(id, "id"), delivery.runtime.now()));
    }

    @Override
    public boolean hold(SpoolId id) throws SpoolException {
        boolean held = able(HoldableSpool.class).hold(requireNonNull(id, "id"));
        delivery.heldMail.forget(id); // from now on an operator's, without an end
        return held;
    }

    @Override
    public boolean release(SpoolId id) throws SpoolException {
        boolean released = able(HoldableSpool.class).release(requireNonNull(id, "id"));
        delivery.heldMail.forget(id);
        return woken(released);
    }

    private boolean woken(boolean queued) {
        if (queued) {
            scheduler.relist();
        }
        return queued;
    }

    @Override
    public boolean delete(SpoolId id) throws SpoolException {
        boolean deleted = able(DeletableSpool.class).delete(requireNonNull(id, "id"));
        delivery.heldMail.forget(id);
        return deleted;
    }

    @Override
    public Optional<QueuedMessage> find(SpoolId id) throws SpoolException {
        return able(FindableSpool.class).find(requireNonNull(id, "id"));
    }

    @Override
    public List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException {
        return able(FindableSpool.class).find(requireNonNull(filter, "filter"), requireNonNull(after, "after"), limit);
    }
}
