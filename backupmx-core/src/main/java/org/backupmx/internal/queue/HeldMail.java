package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpooledMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The messages that the engine itself holds in the spool: why, since when, and until when. Thread-safe; what touches the
 * spool or the journal blocks.
 *
 * <p>The spool decides whether a message is there and held; this only knows why. An entry whose message is gone, or was
 * released past it, is dropped when a sweep comes to it. A message whose entry is lost stays held until an operator
 * releases or deletes it: nothing is lost with a history. At the end of its time a message is deleted.
 *
 * <p>At most {@link #most()} entries; further messages are held without one, which is told.
 */
final class HeldMail {

    /** Why the engine holds a message. */
    enum Reason {
        /** Its time has passed, and there is nobody who may be told. */
        EXPIRED,
        /** A next hop refused it for good, and there is nobody who may be told. */
        DEAD_LETTER,
        /** An operator deleted it; it can be had back for a while. */
        RECYCLED
    }

    /**
     * One message.
     *
     * @param id the message
     * @param reason why it is held
     * @param since when that began
     * @param until when it is deleted
     * @param detail a line for operators, at most {@link #MAX_DETAIL_CHARS} characters
     */
    record Entry(SpoolId id, Reason reason, Instant since, Instant until, String detail) {
        Entry {
            requireNonNull(id, "id");
            requireNonNull(reason, "reason");
            requireNonNull(since, "since");
            requireNonNull(until, "until");
            detail = detail.length() <= MAX_DETAIL_CHARS ? detail : detail.substring(0, MAX_DETAIL_CHARS);
        }
    }

    /** The most entries: {@value}, about 30 MB of heap. */
    static final int MOST = 100_000;

    /** The longest detail: {@value} characters. */
    static final int MAX_DETAIL_CHARS = 150;

    /** How often {@link #sweep()} runs. */
    static final Duration BEAT = Duration.ofMinutes(1);

    /** How many entries one sweep ends. */
    static final int PER_SWEEP = 500;

    /** How often some entries are compared with the spool. */
    static final Duration COMPARE_BEAT = Duration.ofMinutes(10);

    /** How many are. */
    private static final int PER_COMPARISON = 200;

    private static final Duration TELL_FULL = Duration.ofHours(1);
    private static final Logger LOG = LoggerFactory.getLogger(HeldMail.class);

    private final Spool spool;
    private final EngineRuntime runtime;
    private final int most;
    private final HeldJournal journal;
    private final Consumer<Entry> ended;
    private final HeldPlaces places; // guards changes of entries, so that both agree
    private final NavigableMap<SpoolId, Entry> entries = new ConcurrentSkipListMap<>();
    private Instant toldFull = Instant.MIN; // guarded by this
    private boolean sweeping; // guarded by this
    private Optional<SpoolId> compared = Optional.empty(); // owned by the sweep, as the next one
    private Instant nextCompare = Instant.MIN;

    /**
     * Makes an empty registry.
     *
     * @param spool where the messages are
     * @param store keeps the entries over the end of the engine; empty: they are forgotten, and their messages stay held
     * @param runtime clock and timer
     * @param ended told of each entry whose message was deleted since its time was over
     */
    HeldMail(Spool spool, Optional<HistoryStore> store, EngineRuntime runtime, Consumer<Entry> ended) {
        this(spool, store, runtime, ended, MOST);
    }

    /** As the other, with room for another number of entries. */
    HeldMail(Spool spool, Optional<HistoryStore> store, EngineRuntime runtime, Consumer<Entry> ended, int most) {
        this.spool = spool;
        this.runtime = runtime;
        this.most = most;
        this.places = new HeldPlaces(spool);
        this.journal = new HeldJournal(store, entries, runtime, most);
        this.ended = ended;
    }

    /** Takes up what was held. Blocks. */
    void start() {
        restore();
        runtime.repeat(BEAT, this::sweep);
    }

    private void restore() {
        if (journal.restore()) {
            synchronized (places) {
                entries.values().forEach(entry -> places.held(entry.id(), entry.reason()));
            }
        }
    }

    /** In which lanes these messages stand. */
    HeldPlaces places() {
        return places;
    }

    /** Tells whether no further message can be held with its reason. */
    boolean isFull() {
        return entries.size() >= most;
    }

    /** Returns how many messages can be held with their reason. */
    int most() {
        return most;
    }

    /** Tells whether the spool can hold messages at all. */
    boolean canHold() {
        return spool instanceof HoldableSpool;
    }

    /**
     * Holds a message, or changes why and until when it is held.
     *
     * @param message the message; a lease of it goes on and can be settled
     * @param reason why
     * @param keep for how long, at least zero
     * @param detail a line for operators; longer ones are cut
     * @return false if it is not queued; nothing is held then
     * @throws SpoolException if the spool cannot be asked
     * @throws IllegalStateException if the spool cannot hold
     */
    boolean hold(SpooledMessage message, Reason reason, Duration keep, String detail) throws SpoolException {
        if (!(spool instanceof HoldableSpool holdable)) {
            throw new IllegalStateException("spool: " + spool.getClass().getName() + " (expected: a HoldableSpool)");
        }
        SpoolId id = message.id();
        Instant now = runtime.now();
        // noted first: an entry without its hold is dropped by the sweep, a hold without its entry is for an operator
        boolean noted = note(message, new Entry(id, reason, now, now.plus(keep), detail));
        boolean held = false;
        try {
            held = holdable.hold(id);
        } finally {
            if (noted && !held) {
                forget(id);
            }
        }
        return held;
    }

    private boolean note(SpooledMessage message, Entry entry) {
        boolean isFull = isFull() && !entries.containsKey(entry.id());
        if (isFull) {
            tellFull();
            return false;
        }
        synchronized (places) {
            entries.put(entry.id(), entry);
            places.held(message, entry.reason());
        }
        journal.held(entry);
        return true;
    }

    private synchronized void tellFull() {
        Instant now = runtime.now();
        if (toldFull.isBefore(now.minus(TELL_FULL))) {
            toldFull = now;
            LOG.atWarn()
                    .addKeyValue("entries", most)
                    .log("too much held mail to remember why; it stays held until an operator decides");
        }
    }

    /**
     * Gives a message back to delivery, if the engine holds it.
     *
     * @param id the message
     * @return false if the engine does not hold it, or it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean release(SpoolId id) throws SpoolException {
        if (!(spool instanceof HoldableSpool holdable) || !forget(id)) {
            return false;
        }
        return holdable.release(id);
    }

    /** Drops an entry and leaves the message as it is; false if there is none. For whoever has decided about it. */
    boolean forget(SpoolId id) {
        synchronized (places) {
            if (entries.remove(id) == null) {
                return false;
            }
            places.gone(id);
        }
        journal.gone(id);
        return true;
    }

    /** Returns the entry of a message. */
    Optional<Entry> find(SpoolId id) {
        return Optional.ofNullable(entries.get(id));
    }

    /**
     * Returns a page of the entries, in order of identity.
     *
     * @param reason which entries; empty for all
     * @param after the last one of the page before; empty for the first page
     * @param limit the most entries of this page
     */
    List<Entry> entries(Optional<Reason> reason, Optional<SpoolId> after, int limit) {
        return stream(after, entry -> reason.isEmpty() || reason.get() == entry.reason(), limit);
    }

    /** Returns how many messages are held for a reason. */
    long count(Reason reason) {
        return entries.values().stream()
                .filter(entry -> entry.reason() == reason)
                .count();
    }

    private List<Entry> stream(Optional<SpoolId> after, Predicate<Entry> wanted, int limit) {
        Map<SpoolId, Entry> rest = after.isPresent() ? entries.tailMap(after.get(), false) : entries;
        return rest.values().stream().filter(wanted).limit(limit).toList();
    }

    /** Deletes what is over its time, and compares some entries with the spool. Blocks. */
    void sweep() {
        synchronized (this) {
            if (sweeping) {
                return;
            }
            sweeping = true;
        }
        try {
            restore();
            Instant now = runtime.now();
            for (Entry entry : stream(Optional.empty(), entry -> !entry.until().isAfter(now), PER_SWEEP)) {
                end(entry);
            }
            if (!now.isBefore(nextCompare)) {
                nextCompare = now.plus(COMPARE_BEAT);
                compare();
            }
            journal.shrink();
        } catch (SpoolException e) {
            LOG.atError().setCause(e).log("spool failed, held mail is looked at later");
        } finally {
            synchronized (this) {
                sweeping = false;
            }
        }
    }

    private void end(Entry entry) throws SpoolException {
        if (!isHeld(entry.id())) {
            drop(entry);
        } else if (spool instanceof DeletableSpool deletable) {
            boolean deleted = deletable.delete(entry.id());
            drop(entry);
            if (deleted) {
                ended.accept(entry);
            }
        }
    }

    /** A message that is held anew meanwhile keeps its new entry. */
    private void drop(Entry entry) {
        synchronized (places) {
            if (!entries.remove(entry.id(), entry)) {
                return;
            }
            places.gone(entry.id());
        }
        journal.gone(entry.id());
    }

    private void compare() throws SpoolException {
        if (!(spool instanceof FindableSpool)) {
            return;
        }
        List<Entry> page = entries(Optional.empty(), compared, PER_COMPARISON);
        // what was noted in this moment may not be held yet
        Instant settled = runtime.now().minus(BEAT);
        for (Entry entry : page) {
            if (!entry.since().isAfter(settled) && !isHeld(entry.id())) {
                drop(entry);
            }
        }
        compared = page.size() < PER_COMPARISON
                ? Optional.empty()
                : Optional.of(page.get(page.size() - 1).id());
    }

    /** Tells whether the spool holds a message; true where it cannot be asked. */
    private boolean isHeld(SpoolId id) throws SpoolException {
        return !(spool instanceof FindableSpool findable)
                || findable.find(id).map(QueuedMessage::held).orElse(false);
    }
}
