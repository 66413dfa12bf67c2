package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.queue.QueueOrder;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;

/**
 * Messages that an operator deleted and can have back for a while: they stay in the spool, held. Thread-safe; methods
 * block.
 */
final class RecycleArea {

    /** Begins the detail of a message that was held when it was deleted: it is held when it comes back. */
    private static final String WAS_HELD = "held; ";

    private final Spool spool;
    private final HeldMail held;
    private final Duration keep;

    /**
     * Makes the area.
     *
     * @param keep for how long messages are kept; zero: not at all
     */
    RecycleArea(Spool spool, HeldMail held, Duration keep) {
        this.spool = spool;
        this.held = held;
        this.keep = keep;
    }

    /** Tells which abilities of the spool deleting needs. */
    List<Class<?>> needed() {
        return keep.isZero()
                ? List.of(DeletableSpool.class)
                : List.of(DeletableSpool.class, HoldableSpool.class, FindableSpool.class);
    }

    /** Takes a message in; false if it is not queued, or here already. */
    boolean put(SpoolId id, QueueOrder order) throws SpoolException {
        if (keep.isZero()) {
            return deleteForGood(id);
        }
        Optional<HeldMail.Entry> entry = held.find(id);
        Optional<QueuedMessage> message = ((FindableSpool) spool).find(id);
        if (message.isEmpty() || isRecycled(entry)) {
            return false;
        }
        if (entry.isEmpty() && held.isFull()) {
            throw new SpoolFullException("recycle area: full, " + held.most()
                    + " messages are held by the engine (expected: delete some for good, or restore some)");
        }
        String detail = (message.get().held() ? WAS_HELD : "") + "by " + order.by()
                + (order.reason().isEmpty() ? "" : ": " + order.reason());
        return held.hold(message.get().message(), HeldMail.Reason.RECYCLED, keep, detail);
    }

    /** Gives a message back to where it was; one that the engine had held comes back held by an operator. */
    boolean restore(SpoolId id) throws SpoolException {
        Optional<HeldMail.Entry> entry = held.find(id);
        if (!isRecycled(entry)) {
            return false;
        }
        return entry.get().detail().startsWith(WAS_HELD) ? held.forget(id) : held.release(id);
    }

    /** Deletes a message, wherever it stands. */
    boolean deleteForGood(SpoolId id) throws SpoolException {
        boolean deleted = ((DeletableSpool) spool).delete(id);
        held.forget(id);
        return deleted;
    }

    private static boolean isRecycled(Optional<HeldMail.Entry> entry) {
        return entry.filter(one -> one.reason() == HeldMail.Reason.RECYCLED).isPresent();
    }

    /** Returns lanes without what is recycled in them. */
    List<SpoolLane> counted(List<SpoolLane> lanes) throws SpoolException {
        held.places().locate();
        List<SpoolLane> counted = new ArrayList<>(lanes.size());
        for (SpoolLane lane : lanes) {
            HeldPlaces.Sum recycled = held.places().sum(lane.domain(), HeldMail.Reason.RECYCLED);
            // an attempt that was under way may have ended since
            long gone = Math.min(recycled.messages(), lane.held());
            if (lane.queued() > gone) {
                counted.add(new SpoolLane(
                        lane.domain(),
                        lane.queued() - gone,
                        lane.held() - gone,
                        Math.max(0, lane.bytes() - recycled.bytes()),
                        lane.oldest()));
            }
        }
        return counted;
    }
}
