package org.backupmx.greylist;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * The numbers of greylisting. Immutable and thread-safe.
 *
 * @param delay how long a client waits at first sight; 1 s to 6 h (RFC 6647 section 5 advises minutes)
 * @param window how long after first sight a retry counts, longer than {@code delay}; at most 30 d
 * @param keep how long a triplet or a network that has passed is remembered after its last use, at least
 *     {@code window}; at most 400 d
 * @param passesToAllow how many triplets of a client network pass before the whole network does, at least 1
 */
public record GreylistRules(Duration delay, Duration window, Duration keep, int passesToAllow) {

    /** Checks the parts. */
    public GreylistRules {
        requireNonNull(delay, "delay");
        requireNonNull(window, "window");
        requireNonNull(keep, "keep");
        if (delay.compareTo(Duration.ofSeconds(1)) < 0 || delay.compareTo(Duration.ofHours(6)) > 0) {
            throw new IllegalArgumentException("delay: " + delay + " (expected: 1 s to 6 h)");
        }
        if (window.compareTo(delay) <= 0 || window.compareTo(Duration.ofDays(30)) > 0) {
            throw new IllegalArgumentException("window: " + window + " (expected: > delay and <= 30 d)");
        }
        if (keep.compareTo(window) < 0 || keep.compareTo(Duration.ofDays(400)) > 0) {
            throw new IllegalArgumentException("keep: " + keep + " (expected: >= window and <= 400 d)");
        }
        if (passesToAllow < 1) {
            throw new IllegalArgumentException("passesToAllow: " + passesToAllow + " (expected: >= 1)");
        }
    }

    /**
     * Returns the rules with a window of 24 h, 36 d of memory and 3 passes to allow a network.
     *
     * @param delay how long a client waits at first sight, 1 s to 6 h
     * @return the rules
     * @throws IllegalArgumentException if {@code delay} is out of range
     */
    public static GreylistRules of(Duration delay) {
        return new GreylistRules(delay, Duration.ofHours(24), Duration.ofDays(36), 3);
    }
}
