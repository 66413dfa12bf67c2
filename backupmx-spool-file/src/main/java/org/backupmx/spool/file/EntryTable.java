package org.backupmx.spool.file;

import org.jspecify.annotations.Nullable;

/**
 * The lane entries: one row for each lane in which a message stands. Guarded by the index.
 *
 * <p>20 bytes a row, 16 more once a lane was attempted, 8 more for a message in several lanes, and 4 more where lanes are
 * leased in an order of their own.
 */
final class EntryTable {

    private static final int DONE = 1 << 16;
    private static final int ORDINAL = 0xffff;

    /** The row of the message; in a freed row the next freed one. */
    final IntColumn message = new IntColumn();

    final IntColumn lane = new IntColumn();
    /** The next entry of the same message, -1 after the last. */
    final IntColumn next = new IntColumn(-1);

    final LongColumn due = new LongColumn();
    /** Where the lane's STATE is, 0 if there is none yet. */
    final LongColumn state = new LongColumn();

    final IntColumn stateLength = new IntColumn();
    /** Its place in the heap of what can be leased, -1 if it is not there. */
    final IntColumn duePlace = new IntColumn(-1);
    /** Its place in the heap by age, -1 if it is not there. */
    final IntColumn agePlace = new IntColumn(-1);
    /** Its place in the heap of what is leased in an order, -1 if it is not there. */
    final IntColumn orderPlace = new IntColumn(-1);

    private final IntColumn flags = new IntColumn();
    private final RowAllocator allocator =
            new RowAllocator(message, lane, next, due, state, stateLength, duePlace, agePlace, orderPlace, flags);

    int add(int messageRow, int ordinal) {
        int row = allocator.take();
        message.set(row, messageRow);
        lane.set(row, -1);
        next.set(row, -1);
        state.set(row, 0);
        stateLength.set(row, 0);
        duePlace.set(row, -1);
        agePlace.set(row, -1);
        orderPlace.set(row, -1);
        flags.set(row, ordinal);
        return row;
    }

    void remove(int row) {
        allocator.give(row);
    }

    /** Returns the position of the lane in the message's meta. */
    int ordinal(int row) {
        return flags.get(row) & ORDINAL;
    }

    /** Returns where the lane's STATE is, null if there is none yet. */
    @Nullable
    Extent record(int row) {
        return Extent.of(state.get(row), stateLength.get(row));
    }

    /** Tells whether every recipient of the lane is final. */
    boolean isDone(int row) {
        return (flags.get(row) & DONE) != 0;
    }

    void done(int row) {
        flags.set(row, flags.get(row) | DONE);
    }
}
