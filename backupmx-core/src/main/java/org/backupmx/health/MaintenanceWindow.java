package org.backupmx.health;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;

/**
 * A time in which a domain's primary is known to be away: its mail is accepted and kept, nothing is relayed, and no
 * event tells of what probes find. Immutable and thread-safe.
 *
 * @param from when it begins
 * @param until when it ends by itself, at most {@link #MAX_LENGTH} later
 */
public record MaintenanceWindow(Instant from, Instant until) {

    /** The longest window: 3 d. A window that was forgotten must not keep a domain's mail for ever. */
    public static final Duration MAX_LENGTH = Duration.ofDays(3);

    /** How long before its end listeners are warned: 1 h, or at its begin if it is shorter. */
    public static final Duration WARNING = Duration.ofHours(1);

    /** Checks the length. */
    public MaintenanceWindow {
        requireNonNull(from, "from");
        requireNonNull(until, "until");
        if (!until.isAfter(from)) {
            throw new IllegalArgumentException("until: " + until + " (expected: after " + from + ")");
        }
        if (Duration.between(from, until).compareTo(MAX_LENGTH) > 0) {
            throw new IllegalArgumentException(
                    "until: " + until + " (expected: at most " + MAX_LENGTH.toDays() + " d after " + from + ")");
        }
    }

    /**
     * Tells whether an instant is within this window.
     *
     * @param now the instant
     * @return true from the begin on and before the end
     */
    public boolean contains(Instant now) {
        return !now.isBefore(from) && now.isBefore(until);
    }
}
