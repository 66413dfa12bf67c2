package org.backupmx.internal.queue;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.backupmx.mail.ForwardPath;
import org.backupmx.spool.SpoolLease;
import org.jspecify.annotations.Nullable;

/**
 * The messages that are tried one after the other while a primary's refusals are not believed: the oldest to recipients
 * known to be good, else those never tried; the first of them, and others from all over what was leased, for what came in
 * a row is often alike. No two are to the same recipient. Owned by its lane's turn.
 */
final class Canaries {

    /** The most at a time: with nobody known to be good, some of the queue have to be. */
    static final int MOST = 10;

    /** How many are leased to choose from. */
    static final int CHOICE = 1_000;

    private static final int OLDEST = 3;

    private final KnownRecipientMemory known;
    private final Deque<HeldLease> left = new ArrayDeque<>();

    Canaries(KnownRecipientMemory known) {
        this.known = known;
    }

    /** Takes leases to choose from; the others are given back. */
    void choose(List<SpoolLease> leases, LeaseKeeper keeper) {
        List<SpoolLease> ordered = leases.stream()
                .sorted(Comparator.comparing((SpoolLease lease) -> !isToKnown(lease))
                        .thenComparing(lease -> lease.attempts() > 0)
                        .thenComparing(lease -> lease.message().receivedAt()))
                .toList();
        int step = Math.max(1, (ordered.size() - OLDEST) / (MOST - OLDEST));
        Set<ForwardPath> chosen = new HashSet<>();
        for (int i = 0; i < ordered.size(); i++) {
            SpoolLease lease = ordered.get(i);
            HeldLease held = keeper.hold(lease);
            boolean isWanted = !RescueMark.isNext(lease) && (i < OLDEST || (i - OLDEST) % step == 0);
            if (isWanted && left.size() < MOST && chosen.add(firstRecipient(lease))) {
                left.add(held);
            } else {
                keeper.release(held);
            }
        }
    }

    /** Tells whether a message is for somebody whom the primary has taken mail for. */
    boolean isToKnown(SpoolLease lease) {
        return lease.recipients().stream()
                .anyMatch(recipient -> known.isKnown(recipient.recipient().path()));
    }

    private static ForwardPath firstRecipient(SpoolLease lease) {
        return lease.recipients().get(0).recipient().path();
    }

    boolean isEmpty() {
        return left.isEmpty();
    }

    @Nullable
    HeldLease poll() {
        return left.poll();
    }

    /** Gives all that are left back. */
    void release(LeaseKeeper keeper) {
        for (HeldLease lease = left.poll(); lease != null; lease = left.poll()) {
            keeper.release(lease);
        }
    }
}
