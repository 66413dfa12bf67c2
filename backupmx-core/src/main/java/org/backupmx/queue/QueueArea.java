package org.backupmx.queue;

/** Where a message of the spool stands. */
public enum QueueArea {
    /** It waits for its next attempt, or is being attempted. */
    DELIVERY,
    /** It was held by an operator. */
    HELD,
    /** Its time had passed, and there was nobody who might be told. */
    EXPIRED,
    /** A next hop refused it for good, and there was nobody who might be told. */
    DEAD_LETTER,
    /** It was deleted by an operator and can be had back. It is not counted as queued. */
    RECYCLED
}
