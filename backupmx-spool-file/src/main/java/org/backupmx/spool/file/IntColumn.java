package org.backupmx.spool.file;

import java.util.Arrays;

/** A growing array of ints in pages, so that growing copies nothing. Not thread-safe. */
final class IntColumn {

    private static final int SHIFT = 12;
    private static final int MASK = (1 << SHIFT) - 1;

    private int[][] pages = new int[4][];

    int get(int row) {
        return pages[row >>> SHIFT][row & MASK];
    }

    void set(int row, int value) {
        int page = row >>> SHIFT;
        if (page >= pages.length) {
            pages = Arrays.copyOf(pages, pages.length * 2);
        }
        int[] values = pages[page];
        if (values == null) {
            values = new int[1 << SHIFT];
            pages[page] = values;
        }
        values[row & MASK] = value;
    }
}
