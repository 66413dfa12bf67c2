package org.backupmx.smtp.internal.server;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The clients that have waited for the banner, each for a day. So many at most; those that have not come for the longest
 * time go first. Thread-safe.
 */
final class GoodClients {

    static final int MOST = 10_000;

    private static final long KEPT_NANOS = TimeUnit.DAYS.toNanos(1);

    private final Map<Long, Long> waitedAt = new LinkedHashMap<>(16, 0.75f, true); // guarded by this

    synchronized void add(Long client, long now) {
        waitedAt.put(client, now);
        if (waitedAt.size() > MOST) {
            Iterator<Long> eldest = waitedAt.keySet().iterator();
            eldest.next();
            eldest.remove();
        }
    }

    synchronized void remove(Long client) {
        waitedAt.remove(client);
    }

    synchronized boolean contains(Long client, long now) {
        Long since = waitedAt.get(client);
        return since != null && now - since < KEPT_NANOS;
    }
}
