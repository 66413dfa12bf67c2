package org.backupmx.smtp.internal.server;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.smtp.SmtpLimits;
import org.jspecify.annotations.Nullable;

/**
 * Counts connections, all and by client: an IPv4 address or an IPv6 /64; and beside them those that were refused and may
 * stay for a moment. Knows the good clients too. Thread-safe.
 */
public final class ConnectionLimiter {

    /** How many clients that are refused may stay at once to say QUIT, or to read why: {@value}. */
    static final int MOST_REFUSED = 200;

    private final int most;
    private final int mostPerClient;
    private final AtomicInteger all = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final GoodClients goodClients = new GoodClients();
    private final Map<Long, Integer> byClient = new ConcurrentHashMap<>();

    /** Counts up to the bounds of {@code limits}. */
    public ConnectionLimiter(SmtpLimits limits) {
        most = limits.connections();
        mostPerClient = limits.connectionsPerClient();
    }

    /**
     * Lets a client in and returns null, or returns the refusal.
     *
     * @param client null for a connection that is nobody's share
     */
    @Nullable
    FixedReply enter(@Nullable InetAddress client) {
        if (all.incrementAndGet() > most) {
            all.decrementAndGet();
            return FixedReply.FULL;
        }
        if (client == null) {
            return null;
        }
        boolean[] entered = new boolean[1];
        byClient.compute(key(client), (key, count) -> {
            int now = count == null ? 0 : count;
            entered[0] = now < mostPerClient;
            return entered[0] ? Integer.valueOf(now + 1) : count;
        });
        if (entered[0]) {
            return null;
        }
        all.decrementAndGet();
        return FixedReply.CLIENT_FULL;
    }

    /** Undoes an {@link #enter} that let the client in. */
    void leave(@Nullable InetAddress client) {
        if (client != null) {
            byClient.computeIfPresent(key(client), (key, count) -> count == 1 ? null : Integer.valueOf(count - 1));
        }
        all.decrementAndGet();
    }

    /** Lets a client that is refused stay for a moment, or tells that there is no room for that. */
    boolean enterRefused() {
        if (refused.incrementAndGet() > MOST_REFUSED) {
            refused.decrementAndGet();
            return false;
        }
        return true;
    }

    /** Undoes an {@link #enterRefused} that let the client stay. */
    void leaveRefused() {
        refused.decrementAndGet();
    }

    /** Returns who among the clients has waited for the banner. */
    GoodClients goodClients() {
        return goodClients;
    }

    /** Returns how many connections there are. */
    int count() {
        return all.get();
    }

    /** The first 64 bits of an IPv6 address, or an IPv4 address where no global unicast network can be. */
    static Long key(InetAddress client) {
        ByteBuffer octets = ByteBuffer.wrap(client.getAddress());
        return client instanceof Inet6Address
                ? octets.getLong()
                : 0xffff_ffff_0000_0000L | octets.getInt() & 0xffff_ffffL;
    }
}
