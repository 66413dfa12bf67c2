package org.backupmx.spool.file;

import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.jspecify.annotations.Nullable;

/** What waits for one destination domain. Guarded by the index. */
final class Lane {

    /**
     * A lease of one entry; ended by {@code until}, or by the end of the lane entry. {@code reset} tells whether attempts
     * before it count no more.
     */
    record Lease(int entry, long token, Instant until, boolean reset) {}

    final MailDomain domain;
    final int number;
    /** What can be leased: not held, not leased. */
    final EntryHeap due;

    /**
     * All but what can be leased and is due since it was received, as every message is before its first attempt: of
     * those, {@link #due} knows the oldest.
     */
    private final EntryHeap aged;

    /** Of what {@link #due} has, what is due since it was received, in the order that was asked for; null before that. */
    private @Nullable EntryHeap fresh;

    private LeaseOrder order = LeaseOrder.OLDEST;

    /** What is leased, earliest end first. */
    final TreeSet<Lease> leased =
            new TreeSet<>(Comparator.comparing(Lease::until).thenComparingLong(Lease::token));

    long queued;
    long held;
    long bytes;

    private final EntryTable entries;
    private final MessageTable messages;

    Lane(MailDomain domain, int number, EntryTable entries, MessageTable messages) {
        this.domain = domain;
        this.number = number;
        this.entries = entries;
        this.messages = messages;
        this.due = EntryHeap.byDue(entries, messages);
        this.aged = EntryHeap.byAge(entries, messages);
    }

    /** Has an entry stand where it belongs, new or after its due instant, or whether it can be leased, changed. */
    void place(int entry, boolean canBeLeased) {
        due.remove(entry);
        if (canBeLeased) {
            due.add(entry);
        }
        boolean isFresh = canBeLeased && isDueSinceReceived(entry);
        if (isFresh) {
            aged.remove(entry);
        } else {
            aged.add(entry);
        }
        EntryHeap ordered = fresh;
        if (ordered != null) {
            ordered.remove(entry);
            if (isFresh) {
                ordered.add(entry);
            }
        }
    }

    private boolean isDueSinceReceived(int entry) {
        return entries.due.get(entry) == received(entry);
    }

    void remove(int entry) {
        due.remove(entry);
        aged.remove(entry);
        EntryHeap ordered = fresh;
        if (ordered != null) {
            ordered.remove(entry);
        }
    }

    /** Takes out and returns up to so many entries that are due by then, in an order; they are as not to be leased. */
    int[] take(LeaseOrder wanted, long dueBy, int limit) {
        int[] taken = new int[Math.min(limit, due.size())];
        int count = wanted == LeaseOrder.OLDEST ? 0 : takeFresh(inOrder(wanted), dueBy, taken);
        while (count < taken.length && !due.isEmpty() && entries.due.get(due.first()) <= dueBy) {
            int entry = due.first();
            place(entry, false);
            taken[count++] = entry;
        }
        return Arrays.copyOf(taken, count);
    }

    private int takeFresh(EntryHeap ordered, long dueBy, int[] taken) {
        int count = 0;
        IntStream.Builder later = IntStream.builder(); // received after what is asked for: none, as a rule
        while (count < taken.length && !ordered.isEmpty()) {
            int entry = ordered.first();
            if (entries.due.get(entry) <= dueBy) {
                place(entry, false);
                taken[count++] = entry;
            } else {
                ordered.remove(entry);
                later.add(entry);
            }
        }
        later.build().forEach(ordered::add);
        return count;
    }

    private EntryHeap inOrder(LeaseOrder wanted) {
        EntryHeap known = fresh;
        if (known != null && wanted == order) {
            return known;
        }
        if (known != null) {
            known.clear();
        }
        EntryHeap made = EntryHeap.by(wanted, entries, messages);
        made.fill(IntStream.range(0, due.size())
                .map(due::get)
                .filter(this::isDueSinceReceived)
                .toArray());
        fresh = made;
        order = wanted;
        return made;
    }

    private long received(int entry) {
        return messages.received.get(entries.message.get(entry));
    }

    /** Returns when the longest waiting message was received. */
    long oldest() {
        return oldest(0, aged.isEmpty() ? Long.MAX_VALUE : received(aged.first()));
    }

    /**
     * Returns when the oldest message at or below a place of {@link #due} was received, or {@code bound} if that is
     * earlier. Passes by what is due earlier than all that is aged was received: messages with a due instant before they
     * were received, and no others.
     */
    private long oldest(int at, long bound) {
        if (at >= due.size()) {
            return bound;
        }
        int entry = due.get(at);
        long since = entries.due.get(entry);
        if (since >= bound) {
            return bound; // and all below is due no earlier, so received no earlier or aged
        }
        return aged.contains(entry) ? oldest(2 * at + 2, oldest(2 * at + 1, bound)) : since;
    }

    /** Returns all that is queued, in no order. */
    int[] entries() {
        int[] all = new int[due.size() + aged.size()];
        int count = 0;
        for (int i = 0; i < due.size(); i++) {
            all[count++] = due.get(i);
        }
        for (int i = 0; i < aged.size(); i++) {
            if (!due.contains(aged.get(i))) {
                all[count++] = aged.get(i);
            }
        }
        return Arrays.copyOf(all, count);
    }
}
