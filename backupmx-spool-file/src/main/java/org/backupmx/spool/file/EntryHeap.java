package org.backupmx.spool.file;

import java.util.Arrays;
import java.util.function.IntToLongFunction;
import org.backupmx.spool.LeaseOrder;

/** A heap of lane entries, least key first and among equals the older message; each entry knows its place. */
final class EntryHeap {

    private final EntryTable entries;
    private final MessageTable messages;
    private final IntToLongFunction key;
    private final IntColumn place;
    private int[] heap = new int[2];
    private int size;

    private EntryHeap(EntryTable entries, MessageTable messages, IntToLongFunction key, IntColumn place) {
        this.entries = entries;
        this.messages = messages;
        this.key = key;
        this.place = place;
    }

    static EntryHeap byDue(EntryTable entries, MessageTable messages) {
        return new EntryHeap(entries, messages, entries.due::get, entries.duePlace);
    }

    static EntryHeap byAge(EntryTable entries, MessageTable messages) {
        return new EntryHeap(
                entries, messages, entry -> messages.received.get(entries.message.get(entry)), entries.agePlace);
    }

    /** Of messages that wait for their first attempt. */
    static EntryHeap by(LeaseOrder order, EntryTable entries, MessageTable messages) {
        IntToLongFunction received = entry -> messages.received.get(entries.message.get(entry));
        return new EntryHeap(
                entries,
                messages,
                switch (order) {
                    case OLDEST -> received;
                    case NEWEST -> entry -> -received.applyAsLong(entry);
                    case SMALLEST -> entry -> messages.sizeBytes(entries.message.get(entry));
                },
                entries.orderPlace);
    }

    boolean isEmpty() {
        return size == 0;
    }

    int first() {
        return heap[0];
    }

    int size() {
        return size;
    }

    boolean contains(int entry) {
        return place.get(entry) >= 0;
    }

    /** Returns what is at a place of the heap; what is at {@code 2 * at + 1} and {@code 2 * at + 2} comes no earlier. */
    int get(int at) {
        return heap[at];
    }

    void clear() {
        for (int i = 0; i < size; i++) {
            place.set(heap[i], -1);
        }
        size = 0;
    }

    /** Adds an entry, unless it is there. */
    void add(int entry) {
        if (contains(entry)) {
            return;
        }
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size + Math.max(size / 2, 2));
        }
        size++;
        up(size - 1, entry);
    }

    /** Takes entries in place of what there is, none twice; in time that grows as their number. */
    void fill(int[] all) {
        clear();
        heap = Arrays.copyOf(all, Math.max(2, all.length));
        size = all.length;
        for (int at = size - 1; at >= 0; at--) {
            int entry = heap[at];
            down(at, entry);
        }
    }

    private void down(int from, int entry) {
        int at = from;
        for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            if (!before(heap[child], entry)) {
                break;
            }
            put(at, heap[child]);
            at = child;
        }
        put(at, entry);
    }

    void remove(int entry) {
        int at = place.get(entry);
        if (at < 0) {
            return;
        }
        place.set(entry, -1);
        size--;
        if (at < size) {
            up(leaf(at), heap[size]); // what was last belongs near the leaves: half the comparisons of sinking it
        }
        if (size < heap.length / 4 && heap.length > 64) {
            heap = Arrays.copyOf(heap, heap.length / 2);
        }
    }

    private void up(int from, int entry) {
        int at = from;
        while (at > 0) {
            int parent = (at - 1) >>> 1;
            if (!before(entry, heap[parent])) {
                break;
            }
            put(at, heap[parent]);
            at = parent;
        }
        put(at, entry);
    }

    /** Fills a hole from below until it is at a leaf, and returns where. */
    private int leaf(int hole) {
        int at = hole;
        for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            put(at, heap[child]);
            at = child;
        }
        return at;
    }

    private void put(int at, int entry) {
        heap[at] = entry;
        place.set(entry, at);
    }

    private boolean before(int one, int other) {
        long a = key.applyAsLong(one);
        long b = key.applyAsLong(other);
        return a != b ? a < b : messages.id.get(entries.message.get(one)) < messages.id.get(entries.message.get(other));
    }
}
