package org.backupmx.spool.file;

/** Gives out row numbers of a table and takes them back; freed rows are chained through a column. Not thread-safe. */
final class RowAllocator {

    private final IntColumn chain;
    private int firstFree = -1;
    private int rows;

    RowAllocator(IntColumn chain) {
        this.chain = chain;
    }

    int take() {
        if (firstFree < 0) {
            return rows++;
        }
        int row = firstFree;
        firstFree = chain.get(row);
        return row;
    }

    void give(int row) {
        chain.set(row, firstFree);
        firstFree = row;
    }

    /** Returns how many rows there have ever been. */
    int rows() {
        return rows;
    }
}
