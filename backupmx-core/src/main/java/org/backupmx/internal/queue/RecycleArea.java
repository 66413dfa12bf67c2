package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.QueueOrder;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.MessageLane;
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

    /** Where a recycled message stands, so that it need not be counted: bounded by the entries. */
    private final Map<SpoolId, Weight> weights = new ConcurrentHashMap<>();

    private record Weight(List<MailDomain> domains, long bytes) {}

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
            throw new SpoolFullException("recycle area: full, " + HeldMail.MOST
                    + " messages are held by the engine (expected: delete some for good, or restore some)");
        }
        String detail = (message.get().held() ? WAS_HELD : "") + "by " + order.by()
                + (order.reason().isEmpty() ? "" : ": " + order.reason());
        boolean put = held.hold(id, HeldMail.Reason.RECYCLED, keep, detail);
        if (put) {
            weights.put(id, weight(message.get()));
        }
        return put;
    }

    /** Gives a message back to where it was; one that the engine had held comes back held by an operator. */
    boolean restore(SpoolId id) throws SpoolException {
        Optional<HeldMail.Entry> entry = held.find(id);
        if (!isRecycled(entry)) {
            return false;
        }
        weights.remove(id);
        return entry.get().detail().startsWith(WAS_HELD) ? held.forget(id) : held.release(id);
    }

    /** Deletes a message, wherever it stands. */
    boolean deleteForGood(SpoolId id) throws SpoolException {
        boolean deleted = ((DeletableSpool) spool).delete(id);
        held.forget(id);
        weights.remove(id);
        return deleted;
    }

    private static boolean isRecycled(Optional<HeldMail.Entry> entry) {
        return entry.filter(one -> one.reason() == HeldMail.Reason.RECYCLED).isPresent();
    }

    private static Weight weight(QueuedMessage message) {
        return new Weight(
                message.lanes().stream().map(MessageLane::domain).toList(),
                message.message().sizeBytes());
    }

    /** Returns lanes without what is recycled in them. */
    List<SpoolLane> counted(List<SpoolLane> lanes) throws SpoolException {
        Map<MailDomain, long[]> recycled = recycled();
        if (recycled.isEmpty()) {
            return lanes;
        }
        List<SpoolLane> counted = new ArrayList<>();
        for (SpoolLane lane : lanes) {
            long[] less = recycled.getOrDefault(lane.domain(), new long[2]);
            // an attempt that was under way may have ended since
            long gone = Math.min(less[0], lane.held());
            if (lane.queued() > gone) {
                counted.add(new SpoolLane(
                        lane.domain(),
                        lane.queued() - gone,
                        lane.held() - gone,
                        Math.max(0, lane.bytes() - less[1]),
                        lane.oldest()));
            }
        }
        return counted;
    }

    /** Returns number and size of recycled messages by lane. */
    private Map<MailDomain, long[]> recycled() throws SpoolException {
        List<HeldMail.Entry> entries =
                held.entries(Optional.of(HeldMail.Reason.RECYCLED), Optional.empty(), HeldMail.MOST);
        Map<MailDomain, long[]> sums = new HashMap<>();
        for (HeldMail.Entry entry : entries) {
            Weight weight = weights.get(entry.id());
            if (weight == null && spool instanceof FindableSpool findable) {
                Optional<Weight> found =
                        findable.find(entry.id()).filter(QueuedMessage::held).map(RecycleArea::weight);
                if (found.isPresent()) {
                    weight = found.get();
                    weights.put(entry.id(), weight);
                }
            }
            if (weight != null) {
                for (MailDomain domain : weight.domains()) {
                    long[] sum = sums.computeIfAbsent(domain, name -> new long[2]);
                    sum[0]++;
                    sum[1] += weight.bytes();
                }
            }
        }
        if (weights.size() > entries.size()) {
            Set<SpoolId> known = entries.stream().map(HeldMail.Entry::id).collect(Collectors.toSet());
            weights.keySet().retainAll(known);
        }
        return sums;
    }
}
