package org.backupmx.spool;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Map;

/**
 * How a lease ends: the new states of its recipients, and when the rest is due. Immutable and thread-safe.
 *
 * @param at the caller's time
 * @param states the new state by recipient index; recipients not named keep theirs
 * @param nextDue when the recipients that are not final are due again; without meaning if all are
 * @param attempt whether this counts as an attempt
 */
public record Settlement(Instant at, Map<Integer, RecipientState> states, Instant nextDue, boolean attempt) {

    /** Checks and copies the parts. */
    public Settlement {
        requireNonNull(at, "at");
        states = Map.copyOf(states);
        requireNonNull(nextDue, "nextDue");
    }

    /**
     * Returns the settlement of an attempt.
     *
     * @param at the caller's time
     * @param states the new state by recipient index
     * @param nextDue when the rest is due
     * @return the settlement
     */
    public static Settlement attempted(Instant at, Map<Integer, RecipientState> states, Instant nextDue) {
        return new Settlement(at, states, nextDue, true);
    }

    /**
     * Returns the settlement of a lease that was not used: no outcome, no attempt.
     *
     * @param at the caller's time
     * @param nextDue when the message is due again; usually the lease's own {@link SpoolLease#due()}
     * @return the settlement
     */
    public static Settlement unused(Instant at, Instant nextDue) {
        return new Settlement(at, Map.of(), nextDue, false);
    }
}
