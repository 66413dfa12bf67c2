package org.backupmx.internal.queue;

import java.time.Instant;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;

/** A lease of ours as renewals change it, until it is settled or lost. Thread-safe. */
final class HeldLease {

    private final Spool spool;
    private SpoolLease lease; // guarded by this
    private boolean ended; // guarded by this

    HeldLease(Spool spool, SpoolLease lease) {
        this.spool = spool;
        this.lease = lease;
    }

    /** Returns the lease; message, recipients, attempts and due instant never change. */
    synchronized SpoolLease lease() {
        return lease;
    }

    SpoolId id() {
        return lease().id();
    }

    /** Tells whether the message is not ours any more: another engine may have it, or it was deleted. */
    synchronized boolean isLost(Instant now) {
        return ended || !lease.until().isAfter(now);
    }

    /** Renews the lease if it would end before {@code ifBefore}. */
    synchronized void renew(Instant now, Instant ifBefore, Instant until) throws SpoolException {
        if (!ended && lease.until().isBefore(ifBefore)) {
            try {
                lease = spool.renew(lease, now, until);
            } catch (SpoolLeaseLostException e) {
                ended = true;
                throw e;
            }
        }
    }

    /** Settles the lease; it is over then, even if that failed. */
    synchronized void settle(Settlement settlement) throws SpoolException {
        ended = true;
        spool.settle(lease, settlement);
    }
}
