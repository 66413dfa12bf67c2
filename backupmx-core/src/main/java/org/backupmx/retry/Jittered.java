package org.backupmx.retry;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Another policy with every interval changed by a random part of it. */
record Jittered(RetryPolicy policy, double fraction, RandomGenerator random) implements RetryPolicy {

    Jittered {
        requireNonNull(policy, "policy");
        requireNonNull(random, "random");
        if (!(fraction >= 0 && fraction < 1)) {
            throw new IllegalArgumentException("fraction: " + fraction + " (expected: >= 0 and < 1)");
        }
    }

    @Override
    public Optional<Duration> lifetime() {
        return policy.lifetime();
    }

    @Override
    public RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        RetryDecision decision = policy.decide(attempts, receivedAt, now);
        if (!(decision instanceof RetryDecision.RetryAt retry)) {
            return decision;
        }
        long millis = Duration.between(now, retry.instant()).toMillis();
        double factor = 1 + fraction * (2 * random.nextDouble() - 1);
        return new RetryDecision.RetryAt(now.plusMillis(Math.max(1, Math.round(millis * factor))));
    }
}
