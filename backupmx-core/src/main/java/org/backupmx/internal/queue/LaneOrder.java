package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.OrderedSpool;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/**
 * In which order the mail of one lane is leased for attempts: that of its domain, but oldest first while there is mail with a
 * day or less to live, or half of its lifetime if that is less. Owned by its lane's turn.
 */
final class LaneOrder {

    private static final Duration LAST = Duration.ofDays(1);

    private final Spool spool;
    private final DomainRoute route;
    private final LaneExpiry expiry;

    LaneOrder(Spool spool, DomainRoute route, LaneExpiry expiry) {
        this.spool = spool;
        this.route = route;
        this.expiry = expiry;
    }

    /** Tells whether mail goes in another order than that of its due instants. */
    boolean isOwn() {
        return route.drainOrder() != LeaseOrder.OLDEST;
    }

    /** Leases, from a lane as it was listed last. */
    List<SpoolLease> lease(LeaseRequest request, @Nullable SpoolLane listed) throws SpoolException {
        if (!isOwn() || !(spool instanceof OrderedSpool ordered)) {
            return spool.lease(request);
        }
        if (listed != null) {
            Optional<Instant> urgent = urgent(listed.oldest(), request.now());
            if (urgent.isPresent() && listed.held() == 0) {
                return spool.lease(request);
            }
            if (urgent.isPresent()) { // the oldest may be held, and hide nothing
                List<SpoolLease> waiting = spool.lease(dueBy(request, urgent.get()));
                if (!waiting.isEmpty()) {
                    return waiting;
                }
            }
        }
        return ordered.lease(request, route.drainOrder());
    }

    /** Returns when mail was received that has little time left, if the oldest is such. */
    private Optional<Instant> urgent(Instant oldest, Instant now) {
        return expiry.spent(oldest, now).flatMap(spent -> {
            Duration half = spent.lifetime().dividedBy(2);
            Duration little = half.compareTo(LAST) < 0 ? half : LAST;
            return spent.end().minus(little).isAfter(now)
                    ? Optional.empty()
                    : Optional.of(now.minus(spent.lifetime()).plus(little));
        });
    }

    private static LeaseRequest dueBy(LeaseRequest request, Instant latest) {
        Instant dueBy = latest.isBefore(request.dueBy()) ? latest : request.dueBy();
        return new LeaseRequest(request.domain(), request.now(), dueBy, request.until(), request.limit());
    }
}
