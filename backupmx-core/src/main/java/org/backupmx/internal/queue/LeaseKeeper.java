package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Renews the leases that are held, however long their attempts take. Thread-safe. */
final class LeaseKeeper {

    private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);

    /** The most leases at a time, about {@value}: each is an envelope in memory and a renewal from time to time. */
    static final int MOST = 10_000;

    private static final Duration BEAT = Delivery.LEASE.dividedBy(4);

    private final Spool spool;
    private final EngineRuntime runtime;
    private final ClockGains gains;
    private final Set<HeldLease> held = ConcurrentHashMap.newKeySet();

    private Duration gained = Duration.ZERO; // guarded by this: what the leases were renewed for

    LeaseKeeper(Spool spool, EngineRuntime runtime, ClockGains gains) {
        this.spool = spool;
        this.runtime = runtime;
        this.gains = gains;
    }

    void start() {
        runtime.repeat(BEAT, this::renewAll);
    }

    /**
     * Renews all leases if the clock was set forward, which ended them before their time. To be called before the spool is asked
     * for leases: else it gives what is under way to us once more.
     */
    synchronized void keepPace() {
        Duration total = gains.total();
        if (total.equals(gained)) {
            return;
        }
        Instant now = runtime.now();
        Instant asOf = now.minus(total.minus(gained)); // by the clock that they were leased by
        gained = total;
        renewAll(asOf, Instant.MAX, now.plus(Delivery.LEASE));
    }

    HeldLease hold(SpoolLease lease) {
        HeldLease holder = new HeldLease(spool, lease);
        held.add(holder);
        return holder;
    }

    /** Returns how many leases may still be taken; all lanes together hold {@link #MOST}, or a few more. */
    int room() {
        return Math.max(0, MOST - held.size());
    }

    /** Settles a held lease; a failure is logged and costs a repeated attempt at most. */
    boolean settle(HeldLease lease, Settlement settlement) {
        keepPace();
        held.remove(lease);
        try {
            lease.settle(settlement);
            return true;
        } catch (SpoolException | RuntimeException e) {
            LOG.atWarn()
                    .setCause(e)
                    .addKeyValue("spoolId", lease.id())
                    .log("outcome not recorded, the attempt may be repeated");
            return false;
        }
    }

    /** Gives a lease back that was not used, or lets it go if it is lost. */
    void release(HeldLease lease) {
        keepPace();
        Instant now = runtime.now();
        if (lease.isOver(now)) {
            held.remove(lease);
            return;
        }
        settle(lease, Settlement.unused(now, lease.dueAfter(now)));
    }

    /** Has leases of some messages given back before they are attempted. */
    void giveBack(Set<SpoolId> ids) {
        held.stream().filter(lease -> ids.contains(lease.id())).forEach(HeldLease::giveBack);
    }

    /** Has some messages due at once when leases of them are given back. */
    void makeDue(Set<SpoolId> ids) {
        held.stream().filter(lease -> ids.contains(lease.id())).forEach(HeldLease::makeDue);
    }

    /** Tells whether there is a lease of a message, attempted or not. */
    boolean hasLease(SpoolId id) {
        return held.stream().anyMatch(lease -> lease.id().equals(id));
    }

    private void renewAll() {
        keepPace();
        Instant now = runtime.now();
        // half a lease left means: this beat or the next has to renew it
        renewAll(now, now.plus(BEAT.multipliedBy(3)), now.plus(Delivery.LEASE));
    }

    private void renewAll(Instant now, Instant ifBefore, Instant until) {
        held.removeIf(lease -> isLost(lease, now, ifBefore, until));
    }

    /** Renews a lease; tells whether that found it lost. */
    private static boolean isLost(HeldLease lease, Instant now, Instant ifBefore, Instant until) {
        try {
            lease.renew(now, ifBefore, until);
        } catch (SpoolLeaseLostException e) {
            LOG.atWarn().setCause(e).addKeyValue("spoolId", lease.id()).log("lease lost");
            return true;
        } catch (SpoolException | RuntimeException e) {
            LOG.atWarn().setCause(e).addKeyValue("spoolId", lease.id()).log("lease not renewed");
        }
        return false;
    }
}
