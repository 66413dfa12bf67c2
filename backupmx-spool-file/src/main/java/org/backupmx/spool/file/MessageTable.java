package org.backupmx.spool.file;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The queued messages: a row of a few numbers each, found by identity. Guarded by the index.
 *
 * <p>36 bytes a row and 6 to 12 in the hash table.
 */
final class MessageTable {

    /** Where the chunks of a longer message are, and how long their records. */
    static final class Chunks {
        private final long[] locations;
        private final int[] lengths;

        Chunks(long[] locations, int[] lengths) {
            this.locations = locations;
            this.lengths = lengths;
        }

        long[] locations() {
            return locations;
        }

        int[] lengths() {
            return lengths;
        }
    }

    private static final int HUGE = -1;

    static final int HELD = 1;
    /** Deletion is on its way to the disk: neither leased nor moved. */
    static final int DYING = 2;
    /** Found damaged: in no lane. */
    static final int DAMAGED = 4;

    final LongColumn id = new LongColumn();
    final LongColumn location = new LongColumn();
    final IntColumn length = new IntColumn();
    final LongColumn received = new LongColumn();
    /** The first of its lane entries; in a freed row the next freed one. */
    final IntColumn firstEntry = new IntColumn();

    /** Sizes in bytes, {@link #HUGE} for those in {@link #hugeSizes}. */
    private final IntColumn size = new IntColumn();

    private final IntColumn flags = new IntColumn();
    private final RowAllocator allocator = new RowAllocator(firstEntry, id, location, length, size, received, flags);
    private final Map<Integer, Chunks> chunks = new HashMap<>();
    private final Map<Integer, Long> hugeSizes = new HashMap<>();

    /** Open addressing with linear probing: row + 1, 0 if empty. */
    private int[] table = new int[1024];

    private int count;

    int count() {
        return count;
    }

    /** Returns how many rows there have ever been; those of no message have the identity 0. */
    int rows() {
        return allocator.rows();
    }

    /** Returns the row of a message, -1 if it is not there. */
    int find(long messageId) {
        int mask = table.length - 1;
        for (int at = slot(messageId, mask); table[at] != 0; at = (at + 1) & mask) {
            int row = table[at] - 1;
            if (id.get(row) == messageId) {
                return row;
            }
        }
        return -1;
    }

    int add(long messageId) {
        int row = allocator.take();
        id.set(row, messageId);
        flags.set(row, 0);
        firstEntry.set(row, -1);
        count++;
        if (count * 3L > table.length * 2L) {
            grow();
        } else {
            insert(row);
        }
        return row;
    }

    private void insert(int row) {
        int mask = table.length - 1;
        int at = slot(id.get(row), mask);
        while (table[at] != 0) {
            at = (at + 1) & mask;
        }
        table[at] = row + 1;
    }

    private void grow() {
        int rows = allocator.rows();
        table = new int[table.length * 2];
        Arrays.fill(table, 0);
        for (int row = 0; row < rows; row++) {
            if (id.get(row) != 0) {
                insert(row);
            }
        }
    }

    void remove(int row) {
        int mask = table.length - 1;
        int hole = slot(id.get(row), mask);
        while (table[hole] != row + 1) {
            hole = (hole + 1) & mask;
        }
        // closes the gap: what follows moves up unless that would put it before its own slot
        for (int at = (hole + 1) & mask; table[at] != 0; at = (at + 1) & mask) {
            int home = slot(id.get(table[at] - 1), mask);
            if (((at - home) & mask) >= ((at - hole) & mask)) {
                table[hole] = table[at];
                hole = at;
            }
        }
        table[hole] = 0;
        id.set(row, 0);
        chunks.remove(row);
        if (size.get(row) == HUGE) {
            hugeSizes.remove(row);
        }
        allocator.give(row);
        count--;
    }

    private static int slot(long messageId, int mask) {
        long mixed = messageId * 0x9E3779B97F4A7C15L;
        return (int) (mixed >>> 32) & mask;
    }

    /** Returns where a message's record is. */
    @Nullable
    Extent record(int row) {
        return Extent.of(location.get(row), length.get(row));
    }

    /** Returns where its header and meta are: what is before the mail data. */
    @Nullable
    Extent head(int row) {
        long meta = length.get(row) - sizeBytes(row);
        return Extent.of(location.get(row), meta > 0 ? meta : length.get(row)); // of a longer message there is no data
    }

    boolean is(int row, int flag) {
        return (flags.get(row) & flag) != 0;
    }

    void set(int row, int flag, boolean on) {
        flags.set(row, on ? flags.get(row) | flag : flags.get(row) & ~flag);
    }

    /** Returns how many bytes of mail data a message has. */
    long sizeBytes(int row) {
        int known = size.get(row);
        return known == HUGE ? hugeSizes.getOrDefault(row, 0L) : known;
    }

    void sizeBytes(int row, long bytes) {
        if (bytes >= 0 && bytes <= Integer.MAX_VALUE) {
            size.set(row, (int) bytes);
        } else {
            size.set(row, HUGE);
            hugeSizes.put(row, bytes);
        }
    }

    @Nullable
    Chunks chunks(int row) {
        return chunks.get(row);
    }

    void chunks(int row, Chunks value) {
        chunks.put(row, value);
    }
}
