package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.DrainProgress;
import org.backupmx.spool.RecipientState;

/**
 * Counts what leaves the queue, domain by domain, and how fast. Of at most {@value #MOST} domains; those from which nothing
 * went for an hour are forgotten. Thread-safe.
 */
final class DrainCounter {

    static final int MOST = 20_000;

    private static final int BUCKETS = 12;
    private static final long BUCKET_NANOS = DrainProgress.WINDOW.toNanos() / BUCKETS;
    private static final long FORGET_NANOS = Duration.ofHours(1).toNanos();

    private final LongSupplier nanoTime;
    private final Map<MailDomain, Counts> domains = new ConcurrentHashMap<>();

    /** What has left one lane. */
    private static final class Counts {
        private final long[] left = new long[BUCKETS]; // guarded by this, as all the rest
        private long bucket; // the number of the newest, by the clock
        private long since; // when the first went that is within the window
        private long last;
        private long sent;
        private long failed;
        private long deferred;

        synchronized void settled(long now, boolean remains, boolean relayed) {
            if (remains) {
                deferred++;
                last = now;
                return;
            }
            boolean isFirst = sum(now) == 0;
            if (isFirst) {
                since = now;
            }
            left[slot(bucket)]++;
            last = now;
            if (relayed) {
                sent++;
            } else {
                failed++;
            }
        }

        private static int slot(long bucket) {
            return (int) Math.floorMod(bucket, (long) BUCKETS);
        }

        /** Returns how many left within the window, and drops what is older. */
        private long sum(long now) {
            long current = Math.floorDiv(now, BUCKET_NANOS);
            for (long next = Math.max(bucket + 1, current - BUCKETS + 1); next <= current; next++) {
                left[slot(next)] = 0;
            }
            bucket = current;
            long sum = 0;
            for (long one : left) {
                sum += one;
            }
            return sum;
        }

        synchronized Drained drained(long now) {
            long sum = sum(now);
            // at the least what is still counted of the oldest bucket, at the most since the first
            long window = (BUCKETS - 1) * BUCKET_NANOS + Math.floorMod(now, BUCKET_NANOS);
            double seconds = Math.max(1, Math.min(window, now - since) / (double) TimeUnit.SECONDS.toNanos(1));
            return new Drained(sent, failed, deferred, sum / seconds);
        }

        synchronized boolean isIdle(long now) {
            return now - last > FORGET_NANOS;
        }
    }

    /**
     * What has left one lane.
     *
     * @param sent messages relayed to a recipient or more
     * @param failed messages relayed to none
     * @param deferred attempts that left recipients
     * @param perSecond messages a second, within the window
     */
    record Drained(long sent, long failed, long deferred, double perSecond) {
        static final Drained NOTHING = new Drained(0, 0, 0, 0);
    }

    DrainCounter(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** An attempt has ended and is settled; {@code states} are those it changed. */
    void settled(MailDomain domain, boolean remains, Collection<RecipientState> states) {
        Counts counts = domains.get(domain);
        long now = nanoTime.getAsLong();
        if (counts == null) {
            if (domains.size() >= MOST) {
                forget(now);
                if (domains.size() >= MOST) {
                    return;
                }
            }
            counts = domains.computeIfAbsent(domain, name -> new Counts());
        }
        counts.settled(now, remains, states.stream().anyMatch(RecipientState.Relayed.class::isInstance));
    }

    private void forget(long now) {
        domains.values().removeIf(counts -> counts.isIdle(now));
    }

    /** Returns the domains from which something went in the last hour. */
    Set<MailDomain> domains() {
        forget(nanoTime.getAsLong());
        return Set.copyOf(domains.keySet());
    }

    Drained drained(MailDomain domain) {
        Counts counts = domains.get(domain);
        return counts == null ? Drained.NOTHING : counts.drained(nanoTime.getAsLong());
    }
}
