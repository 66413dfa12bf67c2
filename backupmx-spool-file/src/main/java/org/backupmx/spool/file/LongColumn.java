package org.backupmx.spool.file;

import java.util.Arrays;

/** A column of longs, 0 until set. A page takes memory from its first other value on. Not thread-safe. */
final class LongColumn implements Column {

    private long[][] pages = new long[4][];
    private int count;

    @Override
    public void addPage() {
        if (count == pages.length) {
            pages = Arrays.copyOf(pages, pages.length * 2);
        }
        count++;
    }

    long get(int row) {
        long[] page = pages[row >>> SHIFT];
        return page == null ? 0 : page[row & MASK];
    }

    void set(int row, long value) {
        long[] page = pages[row >>> SHIFT];
        if (page == null) {
            if (value == 0) {
                return;
            }
            page = new long[1 << SHIFT];
            pages[row >>> SHIFT] = page;
        }
        page[row & MASK] = value;
    }
}
