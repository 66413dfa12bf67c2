package org.backupmx.internal.engine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.backupmx.mail.Mailbox;

/**
 * How often the mailboxes that stand above every policy, postmaster and abuse, are named as recipients: bounded for one
 * client, an IPv4 address or an IPv6 /64, and for one mailbox, in an hour that begins with the first. Thread-safe.
 */
final class RoleMailLimit {

    static final int OF_CLIENT = 60;
    static final int OF_MAILBOX = 600;

    private static final Duration WINDOW = Duration.ofHours(1);
    private static final long MOST = 100_000;

    private final Cache<Object, AtomicInteger> counts;

    RoleMailLimit(LongSupplier nanoTime) {
        counts = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(WINDOW)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Counts one; tells whether it may pass. */
    boolean admits(InetAddress client, Mailbox mailbox) {
        return count(key(client)) <= OF_CLIENT && count(mailbox) <= OF_MAILBOX;
    }

    private static Object key(InetAddress client) {
        return client instanceof Inet6Address ? ByteBuffer.wrap(client.getAddress(), 0, 8) : client;
    }

    private int count(Object key) {
        return counts.get(key, absent -> new AtomicInteger()).incrementAndGet();
    }
}
