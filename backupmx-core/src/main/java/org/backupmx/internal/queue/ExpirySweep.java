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

    private final LaneExpiry expiry;
    private final LeaseKeeper keeper;

    ExpirySweep(LaneExpiry expiry, LeaseKeeper keeper) {
        this.expiry = expiry;
        this.keeper = keeper;
    }

    /** Tells whether there may be something in a lane as it was listed last. */
    boolean isDue(@Nullable SpoolLane listed, Instant now) {
        return listed != null && expiry.mayBeOver(listed.oldest(), now);
    }

    /** Returns those of the leases that have expired; gives the others back, due when they would be tried again. */
    List<HeldLease> expired(List<SpoolLease> leases, Instant now) {
        List<HeldLease> expired = new ArrayList<>();
        for (SpoolLease lease : leases) {
            HeldLease held = keeper.hold(lease);
            if (expiry.decide(lease.message(), Math.max(1, lease.attempts()), now)
                    instanceof RetryDecision.RetryAt retry) {
                keeper.settle(held, Settlement.unused(now, retry.instant()));
            } else {
                expired.add(held);
            }
        }
        return expired;
    }
}
