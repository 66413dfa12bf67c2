package org.backupmx.retry;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;

/** Another policy with an end. */
record Mortal(RetryPolicy policy, Duration lifetime) implements RetryPolicy {

    Mortal {
        requireNonNull(policy, "policy");
        Intervals.check("lifetime", lifetime);
    }

    @Override
    public RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        Instant end = receivedAt.plus(lifetime);
        if (!now.isBefore(end)) {
            return new RetryDecision.GiveUp();
        }
        RetryDecision decision = policy.decide(attempts, receivedAt, now);
        return decision instanceof RetryDecision.RetryAt retry
                        && retry.instant().isAfter(end)
                ? new RetryDecision.RetryAt(end)
                : decision;
    }

    /** Puts the jitter below the end, so that it cannot carry an attempt past it. */
    @Override
    public RetryPolicy withJitter(double fraction, RandomGenerator random) {
        return new Mortal(policy.withJitter(fraction, random), lifetime);
    }
}
