package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.SpoolLease;

/**
 * Keeps the many messages to one recipient from standing before everybody else's: in a round, which is all that stood in
 * the lane when it began, each recipient gets so many messages and the rest goes behind. The next round allows more, so
 * that the last of a hundred thousand is put back a few times only; where a single recipient has mail, nothing is put back
 * after the first round. Owned by its lane's turn.
 */
final class RecipientShares {

    /** What a recipient gets in the first round. */
    static final int FIRST = 50;

    /** The most recipients that are counted in a round; further ones are not held back. */
    static final int MOST_COUNTED = 10_000;

    private static final int GROWTH = 4;
    private static final int UNBOUNDED = 1 << 30;

    private final Map<Mailbox, Integer> counts = new HashMap<>();
    private Instant roundBegan = Instant.MIN;
    private int share = FIRST;
    private boolean hasPutBack;

    /**
     * Tells whether a message that was leased goes behind; its new due instant has to be after {@code now}.
     *
     * @param isReordered whether messages that wait for their first attempt come before all others: then only a message
     *     that was put back tells that the round is over
     */
    boolean isOver(SpoolLease lease, boolean isReordered, Instant now) {
        boolean isFirst = isReordered && lease.due().equals(lease.message().receivedAt());
        if (!isFirst && lease.due().isAfter(roundBegan)) {
            begin(now);
        }
        Mailbox recipient = lease.recipients().get(0).recipient().path().mailbox();
        if (counts.size() == MOST_COUNTED && !counts.containsKey(recipient)) {
            return false;
        }
        boolean isOver = counts.merge(recipient, 1, Integer::sum) > share;
        hasPutBack |= isOver;
        return isOver;
    }

    private void begin(Instant now) {
        if (!hasPutBack) {
            share = FIRST;
        } else if (counts.size() == 1) {
            share = UNBOUNDED;
        } else {
            share = Math.min(share * GROWTH, UNBOUNDED);
        }
        hasPutBack = false;
        counts.clear();
        roundBegan = now;
    }
}
