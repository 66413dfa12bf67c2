package org.backupmx.spool.file;

/** What a commit waits for. */
public enum SyncMode {
    /** The disk: a committed message survives a loss of power. The default, and the only mode for mail. */
    FORCE,
    /**
     * The operating system's memory only: <b>a loss of power or a crash of the machine loses committed mail</b>. For
     * measurements of everything but the disk.
     */
    NONE
}
