package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * By how much the clock was set forward while the engine ran: a lease has not lasted longer for it, and mail is no older. A
 * machine that slept looks the same. Thread-safe.
 */
final class ClockGains {

    private static final Logger LOG = LoggerFactory.getLogger(ClockGains.class);

    /** Of more steps than so many the first are forgotten. */
    static final int MOST = 100;

    /** A step: what the clock said before it, and by how much it was set forward, less what was taken back since. */
    private record Gain(Instant before, Duration by) {}

    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private final ClockSteps steps = new ClockSteps();
    private final Deque<Gain> gains = new ArrayDeque<>(); // guarded by this, as the next one; the latest first
    private Duration total = Duration.ZERO;

    ClockGains(InstantSource clock, LongSupplier nanoTime) {
        this.clock = clock;
        this.nanoTime = nanoTime;
        look();
    }

    /** Returns by how much the clock was set forward in all, whatever was taken back. */
    synchronized Duration total() {
        look();
        return total;
    }

    /** Returns by how much the clock was set forward since it said {@code instant}, less what was taken back. */
    synchronized Duration since(Instant instant) {
        look();
        Duration sum = Duration.ZERO;
        for (Gain gain : gains) {
            if (!instant.isAfter(gain.before())) {
                sum = sum.plus(gain.by());
            }
        }
        return sum;
    }

    private void look() {
        Instant now = clock.instant();
        Duration by = steps.step(now, nanoTime.getAsLong());
        if (by.isNegative()) {
            takeBack(by.negated());
        } else if (!by.isZero()) {
            total = total.plus(by);
            gains.addFirst(new Gain(now.minus(by), by));
            if (gains.size() > MOST) {
                gains.removeLast();
            }
            LOG.atWarn()
                    .addKeyValue("by", by)
                    .log("clock was set forward, or the machine slept: leases go on, and mail is no older for it");
        }
    }

    private void takeBack(Duration by) {
        Duration left = by;
        for (Iterator<Gain> latest = gains.iterator(); latest.hasNext() && !left.isZero(); ) {
            Gain gain = latest.next();
            latest.remove();
            if (gain.by().compareTo(left) > 0) {
                gains.addFirst(new Gain(gain.before(), gain.by().minus(left)));
                return;
            }
            left = left.minus(gain.by());
        }
    }
}
