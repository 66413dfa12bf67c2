package org.backupmx.spool.file;

import java.util.Arrays;

/** A column of ints. Not thread-safe. */
final class IntColumn implements Column {

    private int[][] pages = new int[4][];
    private int count;

    @Override
    public void addPage() {
        if (count == pages.length) {
            pages = Arrays.copyOf(pages, pages.length * 2);
        }
        pages[count++] = new int[1 << SHIFT];
    }

    int get(int row) {
        return pages[row >>> SHIFT][row & MASK];
    }

    void set(int row, int value) {
        pages[row >>> SHIFT][row & MASK] = value;
    }
}
