package org.backupmx.spool;

import java.util.List;

/** A spool that leases in more than one order. Methods may block; thread-safe. */
public interface OrderedSpool {

    /**
     * Leases messages as {@link Spool#lease} does, in an order. First come those that are due since they were received, which
     * nobody has attempted or rescheduled, in the order; then the others, earliest due first. {@link LeaseOrder#OLDEST} is the
     * order of {@link Spool#lease}. With a million messages it
     * takes hardly longer than that of a few, but for the first time that an order is asked for in a lane.
     *
     * @param request which lane, how many, until when
     * @param order the order
     * @return at most {@link LeaseRequest#limit()} leases; empty if nothing is due
     * @throws SpoolException if the spool cannot be asked
     */
    List<SpoolLease> lease(LeaseRequest request, LeaseOrder order) throws SpoolException;
}
