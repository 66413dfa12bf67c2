package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/**
 * A drain of a lane: everything in it is attempted once, whenever it is due. What was attempted since the drain began
 * and could not be relayed is leased again, for it stands in the lane like the rest; such leases are parked here until
 * they are due or the drain ends, so that they hide nothing behind them. Owned by its lane's turn.
 */
final class Drain {

    /** The most parked leases; more end the drain, and the rest of the lane goes by its due instants. */
    static final int MAX_PARKED = 5_000;

    private Instant since;
    private final PriorityQueue<HeldLease> parked = new PriorityQueue<>(
            Comparator.comparing((HeldLease held) -> held.lease().due()));

    private final List<HeldLease> last = new ArrayList<>();
    private boolean isLastTaken;

    Drain(Instant since) {
        this.since = since;
    }

    /** Attempts everything once more. */
    void beginAnew(Instant now, LeaseKeeper keeper) {
        since = now;
        end(keeper);
        isLastTaken = false;
    }

    /** Takes the time before each message: were the clock set back, what is attempted now would count as from before. */
    void notLaterThan(Instant now) {
        if (now.isBefore(since)) {
            since = now;
        }
    }

    /** Tells whether a lease is one of a message that this drain has attempted and that is not due again. */
    boolean hasAttempted(SpoolLease lease, Instant now) {
        Instant latest = now.plus(ClockSteps.LEAST); // what is later was by a clock that has been set back
        return lease.due().isAfter(now)
                && lease.recipients().stream()
                        .anyMatch(recipient -> recipient.state() instanceof RecipientState.Deferred deferred
                                && !deferred.at().isBefore(since)
                                && !deferred.at().isAfter(latest));
    }

    void park(HeldLease lease) {
        parked.add(lease);
    }

    /** Tells whether one more message can wait for all others to be attempted first. */
    boolean hasRoomForLast() {
        return !isLastTaken && last.size() < MAX_PARKED;
    }

    /** Keeps a message that the primary may have already until all others were attempted. */
    void parkLast(HeldLease lease) {
        last.add(lease);
    }

    boolean hasLast() {
        return !last.isEmpty();
    }

    /** Takes those that were kept till now; from now on none is kept. */
    List<HeldLease> takeLast() {
        List<HeldLease> taken = List.copyOf(last);
        last.clear();
        isLastTaken = true;
        return taken;
    }

    /** Tells whether nothing more should be parked: too much is, here or in all lanes together. */
    boolean isFull(LeaseKeeper keeper) {
        return parked.size() >= MAX_PARKED || (keeper.room() == 0 && !parked.isEmpty());
    }

    /** Takes a parked lease that has fallen due. */
    @Nullable
    HeldLease takeDue(Instant now) {
        HeldLease first = parked.peek();
        return first == null || first.lease().due().isAfter(now) ? null : parked.poll();
    }

    /** Takes those that an operator wants attempted at once. */
    List<HeldLease> takeMadeDue() {
        Set<HeldLease> taken = new LinkedHashSet<>();
        for (Collection<HeldLease> kept : List.of(parked, last)) {
            kept.stream().filter(HeldLease::isMadeDue).forEach(taken::add);
            kept.removeIf(taken::contains);
        }
        return List.copyOf(taken);
    }

    /** Gives every parked lease back. */
    void end(LeaseKeeper keeper) {
        takeLast().forEach(keeper::release);
        for (HeldLease lease = parked.poll(); lease != null; lease = parked.poll()) {
            keeper.release(lease);
        }
    }
}
