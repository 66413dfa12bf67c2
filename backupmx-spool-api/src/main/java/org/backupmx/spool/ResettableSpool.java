package org.backupmx.spool;

import java.time.Instant;

/**
 * A spool that can forget how often a message was attempted. Methods may block; thread-safe. A reset may become durable a
 * moment later.
 */
public interface ResettableSpool {

    /**
     * Sets the attempts of a message to 0 and makes it due at an instant, in all its lanes; what its recipients were
     * told last, and when it was received, stays. A lease under way goes on: its settlement counts from 0 and decides
     * when its lane is due.
     *
     * @param id the message
     * @param due the new due instant
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean resetAttempts(SpoolId id, Instant due) throws SpoolException;
}
