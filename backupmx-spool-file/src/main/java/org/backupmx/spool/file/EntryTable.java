package org.backupmx.spool.file;

/**
 * The lane entries: one row for each lane in which a message stands. Guarded by the index.
 *
 * <p>44 bytes a row.
 */
final class EntryTable {

    private static final int DONE = 1 << 16;
    private static final int ORDINAL = 0xffff;

    final IntColumn message = new IntColumn();
    final IntColumn lane = new IntColumn();
    /** The next entry of the same message, -1 after the last; in a freed row the next freed one. */
    final IntColumn next = new IntColumn();

    final LongColumn due = new LongColumn();
    /** Where the lane's STATE is, 0 if there is none yet. */
    final LongColumn state = new LongColumn();

    final IntColumn stateLength = new IntColumn();
    /** Its place in the heap of what can be leased, -1 if it is not there. */
    final IntColumn duePlace = new IntColumn();
    /** Its place in the heap by age. */
    final IntColumn agePlace = new IntColumn();

    private final IntColumn flags = new IntColumn();
    private final RowAllocator allocator =
            new RowAllocator(next, message, lane, due, state, stateLength, duePlace, agePlace, flags);

    int add(int messageRow, int ordinal) {
        int row = allocator.take();
        message.set(row, messageRow);
        lane.set(row, -1);
        next.set(row, -1);
        state.set(row, 0);
        stateLength.set(row, 0);
        duePlace.set(row, -1);
        agePlace.set(row, -1);
        flags.set(row, ordinal);
        return row;
    }

    void remove(int row) {
        message.set(row, -1);
        allocator.give(row);
    }

    /** Returns the position of the lane in the message's meta. */
    int ordinal(int row) {
        return flags.get(row) & ORDINAL;
    }

    /** Tells whether every recipient of the lane is final. */
    boolean isDone(int row) {
        return (flags.get(row) & DONE) != 0;
    }

    void done(int row) {
        flags.set(row, flags.get(row) | DONE);
    }
}
