package org.backupmx.spool.file;

import java.util.Arrays;

/** A growing array of longs in pages, so that growing copies nothing. Not thread-safe. */
final class LongColumn {

    private static final int SHIFT = 12;
    private static final int MASK = (1 << SHIFT) - 1;

    private long[][] pages = new long[4][];

    long get(int row) {
        return pages[row >>> SHIFT][row & MASK];
    }

    void set(int row, long value) {
        int page = row >>> SHIFT;
        if (page >= pages.length) {
            pages = Arrays.copyOf(pages, pages.length * 2);
        }
        long[] values = pages[page];
        if (values == null) {
            values = new long[1 << SHIFT];
            pages[page] = values;
        }
        values[row & MASK] = value;
    }
}
