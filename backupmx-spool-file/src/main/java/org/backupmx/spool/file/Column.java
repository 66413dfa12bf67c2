package org.backupmx.spool.file;

/** A column of a table that grows page by page, so that growing copies nothing. */
interface Column {

    /** Rows of a page, as a power of two. */
    int SHIFT = 12;

    int MASK = (1 << SHIFT) - 1;

    /** Makes room for another page of rows. */
    void addPage();
}
