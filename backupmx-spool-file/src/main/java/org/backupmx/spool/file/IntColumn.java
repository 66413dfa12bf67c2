package org.backupmx.spool.file;

import java.util.Arrays;

/**
 * A column of ints, all of one value until set. A page takes memory from its first other value on. Not thread-safe.
 */
final class IntColumn implements Column {

    private final int blank;
    private int[][] pages = new int[4][];
    private int count;

    /** Makes a column of zeros. */
    IntColumn() {
        this(0);
    }

    /** Makes a column of {@code blank}s. */
    IntColumn(int blank) {
        this.blank = blank;
    }

    @Override
    public void addPage() {
        if (count == pages.length) {
            pages = Arrays.copyOf(pages, pages.length * 2);
        }
        count++;
    }

    int get(int row) {
        int[] page = pages[row >>> SHIFT];
        return page == null ? blank : page[row & MASK];
    }

    void set(int row, int value) {
        int[] page = pages[row >>> SHIFT];
        if (page == null) {
            if (value == blank) {
                return;
            }
            page = new int[1 << SHIFT];
            Arrays.fill(page, blank);
            pages[row >>> SHIFT] = page;
        }
        page[row & MASK] = value;
    }
}
