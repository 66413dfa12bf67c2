package org.backupmx.spool.file;

/** The new state of a lane of a message, settled and not on disk yet. */
final class StateItem extends CommitItem {

    private final SpoolIndex index;
    private final int entry;
    private final LaneState state;
    private final RecordBuffer record;

    StateItem(SpoolIndex index, long id, int entry, LaneState state) {
        this.index = index;
        this.entry = entry;
        this.state = state;
        this.record = state.record(id);
    }

    LaneState state() {
        return state;
    }

    @Override
    RecordBuffer record() {
        return record;
    }

    @Override
    boolean isLazy() {
        return true;
    }

    @Override
    void publish() {
        // a newer state, or the message's end, makes this one needless
        if (index.unwritten.remove(entry, this)) {
            index.state(entry, location(), length());
        }
    }
}
