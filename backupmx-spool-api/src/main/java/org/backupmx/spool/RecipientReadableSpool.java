package org.backupmx.spool;

import java.util.List;
import java.util.Optional;
import org.backupmx.mail.Mailbox;

/** A spool whose queued messages can be read recipient by recipient. Methods may block; thread-safe. */
public interface RecipientReadableSpool {

    /**
     * Returns a page of the messages that wait for a recipient, in an order that stays the same from page to page.
     *
     * @param recipient the mailbox
     * @param after the last message of the page before; empty for the first page
     * @param limit the most messages of this page, at least 1
     * @return the page; shorter than {@code limit} only if it is the last
     * @throws IllegalArgumentException if {@code limit} is below 1
     * @throws SpoolException if the spool cannot be read
     */
    List<QueuedMessage> readableBy(Mailbox recipient, Optional<SpoolId> after, int limit) throws SpoolException;
}
