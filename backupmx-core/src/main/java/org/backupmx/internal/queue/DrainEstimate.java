package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.backupmx.relay.DeliveryRate;

/**
 * How long a drain takes yet, as far as can be told.
 *
 * @param rate how much the primary is given at the most
 * @param opens when attempts may begin again, by the hours; empty if they may now
 */
record DrainEstimate(DeliveryRate rate, Optional<Instant> opens) {

    /** Longer is not told. */
    private static final double MOST_SECONDS = 1e10;

    /**
     * Returns how long the rest takes; empty if there is none, nothing goes out, or it is longer than anybody waits.
     *
     * @param left messages
     * @param bytes their size
     * @param perSecond how many have gone of late
     */
    Optional<Duration> eta(long left, long bytes, double perSecond, Instant now) {
        double atCap = Math.max(
                60.0 * left / rate.messagesPerMinute().orElse(Integer.MAX_VALUE),
                60.0 * bytes / rate.bytesPerMinute().orElse(Long.MAX_VALUE));
        boolean hasCap =
                rate.messagesPerMinute().isPresent() || rate.bytesPerMinute().isPresent();
        double seconds;
        if (perSecond > 0 && opens.isEmpty()) {
            seconds = Math.max(left / perSecond, hasCap ? atCap : 0);
        } else if (hasCap && opens.isPresent()) {
            seconds = atCap;
        } else {
            return Optional.empty();
        }
        if (left == 0 || seconds > MOST_SECONDS) {
            return Optional.empty();
        }
        Duration work = Duration.ofSeconds((long) Math.ceil(seconds));
        return rate.hours().after(now, work).map(end -> Duration.between(now, end));
    }
}
