package org.backupmx.spool.file;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.file.Lane.Lease;
import org.jspecify.annotations.Nullable;

/** Leases of the index's messages, what becomes of them, and when they are due. Thread-safe. */
final class Deliveries {

    /** Takes records that may become durable a moment later, in order; never blocks. */
    @FunctionalInterface
    interface Journal {
        void lazily(CommitItem item);
    }

    /**
     * One lane of one message, where the message is, and where the lane's state is: a place, the state itself while it is
     * not on disk, or nowhere before the first attempt.
     */
    record Place(
            long id,
            MailDomain domain,
            int ordinal,
            Instant due,
            @Nullable Extent head,
            @Nullable Extent state,
            @Nullable LaneState unwritten) {}

    /** A lease whose message is still to be read. */
    record Ticket(Place place, long token) {}

    private static final int DUES_PER_RECORD = 4096;

    private final SpoolIndex index;
    private final Journal journal;
    private long nextToken;

    Deliveries(SpoolIndex index, Journal journal, long session) {
        this.index = index;
        this.journal = journal;
        this.nextToken = session << Ids.COUNTER_BITS;
    }

    List<Ticket> lease(LeaseRequest request, LeaseOrder order) {
        synchronized (index) {
            List<Ticket> tickets = new ArrayList<>();
            Lane lane = index.lanes.find(request.domain());
            if (lane == null) {
                return tickets;
            }
            while (!lane.leased.isEmpty() && !lane.leased.first().until().isAfter(request.now())) {
                int entry = lane.leased.first().entry();
                index.endLease(entry);
                index.place(entry);
            }
            for (int entry : lane.take(order, Micros.of(request.dueBy()), request.limit())) {
                long token = open(lane, entry, request.until(), false);
                tickets.add(new Ticket(place(index, entry), token));
            }
            return tickets;
        }
    }

    private long open(Lane lane, int entry, Instant until, boolean reset) {
        Lease lease = new Lease(entry, nextToken++, until, reset);
        index.leases.put(entry, lease);
        lane.leased.add(lease);
        return lease.token();
    }

    static Place place(SpoolIndex index, int entry) {
        StateItem unwritten = index.unwritten.get(entry);
        int row = index.entries.message.get(entry);
        return new Place(
                index.messages.id.get(row),
                index.lanes.get(index.entries.lane.get(entry)).domain,
                index.entries.ordinal(entry),
                Micros.instant(index.entries.due.get(entry)),
                index.messages.head(row),
                index.entries.record(entry),
                unwritten == null ? null : unwritten.state());
    }

    /** Takes a lease back as if it had never been given. */
    void giveUp(Ticket ticket) {
        synchronized (index) {
            int entry = leasedEntry(ticket.place().id(), ticket.place().domain(), ticket.token());
            if (entry >= 0) {
                index.endLease(entry);
                index.place(entry);
            }
        }
    }

    SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolLeaseLostException {
        synchronized (index) {
            int entry = leasedEntry(lease, now);
            boolean reset = isReset(entry);
            index.endLease(entry);
            long token = open(index.lanes.get(index.entries.lane.get(entry)), entry, until, reset);
            return lease.renewed(until, token);
        }
    }

    /** Returns the entry of a lease that has not ended. */
    private int leasedEntry(SpoolLease lease, Instant now) throws SpoolLeaseLostException {
        int entry = leasedEntry(Ids.number(lease.id()), lease.domain(), lease.token());
        Lease found = entry < 0 ? null : index.leases.get(entry);
        if (found == null || !now.isBefore(found.until())) {
            throw new SpoolLeaseLostException("lease of " + lease.id() + " in " + lease.domain() + " until "
                    + lease.until() + ": ended, settled or its message deleted");
        }
        return entry;
    }

