package org.backupmx.spool.file;

import java.util.Arrays;

/** A column of longs. Not thread-safe. */
final class LongColumn implements Column {

    private long[][] pages = new long[4][];
    private int count;

    @Override
    public void addPage() {
        if (count == pages.length) {
            pages = Arrays.copyOf(pages, pages.length * 2);
        }
        pages[count++] = new long[1 << SHIFT];
    }

    long get(int row) {
        return pages[row >>> SHIFT][row & MASK];
    }

    void set(int row, long value) {
        pages[row >>> SHIFT][row & MASK] = value;
    }
}
