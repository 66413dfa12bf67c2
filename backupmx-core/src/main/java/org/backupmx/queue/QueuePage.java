package org.backupmx.queue;

import java.util.List;
import java.util.Optional;
import org.backupmx.spool.SpoolId;

/**
 * A part of a list. Immutable and thread-safe.
 *
 * @param mails the messages, by identity
 * @param next where the next page begins: after this message, which may be gone by then; empty if this page is the last
 */
public record QueuePage(List<QueuedMail> mails, Optional<SpoolId> next) {

    /** Copies the parts. */
    public QueuePage {
        mails = List.copyOf(mails);
    }
}