    private int leasedEntry(long id, MailDomain domain, long token) {
        Lane lane = index.lanes.find(domain);
        int row = index.messages.find(id);
        if (lane == null || row < 0) {
            return -1;
        }
        for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
            Lease lease = index.leases.get(entry);
            if (lease != null && lease.token() == token && index.entries.lane.get(entry) == lane.number) {
                return entry;
            }
        }
        return -1;
    }

    void settle(SpoolLease lease, Settlement settlement) throws SpoolLeaseLostException {
        List<LaneState.Remaining> remaining = remaining(lease, settlement.states());
        synchronized (index) {
            int entry = leasedEntry(lease, settlement.at());
            int row = index.entries.message.get(entry);
            long id = index.messages.id.get(row);
            if (remaining.isEmpty() && isLast(row, entry)) {
                DeadItem dead = new DeadItem(index, id, Location.segment(index.messages.location.get(row)));
                index.remove(row);
                journal.lazily(dead);
                return;
            }
            int attempts = isReset(entry) ? 0 : lease.attempts();
            index.endLease(entry);
            long due = Micros.of(settlement.nextDue());
            boolean changed =
                    settlement.attempt() || !settlement.states().isEmpty() || due != index.entries.due.get(entry);
            if (remaining.isEmpty()) {
                index.finish(entry);
            } else {
                index.entries.due.set(entry, due);
                index.place(entry);
            }
            if (changed) {
                LaneState state = new LaneState(
                        index.entries.ordinal(entry),
                        settlement.nextDue(),
                        attempts + (settlement.attempt() ? 1 : 0),
                        remaining);
                write(id, entry, state);
            }
        }
    }

    private boolean isReset(int entry) {
        Lease lease = index.leases.get(entry);
        return lease != null && lease.reset();
    }

    private static List<LaneState.Remaining> remaining(SpoolLease lease, Map<Integer, RecipientState> states) {
        List<LaneState.Remaining> remaining = new ArrayList<>();
        int named = 0;
        for (QueuedRecipient recipient : lease.recipients()) {
            RecipientState changed = states.get(recipient.index());
            named += changed == null ? 0 : 1;
            RecipientState state = changed == null ? recipient.state() : changed;
            if (!state.isFinal()) {
                remaining.add(new LaneState.Remaining(recipient.index(), state));
            }
        }
        if (named < states.size()) {
            Set<Integer> leased = new HashSet<>();
            lease.recipients().forEach(recipient -> leased.add(recipient.index()));
            throw new IllegalArgumentException(
                    "states: " + states.keySet() + " (expected: recipients of the lease, " + leased + ")");
        }
        return remaining;
    }

    private boolean isLast(int row, int settled) {
        for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
            if (entry != settled && !index.entries.isDone(entry)) {
                return false;
            }
        }
        return true;
    }

    Optional<Instant> nextDue(MailDomain domain) {
        synchronized (index) {
            Lane lane = index.lanes.find(domain);
            if (lane == null) {
                return Optional.empty();
            }
            Instant next = lane.due.isEmpty() ? null : Micros.instant(index.entries.due.get(lane.due.first()));
            for (Lease lease : lane.leased) {
                if (next != null && !lease.until().isBefore(next)) {
                    break; // the others end later still
                }
                if (!index.messages.is(index.entries.message.get(lease.entry()), MessageTable.HELD)) {
                    Instant due = Micros.instant(index.entries.due.get(lease.entry()));
                    Instant free = due.isAfter(lease.until()) ? due : lease.until();
                    next = next == null || free.isBefore(next) ? free : next;
                }
            }
            return Optional.ofNullable(next);
        }
    }

    boolean reschedule(long id, Instant due) {
        synchronized (index) {
            int row = index.messages.find(id);
            if (row < 0 || index.messages.is(row, MessageTable.DYING | MessageTable.DAMAGED)) {
                return false;
            }
            DuesItem item = new DuesItem(index, due);
            for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
                if (!index.entries.isDone(entry)) {
                    index.entries.due.set(entry, Micros.of(due));
                    index.place(entry);
                    item.add(id, index.entries.ordinal(entry));
                }
            }
            journal.lazily(item);
            return true;
        }
    }

    /** Returns the lanes of a message that still have work; none if it is not queued. */
    List<Place> places(long id) {
        synchronized (index) {
            List<Place> places = new ArrayList<>();
            int row = index.messages.find(id);
            if (row < 0 || index.messages.is(row, MessageTable.DYING | MessageTable.DAMAGED)) {
                return places;
            }
            for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
                if (!index.entries.isDone(entry)) {
                    places.add(place(index, entry));
                }
            }
            return places;
        }
    }

    /**
     * Sets the attempts of a message to 0 and makes it due, unless something about it has changed.
     *
     * @param places its lanes a moment ago
     * @param states the state of each, null before the first attempt
     * @return false if something has
     */
    boolean reset(long id, List<Place> places, List<@Nullable LaneState> states, Instant due) {
        synchronized (index) {
            if (!places(id).equals(places)) {
                return false;
            }
            DuesItem unattempted = new DuesItem(index, due);
            for (int i = 0; i < places.size(); i++) {
                int entry = index.entry(index.messages.find(id), places.get(i).ordinal());
                LaneState state = states.get(i);
                index.entries.due.set(entry, Micros.of(due));
                if (state == null) {
                    unattempted.add(id, places.get(i).ordinal());
                } else {
                    forgetAttempts(entry);
                    write(id, entry, new LaneState(state.lane(), due, 0, state.remaining()));
                }
                index.place(entry);
            }
            if (unattempted.size() > 0) {
                journal.lazily(unattempted);
            }
            return true;
        }
    }

    /** A lease under way counts from 0 then. */
    private void forgetAttempts(int entry) {
        Lease lease = index.leases.get(entry);
        if (lease != null) {
            index.endLease(entry);
            Lease anew = new Lease(entry, lease.token(), lease.until(), true);
            index.leases.put(entry, anew);
            index.lanes.get(index.entries.lane.get(entry)).leased.add(anew);
        }
    }

    private void write(long id, int entry, LaneState state) {
        StateItem item = new StateItem(index, id, entry, state);
        index.unwritten.put(entry, item);
        journal.lazily(item);
    }

    long reschedule(MailDomain domain, Instant due) {
        synchronized (index) {
            Lane lane = index.lanes.find(domain);
            if (lane == null) {
                return 0;
            }
            long micros = Micros.of(due);
            long changed = 0;
            DuesItem item = new DuesItem(index, due);
            int[] queued = lane.entries();
            lane.due.clear();
            for (int entry : queued) {
                if (index.leases.containsKey(entry)) {
                    continue;
                }
                index.entries.due.set(entry, micros);
                index.place(entry);
                item.add(index.messages.id.get(index.entries.message.get(entry)), index.entries.ordinal(entry));
                changed++;
                if (item.size() == DUES_PER_RECORD) {
                    journal.lazily(item);
                    item = new DuesItem(index, due);
                }
            }
            if (item.size() > 0) {
                journal.lazily(item);
            }
            return changed;
        }
    }

    /** Begins to delete: the message is leased no more and leases of it are lost. Returns what ends it, or null. */
    @Nullable
    DeadItem beginDeletion(long id) {
        synchronized (index) {
            int row = index.messages.find(id);
            SpoolIndex.DamagedMessage damage = index.damagedMessages.get(id);
            if (row < 0 && damage != null) {
                return new DeadItem(index, id, damage.segment()).waitedFor();
            }
            if (row < 0 || index.messages.is(row, MessageTable.DYING)) {
                return null;
            }
            index.messages.set(row, MessageTable.DYING, true);
            if (!index.messages.is(row, MessageTable.DAMAGED)) {
                for (int entry = index.messages.firstEntry.get(row);
                        entry >= 0;
                        entry = index.entries.next.get(entry)) {
                    if (!index.entries.isDone(entry)) {
                        index.endLease(entry);
                        index.place(entry);
                    }
                }
            }
            return new DeadItem(index, id, Location.segment(index.messages.location.get(row))).waitedFor();
        }
    }

    /** Takes back what {@link #beginDeletion} did. */
    void cancelDeletion(long id) {
        synchronized (index) {
            int row = index.messages.find(id);
            if (row >= 0) {
                index.messages.set(row, MessageTable.DYING, false);
                for (int entry = index.messages.firstEntry.get(row);
                        entry >= 0;
                        entry = index.entries.next.get(entry)) {
                    if (!index.entries.isDone(entry) && !index.messages.is(row, MessageTable.DAMAGED)) {
                        index.place(entry);
                    }
                }
            }
        }
    }
}
