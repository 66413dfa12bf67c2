package org.backupmx.greylist;

import java.time.Duration;
import java.time.Instant;

/**
 * The rule for which recipients are deferred at first sight (RFC 6647). Implementations are thread-safe. What it throws
 * defers the recipient with 451.
 */
@FunctionalInterface
public interface GreylistPolicy {

    /**
     * Decides on one recipient.
     *
     * @param triplet who sends from where to whom
     * @param now the time
     * @return pass, or wait and how long
     */
    GreylistDecision decide(GreylistTriplet triplet, Instant now);

    /**
     * Tells whether {@link #decide} may wait for something; if so it is never called on an event loop.
     *
     * @return true unless overridden; false for the policies of {@link #off()} and {@link #inMemory}
     */
    default boolean mayBlock() {
        return true;
    }

    /**
     * Returns the policy that lets everything pass.
     *
     * @return greylisting switched off
     */
    static GreylistPolicy off() {
        return Off.INSTANCE;
    }

    /**
     * Returns greylisting by {@link GreylistRules#of(Duration)}, remembered in memory only, with at most
     * {@value GreylistStore#DEFAULT_ENTRIES} entries.
     *
     * @param delay how long a client waits at first sight
     * @return the policy
     * @throws IllegalArgumentException if {@code delay} is out of range
     */
    static GreylistPolicy inMemory(Duration delay) {
        return of(GreylistRules.of(delay), GreylistStore.inMemory(GreylistStore.DEFAULT_ENTRIES));
    }

    /**
     * Returns greylisting by the given rules, remembered in the given store.
     *
     * @param rules the rules
     * @param store what remembers
     * @return the policy
     */
    static GreylistPolicy of(GreylistRules rules, GreylistStore store) {
        return new Greylisting(rules, store);
    }
}
