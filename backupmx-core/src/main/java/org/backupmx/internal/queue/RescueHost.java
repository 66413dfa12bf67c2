package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import org.backupmx.internal.runtime.EngineRuntime;

/**
 * What the lanes share of one list of rescue hosts: how many attempts they get at a time, and whether they are out of reach.
 * It has a pace of its own and no health: nobody waits for it but mail that has nowhere else to go. Thread-safe.
 */
final class RescueHost {

    /** How long nothing is attempted after no session was had at any address. */
    static final Duration PAUSE = Duration.ofSeconds(60);

    private final EngineRuntime runtime;
    private final PrimaryPermits permits;
    private volatile Instant pausedUntil = Instant.MIN;

    RescueHost(EngineRuntime runtime, int most) {
        this.runtime = runtime;
        this.permits = new PrimaryPermits(runtime, most, RateCap.Paid.NOTHING);
    }

    PrimaryPermits permits() {
        return permits;
    }

    /** Forgets a pause. */
    void forgive() {
        pausedUntil = Instant.MIN;
    }

    Instant pausedUntil() {
        return pausedUntil;
    }

    /** Takes an attempt that got no session. */
    void unreachable() {
        pausedUntil = runtime.now().plus(PAUSE);
    }
}
