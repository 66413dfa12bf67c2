package org.backupmx.internal.queue;

import java.time.Instant;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;

/**
 * When the primary of a lane came back: mail that has waited for that is not given up before its attempts have had a day.
 * After a start nothing is known of the primary, so a first answer counts as a return for mail that was there before, and a
 * day without any news does, too. Thread-safe.
 */
final class Recovery {

    private final Instant startedAt;
    private @Nullable Boolean wasAnswering; // guarded by this, as all the rest
    private @Nullable Instant at;
    private boolean isFirst;

    Recovery(Instant startedAt) {
        this.startedAt = startedAt;
    }

    /** The primary's health is another. */
    synchronized void healthChanged(boolean isAnswering, Instant now) {
        if (isAnswering && !Boolean.TRUE.equals(wasAnswering)) {
            isFirst = wasAnswering == null;
            at = now;
        }
        wasAnswering = isAnswering;
    }

    /** Tells whether the primary came back within the last day, after a message was received. */
    synchronized boolean isRecent(Instant receivedAt, Instant now) {
        if (wasAnswering == null) {
            return receivedAt.isBefore(startedAt)
                    && now.isBefore(startedAt.plus(UndeliveredPolicy.GRACE_AFTER_RECOVERY));
        }
        Instant back = at;
        return back != null
                && now.isBefore(back.plus(UndeliveredPolicy.GRACE_AFTER_RECOVERY))
                && receivedAt.isBefore(isFirst ? startedAt : back);
    }
}
