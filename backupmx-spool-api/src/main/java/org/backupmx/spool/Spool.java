package org.backupmx.spool;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;

/**
 * Durable storage of accepted mail until each recipient's outcome is final.
 *
 * <p>A message stands in one <em>lane</em> for each destination domain of its recipients; its mail data is stored once.
 * Delivery leases messages lane by lane, attempts them, and settles. When every recipient is final the message is gone.
 *
 * <p>All methods may block, except {@link #health()}, {@link SpoolWriter#commit()}'s stage, and what
 * {@link #nonBlockingBytes()} promises. All are thread-safe. A spool is open when its user gets it and accepts calls
 * until {@link #close()}; later calls throw {@link SpoolUnavailableException}. The spool knows no clock: every instant
 * comes from the caller.
 */
public interface Spool extends ReadableSpool, AutoCloseable {

    /**
     * Begins to store a message. Nothing of it is visible before its commit.
     *
     * @param envelope the envelope
     * @param receivedAt when the message was received; also its first due instant in each lane
     * @return the writer of its mail data, which the caller closes
     * @throws SpoolFullException if there is no room
     * @throws SpoolUnavailableException if the spool cannot store now
     * @throws SpoolException if storing failed otherwise
     */
    SpoolWriter begin(Envelope envelope, Instant receivedAt) throws SpoolException;

    /**
     * Returns the size of mail data up to which {@link #begin}, {@link SpoolWriter#write},
     * {@link SpoolWriter#commit()} and {@link SpoolWriter#close()} never block, so that an event loop may call them.
     *
     * @return the size in bytes; 0, the default, if they may always block
     */
    default int nonBlockingBytes() {
        return 0;
    }

    /**
     * Returns the lanes that hold queued messages, one entry a destination domain.
     *
     * @return a snapshot, in no order
     * @throws SpoolException if the spool cannot be read
     */
    List<SpoolLane> lanes() throws SpoolException;

    /**
     * Returns when the next message of a lane can be leased: the earliest of each message's due instant, or of its
     * lease's end where that is later. Held messages do not count.
     *
     * @param domain the lane
     * @return the instant, perhaps in the past; empty if the lane has nothing to lease
     * @throws SpoolException if the spool cannot be read
     */
    Optional<Instant> nextDue(MailDomain domain) throws SpoolException;

    /**
     * Leases messages of one lane for an attempt. No message is leased twice at the same time in one lane, whoever
     * shares the spool; a lease that ended is as if it had never been.
     *
     * @param request which lane, how many, until when
     * @return at most {@link LeaseRequest#limit()} leases, earliest due first; empty if nothing is due
     * @throws SpoolException if the spool cannot be asked
     */
    List<SpoolLease> lease(LeaseRequest request) throws SpoolException;

    /**
     * Moves the end of a lease.
     *
     * @param lease a lease that has not ended and is not settled
     * @param now the caller's time
     * @param until the new end, after {@code now}
     * @return the lease with its new end; the old one may no longer be used
     * @throws SpoolLeaseLostException if the lease has ended, is settled, or its message was deleted
     * @throws SpoolException if the spool cannot be asked
     */
    SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolException;

    /**
     * Ends a lease with the outcomes of its attempt. They may become durable a moment later: after a crash an attempt
     * may be repeated, and nothing else.
     *
     * @param lease a lease that has not ended at {@link Settlement#at()}
     * @param settlement the outcomes
     * @throws SpoolLeaseLostException if the lease has ended, is settled, or its message was deleted; nothing changes
     * @throws IllegalArgumentException if the settlement names a recipient that the lease does not hold
     * @throws SpoolException if the spool cannot be asked
     */
    void settle(SpoolLease lease, Settlement settlement) throws SpoolException;

    /**
     * Tells whether the spool takes new messages now. Never blocks and does no I/O.
     *
     * @return accepting, or refusing with the reason
     */
    SpoolHealth health();

    /**
     * Closes the spool: abandons open writers, completes commits under way, makes settled outcomes durable, gives up
     * leases, releases everything it opened. A second call does nothing.
     *
     * @throws SpoolException if something could not be made durable or released
     */
    @Override
    void close() throws SpoolException;
}
