package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;
import org.backupmx.internal.dsn.FailedRecipient;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.retry.RetryDecision;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.SpooledMessage;
import org.backupmx.undelivered.ContentRefusal;
import org.backupmx.undelivered.ExpiryAction;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;

/** When the mail of one lane is tried again, and when its time is over. Thread-safe. */
final class LaneExpiry {

    /** When mail is tried again whose policy has given it up, but which is kept. */
    private static final Duration FALLBACK = Duration.ofHours(1);

    private final DomainRoute route;
    private final Recovery recovery;
    private final ClockGains gains;
    private final AnsweringTime answering;
    private final Supplier<Optional<PrimaryCapabilities>> capabilities;

    LaneExpiry(
            DomainRoute route,
            Recovery recovery,
            ClockGains gains,
            AnsweringTime answering,
            Supplier<Optional<PrimaryCapabilities>> capabilities) {
        this.route = route;
        this.recovery = recovery;
        this.gains = gains;
        this.answering = answering;
        this.capabilities = capabilities;
    }

    /** The rules in force. */
    UndeliveredPolicy rules() {
        return route.undelivered();
    }

    /** Tells whether this is mail for a domain of ours, as far as that is known. */
    boolean isOfRelayDomain() {
        return route.isOfRelayDomain();
    }

    /** Tells whether mail that is lost so goes to the rescue hosts: never what is not for a domain of ours. */
    boolean isRescued(FailedRecipient failure) {
        boolean isWanted = failure.isExpired()
                ? rules().expiry() instanceof ExpiryAction.Rescue
                : rules().contentRefusal() == ContentRefusal.RESCUE && LostMail.isContentRefusal(failure.reply());
        return isWanted && route.isOfRelayDomain() && rules().rescueHosts().isPresent();
    }

    /** Tells whether the primary sends notifications itself (RFC 3461); empty if that is not known. */
    Optional<Boolean> primaryTells() {
        return capabilities.get().map(said -> said.offers("DSN"));
    }

    /** Decides after an attempt, or between attempts, of which there have been {@code attempts}, at least 1. */
    RetryDecision decide(SpooledMessage message, int attempts, Instant now) {
        return decide(message.envelope().reversePath().isNull(), message.receivedAt(), attempts, now);
    }

    /** Tells whether a message that was received then may be over its time, whatever its reverse-path. */
    boolean mayBeOver(Instant receivedAt, Instant now) {
        return decide(true, receivedAt, 1, now) instanceof RetryDecision.GiveUp
                || decide(false, receivedAt, 1, now) instanceof RetryDecision.GiveUp;
    }

    private RetryDecision decide(boolean isNullPath, Instant receivedAt, int attempts, Instant now) {
        RetryPolicy policy = policy(isNullPath);
        Instant begin = begin(receivedAt, now);
        RetryDecision decision = policy.decide(attempts, begin, now);
        if (decision instanceof RetryDecision.RetryAt) {
            return decision;
        }
        if (recovery.isRecent(receivedAt, now)) {
            return anyway(policy, attempts, now, now.plus(UndeliveredPolicy.GRACE_AFTER_RECOVERY));
        }
        Instant kept = isNullPath ? null : keptUntil(begin);
        return kept != null && now.isBefore(kept) ? anyway(policy, attempts, now, kept) : decision;
    }

    private RetryPolicy policy(boolean isNullPath) {
        RetryPolicy policy = route.retryPolicy();
        return isNullPath ? policy.giveUpAfter(rules().nullPathLifetime()) : policy;
    }

    /** When a message would have been received if only the time counted that counts. */
    private Instant begin(Instant receivedAt, Instant now) {
        Instant counted = rules().countsUptimeOnly() ? now.minus(answering.between(receivedAt, now)) : receivedAt;
        Instant begin = counted.plus(gains.since(receivedAt));
        return begin.isAfter(now) && !receivedAt.isAfter(now) ? now : begin;
    }

    private @Nullable Instant keptUntil(Instant begin) {
        return rules().expiry() instanceof ExpiryAction.Hold hold
                ? route.retryPolicy()
                        .lifetime()
                        .map(lifetime -> begin.plus(lifetime).plus(hold.time()))
                        .orElse(null)
                : null;
    }

    /** The next attempt by a policy that has given up: as if the message had just come. */
    private static RetryDecision anyway(RetryPolicy policy, int attempts, Instant now, Instant most) {
        Instant next = policy.decide(attempts, now, now) instanceof RetryDecision.RetryAt retry
                ? retry.instant()
                : now.plus(FALLBACK);
        return new RetryDecision.RetryAt(next.isAfter(most) ? most : next);
    }

    /**
     * Returns the life of a message; empty if it has no end that is known, or is none of a relay domain.
     */
    Optional<Spent> spent(Instant receivedAt, Instant now) {
        if (!route.isOfRelayDomain()) {
            return Optional.empty();
        }
        return route.retryPolicy().lifetime().map(lifetime -> {
            Instant begin = begin(receivedAt, now);
            Instant end = begin.plus(lifetime);
            Instant kept = keptUntil(begin);
            return new Spent(Duration.between(begin, now), lifetime, end, kept == null ? end : kept);
        });
    }

    /**
     * The life of a message.
     *
     * @param life how much of it is over
     * @param lifetime how much there is
     * @param end when it ends, if nothing changes
     * @param kept when it is no longer kept; {@code end} if it is not kept beyond that
     */
    record Spent(Duration life, Duration lifetime, Instant end, Instant kept) {}
}
