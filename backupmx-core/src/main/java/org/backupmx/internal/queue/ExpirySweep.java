package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.retry.RetryDecision;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/**
 * Looks for what is past its give-up time in a lane that attempts nothing; and for what has become late, where there are
 * senders who may be told. Owned by its lane's turn.
 */
final class ExpirySweep {

    /**
     * What was found.
     *
     * @param expired messages whose time has passed
     * @param late messages that are late and whose senders want to know, with when they are due again
     * @param rescued messages that are to go to the rescue hosts
     */
    record Found(List<HeldLease> expired, Map<HeldLease, Instant> late, List<HeldLease> rescued) {}

    /** When what is over its time is looked at again that does not expire yet. */
    private static final Duration LATER = Duration.ofHours(1);

    private final LaneExpiry expiry;
    private final LeaseKeeper keeper;
    private final boolean tellsSenders;

    /**
     * Makes a sweep.
     *
     * @param tellsSenders whether senders can be verified at all
     */
    ExpirySweep(LaneExpiry expiry, LeaseKeeper keeper, boolean tellsSenders) {
        this.expiry = expiry;
        this.keeper = keeper;
        this.tellsSenders = tellsSenders;
    }

    /** Tells whether there may be something in a lane as it was listed last. */
    boolean isDue(@Nullable SpoolLane listed, Instant now) {
        return listed != null
                && (expiry.mayBeOver(listed.oldest(), now)
                        || (tellsSenders && !now.isBefore(listed.oldest().plus(Courtesies.LATE))));
    }

    /**
     * Returns what there is in leases; gives the others back, due when they would be tried again.
     *
     * @param expires whether messages may expire without another attempt now
     */
    Found look(List<SpoolLease> leases, Instant now, boolean expires) {
        Found found = new Found(new ArrayList<>(), new LinkedHashMap<>(), new ArrayList<>());
        for (SpoolLease lease : leases) {
            HeldLease held = keeper.hold(lease);
            if (RescueMark.isNext(lease)) {
                found.rescued().add(held);
                continue;
            }
            RetryDecision decision = expiry.decide(lease.message(), Math.max(1, lease.attempts()), now);
            Instant next = decision instanceof RetryDecision.RetryAt retry ? retry.instant() : now.plus(LATER);
            if (expires && decision instanceof RetryDecision.GiveUp) {
                found.expired().add(held);
            } else if (tellsSenders && Courtesies.becameLate(lease, now)) {
                found.late().put(held, next);
            } else {
                keeper.settle(held, Settlement.unused(now, next));
            }
        }
        return found;
    }
}
