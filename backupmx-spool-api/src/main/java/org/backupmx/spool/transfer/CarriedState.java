package org.backupmx.spool.transfer;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.ReschedulableSpool;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;

/**
 * Gives a message that was just committed the attempts, replies, due instants and hold that it had elsewhere. The SPI
 * has no call for that, so it is done as delivery would: the message is made due before every other one, leased and
 * settled. Whoever else leases it meanwhile wins, and it then goes on as new mail does.
 */
final class CarriedState {

    /** The most attempts that are carried over: each costs a settlement. */
    static final int MAX_ATTEMPTS = 10_000;

    private static final Instant FIRST = Instant.EPOCH;
    private static final Duration LEASE = Duration.ofMinutes(10);

    private final Spool spool;

    CarriedState(Spool spool) {
        this.spool = spool;
    }

    /**
     * Makes a queued message what it was elsewhere.
     *
     * @param id the message
     * @param is what it is
     * @param was what it was; the same envelope
     */
    void carry(SpoolId id, QueuedMessage is, QueuedMessage was) throws SpoolException {
        if (spool instanceof ReschedulableSpool reschedulable
                && !is.held()
                && !is.lanes().equals(was.lanes())
                && reschedulable.reschedule(id, FIRST)) {
            for (MessageLane lane : was.lanes()) {
                carry(id, attempts(is, lane), lane, was.message().receivedAt());
            }
        }
        if (was.held() && spool instanceof HoldableSpool holdable) {
            holdable.hold(id);
        }
    }

    private static int attempts(QueuedMessage message, MessageLane lane) {
        return message.lanes().stream()
                .filter(one -> one.domain().equals(lane.domain()))
                .mapToInt(MessageLane::attempts)
                .findAny()
                .orElse(0);
    }

    private void carry(SpoolId id, int attempts, MessageLane lane, Instant now) throws SpoolException {
        int missing = Math.max(0, Math.min(lane.attempts(), MAX_ATTEMPTS) - attempts);
        for (; missing > 1; missing--) {
            if (!settle(id, lane, new Settlement(now, Map.of(), FIRST, true))) {
                return;
            }
        }
        Map<Integer, RecipientState> states = new HashMap<>();
        for (QueuedRecipient recipient : lane.recipients()) {
            if (recipient.state() instanceof RecipientState.Deferred deferred) {
                states.put(recipient.index(), deferred);
            }
        }
        settle(id, lane, new Settlement(now, states, lane.due(), missing == 1));
    }

    /** Leases the message, which is due before all others, and settles it; false if another one has it. */
    private boolean settle(SpoolId id, MessageLane lane, Settlement settlement) throws SpoolException {
        Instant now = settlement.at();
        List<SpoolLease> leases = spool.lease(new LeaseRequest(lane.domain(), now, FIRST, now.plus(LEASE), 1));
        for (SpoolLease lease : leases) {
            boolean ours = lease.id().equals(id);
            try {
                spool.settle(lease, ours ? settlement : Settlement.unused(now, lease.due()));
            } catch (SpoolLeaseLostException e) {
                return false;
            }
            return ours;
        }
        return false;
    }
}
