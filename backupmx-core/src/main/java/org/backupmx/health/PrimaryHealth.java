package org.backupmx.health;

/** What is known of a primary, and what follows for its mail. */
public enum PrimaryHealth {
    /**
     * Nothing is known: no answer yet, or the DNS does not say where the primary is. Mail for it is accepted; queued
     * mail is tried at its due time.
     */
    UNKNOWN,
    /** It answers and takes mail. In monitoring mode its mail is left to it; queued mail is relayed at once. */
    UP,
    /**
     * It answers but is busy, has just failed for the first time, answers again but not often enough yet to be UP, or
     * comes and goes. Mail for it is accepted; queued mail is tried by one attempt at a time: at once after a good
     * answer, else at its due time.
     */
    DEGRADED,
    /**
     * It answers and refuses for good (5yz), whatever is offered: a broken set-up, most of the time. Mail for it is
     * accepted and kept; probes tell when that is over.
     */
    REJECTING,
    /** It cannot be reached. Mail for it is accepted; queued mail waits for a probe to succeed. */
    DOWN
}
