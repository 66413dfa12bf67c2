package org.backupmx.spool;

/** A spool whose messages can be deleted by operators. Methods may block; thread-safe; durable when they return. */
public interface DeletableSpool {

    /**
     * Deletes a message in all its lanes, without an outcome for anyone. A lease under way is lost.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean delete(SpoolId id) throws SpoolException;
}
