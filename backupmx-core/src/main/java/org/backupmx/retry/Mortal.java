package org.backupmx.retry;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Another policy with an end. */
record Mortal(RetryPolicy policy, Duration end) implements RetryPolicy {

    Mortal {
        requireNonNull(policy, "policy");
        Intervals.check("lifetime", end);
    }

    @Override
    public Optional<Duration> lifetime() {
        return Optional.of(
                policy.lifetime().filter(other -> other.compareTo(end) < 0).orElse(end));
    }

    @Override
    public RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        Instant last = receivedAt.plus(end);
        if (!now.isBefore(last)) {
            return new RetryDecision.GiveUp();
        }
        RetryDecision decision = policy.decide(attempts, receivedAt, now);
        return decision instanceof RetryDecision.RetryAt retry
                        && retry.instant().isAfter(last)
                ? new RetryDecision.RetryAt(last)
                : decision;
    }

    /** Puts the jitter below the end, so that it cannot carry an attempt past it. */
    @Override
    public RetryPolicy withJitter(double fraction, RandomGenerator random) {
        return new Mortal(policy.withJitter(fraction, random), end);
    }
}
