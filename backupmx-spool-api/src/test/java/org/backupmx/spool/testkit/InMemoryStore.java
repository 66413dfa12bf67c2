package org.backupmx.spool.testkit;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpooledMessage;
import org.jspecify.annotations.Nullable;

/** The storage behind one or more {@link InMemorySpool}s. Its users hold its monitor. */
final class InMemoryStore {

    /** One message; its mail data stands here once, however many lanes it has. */
    static final class Stored {
        final SpooledMessage message;
        final byte[] mailData;
        final long order;
        final RecipientState[] states;
        final Map<MailDomain, Place> places = new LinkedHashMap<>();
        boolean held;
        boolean damaged;

        Stored(SpooledMessage message, byte[] mailData, long order) {
            this.message = message;
            this.mailData = mailData;
            this.order = order;
            states = new RecipientState[message.envelope().recipients().size()];
        }

        QueuedMessage queued() {
            List<MessageLane> lanes = new ArrayList<>(places.size());
            places.values()
                    .forEach(place ->
                            lanes.add(new MessageLane(place.domain, place.recipients(), place.attempts, place.due)));
            return new QueuedMessage(message, lanes, held);
        }
    }

    /** The place of one message in one lane. */
    private static final class Place {
        final Stored stored;
        final MailDomain domain;
        int attempts;
        Instant due;

        @Nullable
        Hold lease;

        Place(Stored stored, MailDomain domain) {
            this.stored = stored;
            this.domain = domain;
            due = stored.message.receivedAt();
        }

        List<QueuedRecipient> recipients() {
            List<QueuedRecipient> open = new ArrayList<>();
            List<Recipient> all = stored.message.envelope().recipients();
            for (int i = 0; i < all.size(); i++) {
                if (all.get(i).domain().equals(domain) && !stored.states[i].isFinal()) {
                    open.add(new QueuedRecipient(i, all.get(i), stored.states[i]));
                }
            }
            return open;
        }

        /** Tells whether it was neither attempted nor rescheduled. */
        boolean isFresh() {
            return due.equals(stored.message.receivedAt());
        }

        Instant free() {
            return lease == null || due.isAfter(lease.until) ? due : lease.until;
        }
    }

    private record Hold(long token, Instant until, Object owner) {}

    private static final class Lane {
        static final Comparator<Place> AGE = Comparator.<Place, Instant>comparing(
                        place -> place.stored.message.receivedAt())
                .thenComparing(place -> place.stored.order);
        static final Comparator<Place> DUE =
                Comparator.<Place, Instant>comparing(place -> place.due).thenComparing(place -> place.stored.order);

        final TreeSet<Place> all = new TreeSet<>(AGE);
        final TreeSet<Place> unleased = new TreeSet<>(DUE);
        final TreeSet<Place> leased = new TreeSet<>(AGE);
        long bytes;
        long held;
    }

    private final NavigableMap<SpoolId, Stored> messages = new TreeMap<>();
    private final Map<MailDomain, Lane> lanes = new HashMap<>();
    private final long capacityBytes;
    private final AtomicLong usedBytes = new AtomicLong();
    private long lastId;
    private long lastOrder;
    private long lastToken;

    InMemoryStore(long capacityBytes) {
        this.capacityBytes = capacityBytes;
    }

    /** Returns the room left; the one method that needs no monitor. */
    long freeBytes() {
        return capacityBytes - usedBytes.get();
    }

    void take(long bytes) {
        usedBytes.addAndGet(bytes);
    }

    void give(long bytes) {
        usedBytes.addAndGet(-bytes);
    }

    SpoolId nextId() {
        String digits = Long.toString(++lastId);
        return new SpoolId("M" + "0".repeat(12 - digits.length()) + digits);
    }

    void add(SpoolId id, Envelope envelope, Instant receivedAt, byte[] mailData) {
        Stored stored =
                new Stored(new SpooledMessage(id, envelope, receivedAt, mailData.length), mailData, ++lastOrder);
        Arrays.fill(stored.states, RecipientState.Pending.INSTANCE);
        messages.put(id, stored);
        for (MailDomain domain : envelope.domains()) {
            Place place = new Place(stored, domain);
            stored.places.put(domain, place);
            Lane lane = lanes.computeIfAbsent(domain, name -> new Lane());
            lane.all.add(place);
            lane.bytes += mailData.length;
            index(place);
        }
    }

