package org.backupmx.internal.monitoring;

import java.time.Duration;
import java.time.Instant;

/**
 * What somebody has tried while the primary was UP. Immutable.
 *
 * @param count how many attempts count
 * @param first when the first was, in seconds since 1970
 * @param last when the last that counts was, in seconds since 1970
 * @param isLetIn whether it has been let in
 */
record Attempts(int count, long first, long last, boolean isLetIn) {

    /** With which attempt it is let in. */
    static final int ENOUGH = 3;

    /** How long after the first attempt it is let in: longer than spammers' software comes back, see row X7. */
    static final Duration WAIT = Duration.ofMinutes(30);

    /**
     * What comes sooner after the last attempt that counts is part of that one: a client that goes through all addresses
     * of a backup, or has several messages for one recipient. No queue tries again sooner: Haraka, the fastest, waits
     * 64 s. It is the last that counts and not the last of all, or who has mail every 30 s would never get in.
     */
    static final Duration SPACING = Duration.ofMinutes(1);

    /** How long it is remembered: the longest interval of an MTA that we know of is Haraka's last, 36 h. */
    static final Duration KEEP = Duration.ofDays(2);

    static Attempts first(Instant now) {
        return new Attempts(1, now.getEpochSecond(), now.getEpochSecond(), false);
    }

    /** Takes one more. A first attempt that is yet to come is the trace of a clock set back: it is forgotten. */
    Attempts more(Instant now) {
        long at = now.getEpochSecond();
        if (first > at) {
            return first(now);
        }
        boolean counts = at - last >= SPACING.toSeconds();
        return counts ? new Attempts(Math.min(count + 1, ENOUGH), first, at, isLetIn) : this;
    }

    boolean isEnough(Instant now) {
        return count >= ENOUGH && now.getEpochSecond() - first >= WAIT.toSeconds();
    }

    Attempts letIn() {
        return isLetIn ? this : new Attempts(count, first, last, true);
    }

    /** Takes what was known before a restart and is read after the first came. */
    Attempts after(Attempts before) {
        return new Attempts(
                Math.min(before.count + count, ENOUGH),
                Math.min(before.first, first),
                Math.max(before.last, last),
                before.isLetIn || isLetIn);
    }
}
