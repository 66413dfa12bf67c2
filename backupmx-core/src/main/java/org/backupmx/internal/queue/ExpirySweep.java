package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.retry.RetryDecision;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/** Looks for what is past its give-up time in a lane that attempts nothing. Owned by its lane's turn. */
final class ExpirySweep {

    private final DomainRoute route;
    private final LeaseKeeper keeper;

    ExpirySweep(DomainRoute route, LeaseKeeper keeper) {
        this.route = route;
        this.keeper = keeper;
    }

    /** Tells whether there may be something in a lane as it was listed last. */
    boolean isDue(@Nullable SpoolLane listed, Instant now) {
        return listed != null && decide(1, listed.oldest(), now) instanceof RetryDecision.GiveUp;
    }

    /** Returns those of the leases that have expired; gives the others back, due when they would be tried again. */
    List<HeldLease> expired(List<SpoolLease> leases, Instant now) {
        List<HeldLease> expired = new ArrayList<>();
        for (SpoolLease lease : leases) {
            HeldLease held = keeper.hold(lease);
            if (decide(Math.max(1, lease.attempts()), lease.message().receivedAt(), now)
                    instanceof RetryDecision.RetryAt retry) {
                keeper.settle(held, Settlement.unused(now, retry.instant()));
            } else {
                expired.add(held);
            }
        }
        return expired;
    }

    private RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        return route.retryPolicy().decide(attempts, receivedAt, now);
    }
}
