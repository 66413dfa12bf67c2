package org.backupmx.undelivered;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.backupmx.retry.RetryPolicy;

/**
 * A schedule that is known elsewhere: when mail is tried again, for how long, and what becomes of it then. While a primary is
 * DOWN it is probed, and the schedule's attempts are not made; its lifetime counts all the same.
 */
public enum DeliveryPreset {
    /** {@link RetryPolicy#rfc5321()}, then {@linkplain ExpiryAction#bounce() bounced}. */
    RFC5321,
    /** {@link RetryPolicy#smartermail()}, then {@linkplain ExpiryAction#bounce() bounced}. */
    SMARTERMAIL,
    /** {@link RetryPolicy#dnsexit()}, then {@linkplain ExpiryAction#drop() removed}. */
    DNSEXIT,
    /** {@link RetryPolicy#dnsmadeeasy()}, then {@linkplain ExpiryAction#bounce() bounced}. */
    DNSMADEEASY;

    /**
     * Returns the preset of a name.
     *
     * @param name {@code rfc5321}, {@code smartermail}, {@code dnsexit} or {@code dnsmadeeasy}
     * @return the preset
     * @throws IllegalArgumentException if there is none of that name
     */
    public static DeliveryPreset named(String name) {
        requireNonNull(name, "name");
        return Arrays.stream(values())
                .filter(preset -> preset.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("name: " + name + " (expected: "
                        + Arrays.stream(values()).map(DeliveryPreset::toString).collect(Collectors.joining(", "))
                        + ")"));
    }

    /**
     * Returns when mail is tried again, and when it is given up.
     *
     * @return the policy, without jitter
     */
    public RetryPolicy retryPolicy() {
        return switch (this) {
            case RFC5321 -> RetryPolicy.rfc5321();
            case SMARTERMAIL -> RetryPolicy.smartermail();
            case DNSEXIT -> RetryPolicy.dnsexit();
            case DNSMADEEASY -> RetryPolicy.dnsmadeeasy();
        };
    }

    /**
     * Returns what becomes of it then.
     *
     * @return the action
     */
    public ExpiryAction expiry() {
        return this == DNSEXIT ? ExpiryAction.drop() : ExpiryAction.bounce();
    }

    /** Returns the name. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
