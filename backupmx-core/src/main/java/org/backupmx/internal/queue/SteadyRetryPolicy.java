package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.backupmx.retry.RetryDecision;
import org.backupmx.retry.RetryPolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A user's policy as the lanes can rely on it: it always answers, and with an instant to come. */
record SteadyRetryPolicy(RetryPolicy policy) implements RetryPolicy {

    private static final Logger LOG = LoggerFactory.getLogger(SteadyRetryPolicy.class);

    /** What stands in for an answer that there is not. */
    private static final Duration FALLBACK = Duration.ofMinutes(15);

    @Override
    public Optional<Duration> lifetime() {
        try {
            Optional<Duration> lifetime = policy.lifetime();
            return lifetime == null ? Optional.empty() : lifetime;
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("retry policy failed");
            return Optional.empty();
        }
    }

    @Override
    public RetryDecision decide(int attempts, Instant receivedAt, Instant now) {
        RetryDecision decision;
        try {
            decision = policy.decide(attempts, receivedAt, now);
        } catch (RuntimeException e) {
            LOG.atError().setCause(e).log("retry policy failed");
            return new RetryDecision.RetryAt(now.plus(FALLBACK));
        }
        if (decision instanceof RetryDecision.GiveUp
                || (decision instanceof RetryDecision.RetryAt retry
                        && retry.instant().isAfter(now))) {
            return decision;
        }
        LOG.atError()
                .addKeyValue("decision", decision)
                .addKeyValue("now", now)
                .log("retry policy answered nothing to come");
        return new RetryDecision.RetryAt(now.plus(FALLBACK));
    }
}