    private Lane lane(Place place) {
        Lane lane = lanes.get(place.domain);
        if (lane == null) {
            throw new AssertionError("no lane " + place.domain);
        }
        return lane;
    }

    /** Puts a place where a lease finds it; held ones nowhere. */
    private void index(Place place) {
        if (!place.stored.held) {
            Lane lane = lane(place);
            (place.lease == null ? lane.unleased : lane.leased).add(place);
        }
    }

    private void change(Place place, Runnable change) {
        Lane lane = lane(place);
        lane.unleased.remove(place);
        lane.leased.remove(place);
        change.run();
        index(place);
    }

    private void remove(Place place) {
        Lane lane = lane(place);
        lane.unleased.remove(place);
        lane.leased.remove(place);
        lane.all.remove(place);
        lane.bytes -= place.stored.mailData.length;
        lane.held -= place.stored.held ? 1 : 0;
        if (lane.all.isEmpty()) {
            lanes.remove(place.domain);
        }
        place.stored.places.remove(place.domain);
        if (place.stored.places.isEmpty()) {
            messages.remove(place.stored.message.id());
            give(place.stored.mailData.length);
        }
    }

    List<SpoolLane> lanes() {
        List<SpoolLane> found = new ArrayList<>(lanes.size());
        lanes.forEach((domain, lane) -> found.add(new SpoolLane(
                domain,
                lane.all.size(),
                lane.held,
                lane.bytes,
                lane.all.first().stored.message.receivedAt())));
        return found;
    }

    Optional<Instant> nextDue(MailDomain domain) {
        Lane lane = lanes.get(domain);
        if (lane == null) {
            return Optional.empty();
        }
        Instant next = lane.unleased.isEmpty() ? Instant.MAX : lane.unleased.first().due;
        for (Place place : lane.leased) {
            next = place.free().isBefore(next) ? place.free() : next;
        }
        return lane.unleased.isEmpty() && lane.leased.isEmpty() ? Optional.empty() : Optional.of(next);
    }

    List<SpoolLease> lease(LeaseRequest request, Object owner) {
        Lane lane = lanes.get(request.domain());
        if (lane == null) {
            return List.of();
        }
        TreeSet<Place> ended = new TreeSet<>(Lane.DUE);
        for (Place place : lane.leased) {
            if (hasEnded(place, request.now())) {
                ended.add(place);
            }
        }
        List<SpoolLease> leases = new ArrayList<>();
        while (leases.size() < request.limit()) {
            Place place = earlier(lane.unleased, ended);
            if (place == null || place.due.isAfter(request.dueBy())) {
                break;
            }
            ended.remove(place);
            Hold lease = new Hold(++lastToken, request.until(), owner);
            change(place, () -> place.lease = lease);
            leases.add(lease(place, lease));
        }
        return leases;
    }

    /** In an order; sorts all that can be leased. */
    List<SpoolLease> lease(LeaseRequest request, LeaseOrder order, Object owner) {
        if (order == LeaseOrder.OLDEST) {
            return lease(request, owner);
        }
        Lane lane = lanes.get(request.domain());
        if (lane == null) {
            return List.of();
        }
        List<Place> due = new ArrayList<>();
        lane.unleased.stream()
                .filter(place -> !place.due.isAfter(request.dueBy()))
                .forEach(due::add);
        lane.leased.stream()
                .filter(place -> hasEnded(place, request.now()) && !place.due.isAfter(request.dueBy()))
                .forEach(due::add);
        due.sort(Comparator.comparing((Place place) -> !place.isFresh())
                .thenComparing((one, other) -> one.isFresh() && other.isFresh()
                        ? fresh(order).compare(one, other)
                        : Lane.DUE.compare(one, other)));
        List<SpoolLease> leases = new ArrayList<>();
        for (Place place : due.subList(0, Math.min(due.size(), request.limit()))) {
            Hold lease = new Hold(++lastToken, request.until(), owner);
            change(place, () -> place.lease = lease);
            leases.add(lease(place, lease));
        }
        return leases;
    }

    private static Comparator<Place> fresh(LeaseOrder order) {
        return order == LeaseOrder.NEWEST
                ? Lane.DUE.reversed()
                : Comparator.<Place>comparingLong(place -> place.stored.mailData.length)
                        .thenComparing(Lane.DUE);
    }

