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
    private boolean unwanted; // guarded by this: to be given back and not attempted
    private boolean madeDue; // guarded by this: due at once when it is given back

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

    /**
     * Tells whether the message is not to be attempted by us: another engine may have it, it was deleted, or an operator
     * does not want it attempted.
     */
    synchronized boolean isLost(Instant now) {
        return unwanted || isOver(now);
    }

    /** Tells whether the lease is not ours any more. */
    synchronized boolean isOver(Instant now) {
        return ended || !lease.until().isAfter(now);
    }

    /** An operator does not want it attempted; an attempt under way goes on. */
    synchronized void giveBack() {
        unwanted = true;
    }

    /** An operator wants it attempted again at once. */
    synchronized void makeDue() {
        madeDue = true;
    }

    synchronized boolean isMadeDue() {
        return madeDue;
    }

    /** Returns when the message is due if it is given back now. */
    synchronized Instant dueAfter(Instant now) {
        return madeDue && lease.due().isAfter(now) ? now : lease.due();
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
