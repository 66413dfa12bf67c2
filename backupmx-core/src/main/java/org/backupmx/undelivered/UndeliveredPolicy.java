package org.backupmx.undelivered;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.backupmx.retry.RetryPolicy;
import org.jspecify.annotations.Nullable;

/**
 * The rules for mail that cannot be delivered: how its lifetime counts, what becomes of it at its end or when the primary
 * refuses it, and how long dead letters are kept. The lifetime itself is the retry policy's
 * ({@link RetryPolicy#giveUpAfter}). Immutable and thread-safe.
 *
 * <p>Whatever is set, no DSN answers a null reverse-path or goes to a sender who was not verified at intake, and nothing
 * expires within {@link #GRACE_AFTER_RECOVERY} after the primary came back from an outage that the message has waited for.
 */
public final class UndeliveredPolicy {

    /** How long nothing expires after a primary came back: 24 h. */
    public static final Duration GRACE_AFTER_RECOVERY = Duration.ofHours(24);

    /** The default of {@link #withExpiry}: hold for 7 d, then bounce. */
    public static final Duration DEFAULT_HOLD = Duration.ofDays(7);

    /** The default of {@link #withNullPathLifetime}: 5 d. */
    public static final Duration DEFAULT_NULL_PATH_LIFETIME = Duration.ofDays(5);

    /** The default of {@link #withDeadLetterTime}: 30 d. */
    public static final Duration DEFAULT_DEAD_LETTER_TIME = Duration.ofDays(30);

    private static final UndeliveredPolicy STANDARD = new UndeliveredPolicy(
            ExpiryAction.hold(DEFAULT_HOLD),
            DEFAULT_NULL_PATH_LIFETIME,
            false,
            ContentRefusal.DEAD_LETTER,
            DEFAULT_DEAD_LETTER_TIME,
            null);

    private final ExpiryAction expiry;
    private final Duration nullPathLifetime;
    private final boolean countsUptimeOnly;
    private final ContentRefusal contentRefusal;
    private final Duration deadLetterTime;
    private final @Nullable RescueHosts rescueHosts;

    private UndeliveredPolicy(
            ExpiryAction expiry,
            Duration nullPathLifetime,
            boolean countsUptimeOnly,
            ContentRefusal contentRefusal,
            Duration deadLetterTime,
            @Nullable RescueHosts rescueHosts) {
        this.expiry = requireNonNull(expiry, "expiry");
        this.nullPathLifetime = checked("nullPathLifetime", nullPathLifetime);
        this.countsUptimeOnly = countsUptimeOnly;
        this.contentRefusal = requireNonNull(contentRefusal, "contentRefusal");
        this.deadLetterTime = checked("deadLetterTime", deadLetterTime);
        this.rescueHosts = rescueHosts;
    }

