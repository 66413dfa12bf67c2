package org.backupmx.health;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;

/** Tells whether a primary is up and away too often for "up" to be believed. Not thread-safe. */
final class Flapping {

    /** The most times within {@link #WINDOW} that a primary may become UP or cease to be. */
    static final int MOST = 6;

    static final Duration WINDOW = Duration.ofHours(1);

    private final Deque<Instant> turns = new ArrayDeque<>(); // no more than MOST + 1
    private boolean flapping;

    /** Takes an instant at which the primary became UP, or ceased to be. */
    void turned(Instant now) {
        turns.addLast(now);
        if (turns.size() > MOST + 1) {
            turns.removeFirst();
        }
    }

    /** Begins with too many turns in a window, ends with a window without any. */
    boolean is(Instant now) {
        if (flapping) {
            flapping = turns.getLast().plus(WINDOW).isAfter(now);
        } else {
            flapping = turns.size() > MOST && turns.getFirst().plus(WINDOW).isAfter(now);
        }
        return flapping;
    }
}
