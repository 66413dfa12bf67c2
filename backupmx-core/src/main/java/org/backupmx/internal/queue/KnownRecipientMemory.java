package org.backupmx.internal.queue;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.Mailbox;

/** Recipients that their primary has taken, {@value #MOST} at most, those of late. Thread-safe. */
final class KnownRecipientMemory {

    static final int MOST = 200_000;

    private final Cache<Mailbox, Boolean> known =
            Caffeine.newBuilder().maximumSize(MOST).executor(Runnable::run).build();

    void taken(ForwardPath recipient) {
        if (!isKnown(recipient)) { // a look is cheaper than a write, and as good for being of late
            known.put(recipient.mailbox(), true);
        }
    }

    boolean isKnown(ForwardPath recipient) {
        return known.getIfPresent(recipient.mailbox()) != null;
    }

    /** Forgets a recipient; returns whether it was known. */
    boolean forgets(ForwardPath recipient) {
        return known.asMap().remove(recipient.mailbox()) != null;
    }
}
