package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Future;
import org.backupmx.internal.runtime.EngineRuntime;
import org.jspecify.annotations.Nullable;

/** Wakes a lane at the earliest instant that was asked for since it was woken last. Owned by its lane's turn. */
final class LaneTimer {

    private final EngineRuntime runtime;
    private final Runnable wake;
    private volatile boolean fired;
    private @Nullable Future<?> timer;
    private Instant armedFor = Instant.MAX;

    LaneTimer(EngineRuntime runtime, Runnable wake) {
        this.runtime = runtime;
        this.wake = wake;
    }

    /** Takes the begin of a turn, which asks anew for what it needs if the timer has fired. */
    void turnBegins() {
        if (fired) {
            fired = false;
            armedFor = Instant.MAX;
        }
    }

    /** Has the lane woken at an instant, or before. */
    void arm(Instant when) {
        Instant now = runtime.now();
        if (armedFor.isAfter(now) && !when.isBefore(armedFor)) {
            return;
        }
        disarm();
        armedFor = when;
        timer = runtime.schedule(Duration.between(now, when), this::fired);
    }

    void disarm() {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    /** The clock may not be where the timer was set for, so that the next turn arms it again. */
    private void fired() {
        fired = true;
        wake.run();
    }
}
