package org.backupmx.internal.queue;

import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelayRoute;
import org.backupmx.relay.RelaySettings;
import org.jspecify.annotations.Nullable;

/** The watches of one engine: one for each primary, however many domains go there. Thread-safe. */
final class PrimaryWatches {

    /** The most probes at a time. */
    private static final int MAX_PROBES = 500;

    private final Map<List<NextHop>, PrimaryWatch> watches = new ConcurrentHashMap<>();
    private final Map<List<NextHop>, RateCap.Paid> paid = new ConcurrentHashMap<>(); // of watches that ended
    private final Map<InetAddress, PrimaryWatch> byAddress = new ConcurrentHashMap<>(); // the last that told it
    private final Queue<PrimaryWatch> waiting = new ArrayDeque<>(); // guarded by itself
    private int running; // guarded by waiting
    private volatile boolean stopped;

    /** Returns the watch of the primary that a route leads to, and makes the lane follow it. */
    PrimaryWatch follow(Delivery delivery, DomainLane lane, RelaySettings settings, RelayRoute.NextHops route) {
        List<NextHop> key = route.primary();
        List<NextHopAddress> addresses = route.addresses();
        while (true) {
            PrimaryWatch watch =
                    watches.computeIfAbsent(key, unknown -> new PrimaryWatch(delivery, this, key, addresses));
            if (watch.follow(lane, settings, addresses)) {
                return watch;
            }
            watches.remove(key, watch);
        }
    }

    /** Returns the watch of these next hops, null if there is none. */
    @Nullable
    PrimaryWatch find(List<NextHop> nextHops) {
        return watches.get(nextHops.stream()
                .distinct()
                .sorted(Comparator.comparing(NextHop::toString))
                .toList());
    }

    /** Returns until when attempts at a primary are paid for that nobody watches. */
    RateCap.Paid paid(List<NextHop> nextHops) {
        return paid.getOrDefault(nextHops, RateCap.Paid.NOTHING);
    }

    /** Takes until when attempts at a primary are paid for whose watch ends. */
    void paid(List<NextHop> nextHops, RateCap.Paid until, long now) {
        if (!until.isOver(now)) {
            paid.values().removeIf(one -> one.isOver(now));
            paid.put(nextHops, until);
        }
    }

    void remove(PrimaryWatch watch) {
        watches.remove(watch.nextHops(), watch);
        watch.addresses().forEach(address -> byAddress.remove(address.address(), watch));
    }

    /** Takes where a primary is now: whoever comes from there is a sign of its life. */
    void isAt(PrimaryWatch watch, List<NextHopAddress> before, List<NextHopAddress> now) {
        before.forEach(address -> byAddress.remove(address.address(), watch));
        now.forEach(address -> byAddress.put(address.address(), watch));
    }

    /** Takes a client's address. */
    void seen(InetAddress client) {
        PrimaryWatch watch = byAddress.get(client);
        if (watch != null) {
            watch.seen();
        }
    }

    /** Runs the probe of a watch when its turn comes. */
    void enqueue(PrimaryWatch watch) {
        if (stopped) { // a turn that was under way has made another watch
            watch.dropped();
            return;
        }
        synchronized (waiting) {
            if (running == MAX_PROBES) {
                waiting.add(watch);
                return;
            }
            running++;
        }
        watch.run(this::probeDone);
    }

    private void probeDone() {
        PrimaryWatch next;
        synchronized (waiting) {
            next = waiting.poll();
            if (next == null) {
                running--;
                return;
            }
        }
        next.run(this::probeDone);
    }

    /** The clock was set back: every primary is probed, and its next probe is one by the new time. */
    void clockSetBack() {
        watches.values().forEach(PrimaryWatch::probeNow);
    }

    void stop() {
        stopped = true;
        watches.values().forEach(PrimaryWatch::stop);
    }
}