    private static Duration checked(String name, Duration value) {
        requireNonNull(value, name);
        if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(RetryPolicy.MAX_DURATION) > 0) {
            throw new IllegalArgumentException(
                    name + ": " + value + " (expected: 1 ms to " + RetryPolicy.MAX_DURATION + ")");
        }
        return value;
    }

    /**
     * Returns the rules with every default.
     *
     * @return the rules
     */
    public static UndeliveredPolicy standard() {
        return STANDARD;
    }

    /**
     * Returns these rules with another end of the lifetime. Default: {@link ExpiryAction#hold} for
     * {@link #DEFAULT_HOLD}.
     *
     * @param value what becomes of a message whose lifetime has passed; one with a null reverse-path is rescued or dropped,
     *     always
     * @return a copy
     * @throws IllegalArgumentException if it is {@link ExpiryAction#rescue} and there are no {@link #withRescueHosts rescue
     *     hosts} yet
     */
    public UndeliveredPolicy withExpiry(ExpiryAction value) {
        checkRescue(value == ExpiryAction.rescue());
        return new UndeliveredPolicy(
                value, nullPathLifetime, countsUptimeOnly, contentRefusal, deadLetterTime, rescueHosts);
    }

    /**
     * Returns these rules with another lifetime of mail with a null reverse-path: notifications of others, which are worth
     * little when they are late. Default: {@link #DEFAULT_NULL_PATH_LIFETIME}.
     *
     * @param value the lifetime, from 1 ms to {@link RetryPolicy#MAX_DURATION}; the general one stays in force if it is
     *     shorter
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public UndeliveredPolicy withNullPathLifetime(Duration value) {
        return new UndeliveredPolicy(expiry, value, countsUptimeOnly, contentRefusal, deadLetterTime, rescueHosts);
    }

    /**
     * Returns these rules with lifetimes that count only the time in which the primary answered, so that no outage expires
     * mail, however long it is. Needs {@link org.backupmx.BackupMxBuilder#historyStore}; time that the history does not
     * know is not counted. Default: false, the time since reception counts.
     *
     * @param value whether only that time counts
     * @return a copy
     */
    public UndeliveredPolicy withUptimeOnly(boolean value) {
        return new UndeliveredPolicy(expiry, nullPathLifetime, value, contentRefusal, deadLetterTime, rescueHosts);
    }

    /**
     * Returns these rules with another answer to refused content. Default: {@link ContentRefusal#DEAD_LETTER}.
     *
     * @param value what becomes of a message whose content the primary refuses
     * @return a copy
     * @throws IllegalArgumentException if it is {@link ContentRefusal#RESCUE} and there are no {@link #withRescueHosts rescue
     *     hosts} yet
     */
    public UndeliveredPolicy withContentRefusal(ContentRefusal value) {
        checkRescue(value == ContentRefusal.RESCUE);
        return new UndeliveredPolicy(expiry, nullPathLifetime, countsUptimeOnly, value, deadLetterTime, rescueHosts);
    }

    /**
     * Returns these rules with another time for which dead letters are kept before they are removed. Default:
     * {@link #DEFAULT_DEAD_LETTER_TIME}.
     *
     * @param value how long, from 1 ms to {@link RetryPolicy#MAX_DURATION}
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public UndeliveredPolicy withDeadLetterTime(Duration value) {
        return new UndeliveredPolicy(expiry, nullPathLifetime, countsUptimeOnly, contentRefusal, value, rescueHosts);
    }

    private void checkRescue(boolean isWanted) {
        if (isWanted && rescueHosts == null) {
            throw new IllegalArgumentException("value: rescue (expected: withRescueHosts first)");
        }
    }

    /**
     * Returns these rules with rescue hosts, for {@link ExpiryAction#rescue} and {@link ContentRefusal#RESCUE}. Default:
     * none.
     *
     * @param value the hosts
     * @return a copy
     */
    public UndeliveredPolicy withRescueHosts(RescueHosts value) {
        return new UndeliveredPolicy(
                expiry,
                nullPathLifetime,
                countsUptimeOnly,
                contentRefusal,
                deadLetterTime,
                requireNonNull(value, "value"));
    }

    /**
     * Returns what becomes of a message whose lifetime has passed.
     *
     * @return the action
     */
    public ExpiryAction expiry() {
        return expiry;
    }

    /**
     * Returns the longest lifetime of mail with a null reverse-path.
     *
     * @return the lifetime
     */
    public Duration nullPathLifetime() {
        return nullPathLifetime;
    }

    /**
     * Tells whether lifetimes count only the time in which the primary answered.
     *
     * @return true if they do
     */
    public boolean countsUptimeOnly() {
        return countsUptimeOnly;
    }

    /**
     * Returns what becomes of a message whose content the primary refuses.
     *
     * @return the answer
     */
    public ContentRefusal contentRefusal() {
        return contentRefusal;
    }

    /**
     * Returns how long dead letters are kept.
     *
     * @return the time
     */
    public Duration deadLetterTime() {
        return deadLetterTime;
    }

    /**
     * Returns the rescue hosts.
     *
     * @return the hosts, empty if there are none
     */
    public Optional<RescueHosts> rescueHosts() {
        return Optional.ofNullable(rescueHosts);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof UndeliveredPolicy other
                && expiry.equals(other.expiry)
                && nullPathLifetime.equals(other.nullPathLifetime)
                && countsUptimeOnly == other.countsUptimeOnly
                && contentRefusal == other.contentRefusal
                && deadLetterTime.equals(other.deadLetterTime)
                && Objects.equals(rescueHosts, other.rescueHosts);
    }

    @Override
    public int hashCode() {
        return expiry.hashCode() * 31 + deadLetterTime.hashCode();
    }

    /** Returns the rules, for people. */
    @Override
    public String toString() {
        return "expiry " + expiry + ", null reverse-path " + nullPathLifetime
                + (countsUptimeOnly ? ", only uptime counts" : "") + ", refused content " + contentRefusal
                + ", dead letters " + deadLetterTime
                + (rescueHosts == null ? "" : ", rescue " + rescueHosts.nextHops() + " for " + rescueHosts.lifetime());
    }
}
