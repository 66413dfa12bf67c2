package org.backupmx.internal.dsn;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.jspecify.annotations.Nullable;

/**
 * Bounds DSNs: within any hour {@value #PER_ADDRESS} to one address and {@value #PER_DOMAIN} about one domain's mail.
 * Remembers {@value #MOST} addresses and as many domains; while it is full, no further ones are told. Thread-safe.
 */
public final class DsnRate {

    /** The most DSNs to one address in an hour. */
    public static final int PER_ADDRESS = 5;

    /** The most DSNs about the mail of one domain in an hour. */
    public static final int PER_DOMAIN = 100;

    /** The most addresses that are remembered. */
    static final int MOST = 20_000;

    private static final long HOUR = Duration.ofHours(1).toNanos();

    private final LongSupplier nanoTime;
    private final Map<String, Deque<Long>> byAddress = new HashMap<>(); // guarded by this, as the next one
    private final Map<MailDomain, Deque<Long>> byDomain = new HashMap<>();

    /**
     * Makes a bound that has counted nothing.
     *
     * @param nanoTime the source of durations
     */
    public DsnRate(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * Counts a DSN, if it may go.
     *
     * @param to who would get it
     * @param about the domain whose mail it is about
     * @return false if too many have gone, and then it is not counted
     */
    public synchronized boolean allows(Mailbox to, MailDomain about) {
        long now = nanoTime.getAsLong();
        // the case of a local part tells nobody from anybody here
        Deque<Long> address = times(byAddress, to.toString().toLowerCase(Locale.ROOT), now);
        Deque<Long> domain = times(byDomain, about, now);
        if (address == null || domain == null || address.size() >= PER_ADDRESS || domain.size() >= PER_DOMAIN) {
            return false;
        }
        address.addLast(now);
        domain.addLast(now);
        return true;
    }

    /** Returns the times of the last hour; null if there is no room to remember more. */
    private static <K> @Nullable Deque<Long> times(Map<K, Deque<Long>> all, K key, long now) {
        Deque<Long> times = all.get(key);
        if (times == null) {
            if (all.size() >= MOST) {
                all.values().removeIf(others -> isOver(others, now));
            }
            if (all.size() >= MOST) {
                return null;
            }
            times = new ArrayDeque<>(2);
            all.put(key, times);
        }
        while (!times.isEmpty() && now - times.peekFirst() >= HOUR) {
            times.removeFirst();
        }
        return times;
    }

    private static boolean isOver(Deque<Long> times, long now) {
        return times.isEmpty() || now - times.peekLast() >= HOUR;
    }
}
