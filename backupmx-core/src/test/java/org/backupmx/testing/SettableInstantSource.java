package org.backupmx.testing;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands still until a test moves it. Thread-safe. */
public final class SettableInstantSource implements InstantSource {

    private volatile Instant now;

    /**
     * Makes a clock.
     *
     * @param start what it shows
     */
    public SettableInstantSource(Instant start) {
        now = requireNonNull(start, "start");
    }

    @Override
    public Instant instant() {
        return now;
    }

    /**
     * Sets the clock, forward or back.
     *
     * @param value what it shows now
     */
    public void set(Instant value) {
        now = requireNonNull(value, "value");
    }

    /**
     * Moves the clock.
     *
     * @param step by how much
     */
    public synchronized void advance(Duration step) {
        now = now.plus(step);
    }
}
