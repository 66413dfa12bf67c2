package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/**
 * The mail of one lane that is leased and waits for its attempt: which message is next, and whether there may be more in the
 * spool. Owned by its lane's turn, except that anybody may tell of a change.
 */
final class LaneMail {

    private static final int BATCH = 100;

    private final Delivery delivery;
    private final MailDomain domain;
    private final LanePrimary primary;
    private final Canaries canaries;
    private final LaneRescue rescue;
    private final LaneHours hours;
    private final LaneOrder order;
    private final RecipientShares shares = new RecipientShares();
    private final AtomicBoolean changed = new AtomicBoolean(true); // there may be something new to lease

    private final AtomicReference<Instant> flushed =
            new AtomicReference<>(Instant.MIN); // what is due by then goes first

    private final Deque<HeldLease> pending = new ArrayDeque<>();
    private @Nullable Drain drain;
    private Instant nextDue = Instant.MIN;

    LaneMail(
            Delivery delivery,
            MailDomain domain,
            LanePrimary primary,
            Canaries canaries,
            LaneRescue rescue,
            LaneHours hours,
            LaneOrder order) {
        this.delivery = delivery;
        this.domain = domain;
        this.primary = primary;
        this.canaries = canaries;
        this.rescue = rescue;
        this.hours = hours;
        this.order = order;
    }

    /** Something in the lane may be new, or due at another time. */
    void changed() {
        changed.set(true);
    }

    /** Something in the lane may be due at another time; by {@code due} only what is to go before all the rest. */
    void flushed(Instant due) {
        flushed.accumulateAndGet(due, (one, other) -> one.isAfter(other) ? one : other);
        changed();
    }

    /** Tells whether something has changed since it was looked at last. */
    boolean hasChanged() {
        return changed.get();
    }

    /** Begins a drain; one that is under way goes on, or begins anew if everything is to be attempted once more. */
    void drain(Instant now, boolean isAnew) {
        if (drain == null) {
            drain = new Drain(now);
        } else if (isAnew) {
            drain.beginAnew(now, delivery.keeper);
        }
    }

    boolean isDraining() {
        return drain != null;
    }

    /** Returns when more falls due, as of the last look; {@link Instant#MAX} if nothing is left. */
    Instant nextDue() {
        return nextDue;
    }

    /** Returns how many messages wait. */
    int waiting() {
        return pending.size();
    }

    /** Takes a message that cannot be attempted yet; it goes behind the others. */
    void postpone(HeldLease held) {
        pending.addLast(held);
    }

    /** Takes a message that is still the next. */
    void putBack(HeldLease held) {
        pending.addFirst(held);
    }

    /** Takes all that waits or is due, to be ended and not attempted. */
    List<HeldLease> takeDue(Instant now) throws SpoolException {
        changed.set(false);
        List<HeldLease> due = new ArrayList<>(pending);
        pending.clear();
        for (SpoolLease lease : lease(now)) {
            due.add(delivery.keeper.hold(lease));
        }
        if (due.isEmpty()) {
            nextDue = delivery.spool.nextDue(domain).orElse(Instant.MAX);
        }
        return due;
    }

    /** Returns the next message to attempt, leased; null if there is none now. */
    @Nullable
    HeldLease next(Instant now, @Nullable SpoolLane listed) throws SpoolException {
        if (drain != null) {
            drain.notLaterThan(now);
        }
        takeFlushed(now);
        HeldLease again = takeParked(now);
        while (again != null && RescueMark.isNext(again.lease())) {
            rescue.take(again, now);
            again = takeParked(now);
        }
        HeldLease next = again != null ? again : poll();
        while (next == null || next.isLost(now)) {
            if (next != null) {
                delivery.keeper.release(next);
            } else if (!leaseMore(now, listed)) {
                return null;
            }
            next = poll();
        }
        return next;
    }

