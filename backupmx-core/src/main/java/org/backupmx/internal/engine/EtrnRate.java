package org.backupmx.internal.engine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/** Bounds how often a client may say ETRN: one IPv4 address or one IPv6 /64. Thread-safe. */
final class EtrnRate {

    /** How often in each {@link #WINDOW}. */
    static final int MOST = 100;

    static final Duration WINDOW = Duration.ofMinutes(1);

    private static final long MOST_CLIENTS = 10_000;

    private final Cache<Object, AtomicInteger> asked;

    EtrnRate(LongSupplier nanoTime) {
        asked = Caffeine.newBuilder()
                .maximumSize(MOST_CLIENTS)
                .expireAfterWrite(WINDOW)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** Counts one ETRN; false if it is one too many. */
    boolean allows(InetAddress client) {
        return asked.get(key(client), unknown -> new AtomicInteger()).incrementAndGet() <= MOST;
    }

    private static Object key(InetAddress client) {
        return client instanceof Inet6Address
                ? (Object) ByteBuffer.wrap(client.getAddress()).getLong()
                : client;
    }
}