    private static boolean hasEnded(Place place, Instant now) {
        return place.lease == null || !place.lease.until.isAfter(now);
    }

    private static @Nullable Place earlier(NavigableSet<Place> some, NavigableSet<Place> others) {
        if (some.isEmpty() || others.isEmpty()) {
            return some.isEmpty() ? others.isEmpty() ? null : others.first() : some.first();
        }
        return Lane.DUE.compare(some.first(), others.first()) < 0 ? some.first() : others.first();
    }

    private static SpoolLease lease(Place place, Hold lease) {
        return new SpoolLease(
                place.stored.message,
                place.domain,
                place.recipients(),
                place.attempts,
                place.due,
                lease.until,
                lease.token);
    }

    private Place leased(SpoolLease lease, Instant at) throws SpoolLeaseLostException {
        Stored stored = messages.get(lease.id());
        Place place = stored == null ? null : stored.places.get(lease.domain());
        if (place == null || place.lease == null || place.lease.token != lease.token() || hasEnded(place, at)) {
            throw new SpoolLeaseLostException("lease " + lease.token() + " of " + lease.id() + " in " + lease.domain()
                    + " is lost at " + at + " (ended at " + lease.until() + ", settled or deleted)");
        }
        return place;
    }

    SpoolLease renew(SpoolLease lease, Instant now, Instant until) throws SpoolLeaseLostException {
        Place place = leased(lease, now);
        Hold renewed = new Hold(++lastToken, until, holder(place));
        change(place, () -> place.lease = renewed);
        return lease.renewed(until, renewed.token);
    }

    private static Object holder(Place place) {
        return place.lease == null ? place : place.lease.owner;
    }

    void settle(SpoolLease lease, Settlement settlement) throws SpoolLeaseLostException {
        Place place = leased(lease, settlement.at());
        List<Integer> open =
                place.recipients().stream().map(QueuedRecipient::index).toList();
        if (!open.containsAll(settlement.states().keySet())) {
            throw new IllegalArgumentException(
                    "states: recipients " + settlement.states().keySet() + " (expected: among " + open + ")");
        }
        settlement.states().forEach((index, state) -> place.stored.states[index] = state);
        if (place.recipients().isEmpty()) {
            remove(place);
            return;
        }
        change(place, () -> {
            place.lease = null;
            place.due = settlement.nextDue();
            place.attempts += settlement.attempt() ? 1 : 0;
        });
    }

    /** Gives up the leases of one spool. */
    void release(Object owner) {
        for (Stored stored : messages.values()) {
            for (Place place : stored.places.values()) {
                if (place.lease != null && place.lease.owner == owner) {
                    change(place, () -> place.lease = null);
                }
            }
        }
    }

    @Nullable
    Stored find(SpoolId id) {
        return messages.get(id);
    }

    /** Visits messages in order of their identity, after one or all. */
    List<Stored> after(Optional<SpoolId> after) {
        return List.copyOf(
                after.map(id -> messages.tailMap(id, false)).orElse(messages).values());
    }

    boolean hold(SpoolId id, boolean held) {
        Stored stored = messages.get(id);
        if (stored != null && stored.held != held) {
            stored.held = held;
            stored.places.values().forEach(place -> {
                lane(place).held += held ? 1 : -1;
                change(place, () -> {});
            });
        }
        return stored != null;
    }

    boolean delete(SpoolId id) {
        return withEach(id, this::remove);
    }

    boolean reschedule(SpoolId id, Instant due) {
        return withEach(id, place -> change(place, () -> place.due = due));
    }

    boolean resetAttempts(SpoolId id, Instant due) {
        return withEach(
                id,
                place -> change(place, () -> {
                    place.due = due;
                    place.attempts = 0;
                }));
    }

    private boolean withEach(SpoolId id, Consumer<Place> action) {
        Stored stored = messages.get(id);
        if (stored == null) {
            return false;
        }
        List.copyOf(stored.places.values()).forEach(action);
        return true;
    }

    long reschedule(MailDomain domain, Instant due) {
        Lane lane = lanes.get(domain);
        if (lane == null) {
            return 0;
        }
        List<Place> free =
                lane.all.stream().filter(place -> place.lease == null).toList();
        free.forEach(place -> change(place, () -> place.due = due));
        return free.size();
    }
}
