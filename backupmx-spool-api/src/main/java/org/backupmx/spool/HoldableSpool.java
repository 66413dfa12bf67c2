package org.backupmx.spool;

/**
 * A spool whose messages can be held back from delivery. Methods may block; thread-safe; durable when they return.
 */
public interface HoldableSpool {

    /**
     * Holds a message: it is not leased until released. A lease under way goes on and can be settled.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean hold(SpoolId id) throws SpoolException;

    /**
     * Releases a held message; its due instants are what they were.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean release(SpoolId id) throws SpoolException;
}
