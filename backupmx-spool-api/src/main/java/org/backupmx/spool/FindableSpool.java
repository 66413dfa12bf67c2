package org.backupmx.spool;

import java.util.List;
import java.util.Optional;

/** A spool whose queued messages can be found by operators. Methods may block; thread-safe. */
public interface FindableSpool {

    /**
     * Returns one queued message.
     *
     * @param id its identity
     * @return the message, empty if it is not queued
     * @throws SpoolException if the spool cannot be read
     */
    Optional<QueuedMessage> find(SpoolId id) throws SpoolException;

    /**
     * Returns a page of the queued messages that fit, in an order that stays the same from page to page.
     *
     * @param filter which messages
     * @param after the last message of the page before; empty for the first page. It need not be queued any more
     * @param limit the most messages of this page, at least 1
     * @return the page; shorter than {@code limit} only if it is the last
     * @throws IllegalArgumentException if {@code limit} is below 1
     * @throws SpoolException if the spool cannot be read
     */
    List<QueuedMessage> find(SpoolFilter filter, Optional<SpoolId> after, int limit) throws SpoolException;
}
