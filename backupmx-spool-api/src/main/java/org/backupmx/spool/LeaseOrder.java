package org.backupmx.spool;

/** In which order the messages of a lane are leased that are due since they were received: none was attempted yet. */
public enum LeaseOrder {
    /** The one that was received first: with the others of the lane, earliest due first, as {@link Spool#lease} does. */
    OLDEST,
    /** The one that was received last. */
    NEWEST,
    /** The one with the least mail data; of equals any. */
    SMALLEST
}