    /**
     * Puts what an operator wants attempted before the rest, whether it is leased already or not. What finds no room here is
     * due before the rest, and so in the next batches.
     */
    private void takeFlushed(Instant now) throws SpoolException {
        Instant due = flushed.getAndSet(Instant.MIN);
        if (due.equals(Instant.MIN)) {
            return;
        }
        Deque<HeldLease> first = new ArrayDeque<>();
        for (SpoolLease lease : leaseFlushed(now, due)) {
            HeldLease held = delivery.keeper.hold(lease);
            if (RescueMark.isNext(lease)) {
                rescue.take(held, now);
            } else {
                first.add(held);
            }
        }
        pending.stream().filter(HeldLease::isMadeDue).forEach(first::add);
        pending.removeIf(first::contains);
        if (drain != null) {
            first.addAll(drain.takeMadeDue());
        }
        first.descendingIterator().forEachRemaining(pending::addFirst);
    }

    private List<SpoolLease> leaseFlushed(Instant now, Instant due) throws SpoolException {
        int room = 2 * BATCH - pending.size();
        boolean isAsked = false;
        try {
            List<SpoolLease> leases = room > 0 ? lease(now, due, Math.min(room, BATCH)) : List.of();
            isAsked = true;
            return leases;
        } finally {
            if (!isAsked) {
                flushed(due);
            }
        }
    }

    private @Nullable HeldLease takeParked(Instant now) {
        return drain == null ? null : drain.takeDue(now);
    }

    /** The next of the leased messages; as long as the primary has to prove itself, to somebody it has taken mail for. */
    private @Nullable HeldLease poll() {
        if (primary.isTrying()) {
            for (HeldLease candidate : pending) {
                if (canaries.isToKnown(candidate.lease())) {
                    pending.remove(candidate);
                    return candidate;
                }
            }
        }
        return pending.poll();
    }

    /** Leases more; returns false if there is nothing to attempt now. */
    private boolean leaseMore(Instant now, @Nullable SpoolLane listed) throws SpoolException {
        boolean mayHave = changed.getAndSet(false) || drain != null || !nextDue.isAfter(now);
        if (!mayHave) {
            return false;
        }
        List<SpoolLease> leases = order.lease(request(now, drain == null ? now : Instant.MAX, BATCH), listed);
        for (SpoolLease lease : leases) {
            take(lease, now);
        }
        if (drain == null) {
            // what was known is past: what the batch left behind is due at once, what is deferred perhaps soon
            nextDue = delivery.spool.nextDue(domain).orElse(Instant.MAX);
            return !leases.isEmpty();
        }
        if (leases.isEmpty() && drain.hasLast()) {
            pending.addAll(drain.takeLast());
        } else if (leases.isEmpty() || drain.isFull(delivery.keeper)) {
            endDrain();
        }
        return true;
    }

    /** Leases what is due, earliest due first, for another purpose than the next attempt. */
    List<SpoolLease> lease(Instant now) throws SpoolException {
        return lease(now, now, BATCH);
    }

    /** Leases what is due by then, earliest due first, for another purpose than the next attempt. */
    List<SpoolLease> lease(Instant now, Instant dueBy, int most) throws SpoolException {
        return delivery.spool.lease(request(now, dueBy, most));
    }

    private LeaseRequest request(Instant now, Instant dueBy, int most) {
        int limit = Math.max(1, Math.min(most, delivery.keeper.room()));
        return new LeaseRequest(domain, now, dueBy, now.plus(Delivery.LEASE), limit);
    }

    private void take(SpoolLease lease, Instant now) {
        HeldLease held = delivery.keeper.hold(lease);
        boolean isRescue = RescueMark.isNext(lease);
        if (drain != null
                && (drain.hasAttempted(lease, now) || isRescue && lease.due().isAfter(now))) {
            drain.park(held);
        } else if (isRescue) {
            rescue.take(held, now);
        } else if (drain != null && UnknownOutcomes.has(lease) && drain.hasRoomForLast()) {
            drain.parkLast(held);
        } else if (shares.isOver(lease, order.isOwn(), now)) {
            delivery.keeper.settle(held, Settlement.unused(now, now.plusMillis(1)));
        } else {
            pending.add(held);
        }
    }

    private void endDrain() {
        if (drain != null) {
            drain.end(delivery.keeper);
            drain = null;
            hours.drainEnded();
            changed.set(true);
        }
    }

    /** Gives all back. */
    void release() {
        if (!pending.isEmpty()) {
            changed.set(true);
        }
        for (HeldLease lease = pending.poll(); lease != null; lease = pending.poll()) {
            delivery.keeper.release(lease);
        }
        endDrain();
    }
}
