package org.backupmx.spool.file;

/** Gives out row numbers of a table and takes them back; freed rows are chained through a column. Not thread-safe. */
final class RowAllocator {

    private final IntColumn chain;
    private final Column[] others;
    private int firstFree = -1;
    private int rows;

    /** Gives out rows of a table with the columns {@code chain} and {@code others}, and makes room in all of them. */
    RowAllocator(IntColumn chain, Column... others) {
        this.chain = chain;
        this.others = others;
    }

    int take() {
        if (firstFree < 0) {
            if ((rows & Column.MASK) == 0) {
                addPage();
            }
            return rows++;
        }
        int row = firstFree;
        firstFree = chain.get(row);
        return row;
    }

    private void addPage() {
        chain.addPage();
        for (Column other : others) {
            other.addPage();
        }
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
