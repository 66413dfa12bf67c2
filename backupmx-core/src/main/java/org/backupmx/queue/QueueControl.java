package org.backupmx.queue;

import java.util.List;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/**
 * Looks at the queue of an engine and steers it. Thread-safe; methods that throw {@link SpoolException} may block.
 *
 * <p>What goes beyond {@link org.backupmx.spool.Spool} needs a spool with that ability; without it the method throws
 * {@link IllegalStateException} and names the interface that is missing. Every method throws it when the engine does
 * not run.
 */
public interface QueueControl {

    /**
     * Attempts everything queued for a domain now, whenever it is due. A primary that is away is probed first.
     *
     * @param domain the destination domain
     */
    void flush(MailDomain domain);

    /** Attempts everything queued now, whenever it is due. Primaries that are away are probed first. */
    void flushAll();

    /**
     * Makes a message due now. Needs a {@link org.backupmx.spool.ReschedulableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean flush(SpoolId id) throws SpoolException;

    /**
     * Holds a message: it is not attempted until released. Needs a {@link org.backupmx.spool.HoldableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean hold(SpoolId id) throws SpoolException;

    /**
     * Releases a held message. Needs a {@link org.backupmx.spool.HoldableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean release(SpoolId id) throws SpoolException;

    /**
     * Deletes a message for all its recipients; nobody is told. Needs a {@link org.backupmx.spool.DeletableSpool}.
     *
     * @param id the message
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean delete(SpoolId id) throws SpoolException;

    /**
     * Returns one queued message. Needs a {@link org.backupmx.spool.FindableSpool}.
     *
     * @param id the message
     * @return the message, empty if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    Optional<QueuedMessage> find(SpoolId id) throws SpoolException;

    /**
     * Returns a page of the queued messages that fit. Needs a {@link org.backupmx.spool.FindableSpool}.
     *
     * @param filter which messages
     * @param after the last message of the page before; empty for the first page
     * @param limit the most messages of this page, at least 1
     * @return the page; shorter than {@code limit} only if it is the last
     * @throws IllegalArgumentException if {@code limit} is below 1
     * @throws SpoolException if the spool cannot be asked
     */
    List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException;
}
