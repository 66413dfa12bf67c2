package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Instant;

/**
 * A change of a primary's health. Immutable and thread-safe.
 *
 * @param from what it was
 * @param to what it is
 * @param at when that was seen
 * @param cause the answer that turned it, for operators
 */
public record HealthChange(PrimaryHealth from, PrimaryHealth to, Instant at, String cause) {

    /** Checks the parts. */
    public HealthChange {
        requireNonNull(from, "from");
        requireNonNull(to, "to");
        requireNonNull(at, "at");
        requireNonNull(cause, "cause");
    }
}
