package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.health.HealthChange;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.health.PrimaryMonitor;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches one primary for all the lanes that lead to it: probes it, hears from their attempts, tells them when its
 * health changes. Thread-safe.
 */
final class PrimaryWatch {

    private static final Logger LOG = LoggerFactory.getLogger(PrimaryWatch.class);

    /** The most addresses that one probe tries. */
    private static final int MAX_ADDRESSES = 5;

    private final Delivery delivery;
    private final PrimaryWatches watches;
    private final List<NextHop> nextHops;
    private final HealthProbe probe;
    private final Set<DomainLane> followers = ConcurrentHashMap.newKeySet();

    private final PrimaryMonitor monitor; // guarded by this
    private boolean probing; // guarded by this
    private boolean ended; // guarded by this
    private @Nullable Future<?> timer; // guarded by this
    private Instant armedFor = Instant.MAX; // guarded by this

    private volatile PrimaryHealth health;
    private volatile List<NextHopAddress> addresses;

    PrimaryWatch(Delivery delivery, PrimaryWatches watches, List<NextHop> nextHops, List<NextHopAddress> addresses) {
        this.delivery = delivery;
        this.watches = watches;
        this.nextHops = nextHops;
        this.addresses = addresses;
        this.probe = delivery.config.healthProbe();
        this.monitor = new PrimaryMonitor(probe, delivery.runtime.random(), delivery.runtime.now());
        this.health = monitor.health();
    }

    /** Returns what is known of the primary. */
    PrimaryHealth health() {
        return health;
    }

    /** Tells whether lanes keep their mail without an attempt: only where a probe will tell when that is over. */
    boolean isClosed() {
        return probe.depth().isPresent() && (health == PrimaryHealth.DOWN || health == PrimaryHealth.REJECTING);
    }

    /** Tells whether more than one attempt at a time makes sense. */
    boolean isOpen() {
        return health == PrimaryHealth.UP || probe.depth().isEmpty();
    }

    List<NextHop> nextHops() {
        return nextHops;
    }

    /** Takes a lane, and the addresses as it found them; false if this watch has ended. */
    synchronized boolean follow(DomainLane lane, List<NextHopAddress> found) {
        if (ended) {
            return false;
        }
        addresses = found;
        followers.add(lane);
        arm();
        return true;
    }

    /** Lets a lane go; with the last one the watch ends. */
    void unfollow(DomainLane lane) {
        synchronized (this) {
            followers.remove(lane);
            if (!followers.isEmpty()) {
                return;
            }
            ended = true;
            if (timer != null) {
                timer.cancel(false);
            }
        }
        watches.remove(this);
    }

    /** Takes a message that was delivered. */
    void delivered() {
        told(monitor -> monitor.delivered(delivery.runtime.now()));
    }

    /** Takes the primary's own request for its mail, and probes it. */
    void asked() {
        synchronized (this) {
            monitor.asked(delivery.runtime.now());
        }
        probeNow();
    }

    /** Takes a reply by which a whole attempt was refused. */
    void refused(SmtpReply reply) {
        told(monitor -> monitor.deliveryRefused(reply, delivery.runtime.now()));
    }

    /** Takes an attempt that reached no address. */
    void unreachable(String reason) {
        told(monitor -> monitor.deliveryUnreachable(reason, delivery.runtime.now()));
    }

    /** Takes the news that the DNS does not say where the primary is; as long as another lane knows, it is known. */
    void unresolved(DomainLane lane, String reason) {
        if (followers.stream().allMatch(follower -> follower == lane)) {
            unresolved(reason);
        }
    }

    private void unresolved(String reason) {
        told(monitor -> monitor.unresolved(reason, delivery.runtime.now()));
    }

    private interface News {
        Optional<HealthChange> tell(PrimaryMonitor monitor);
    }

    private void told(News news) {
        Optional<HealthChange> change;
        synchronized (this) {
            change = news.tell(monitor);
            health = monitor.health();
            change.ifPresent(this::post);
            arm();
        }
        change.ifPresent(what -> followers.forEach(lane -> lane.healthChanged(what.to())));
    }

    private void post(HealthChange change) {
        if (delivery.events.isObserved()) {
            delivery.events.post(new PrimaryChanged(
                    nextHops, followers.stream().map(DomainLane::domain).collect(Collectors.toSet()), change));
        }
    }

    /** Sets the timer to the next probe unless it fires earlier anyway; guarded by this. */
    private void arm() {
        Instant next = monitor.nextProbe();
        if (ended || probing || !next.isBefore(armedFor)) {
            return;
        }
        if (timer != null) {
            timer.cancel(false);
        }
        armedFor = next;
        timer = delivery.runtime.schedule(Duration.between(delivery.runtime.now(), next), this::timerFired);
    }

    private void timerFired() {
        synchronized (this) {
            armedFor = Instant.MAX;
            if (monitor.nextProbe().isAfter(delivery.runtime.now())) {
                arm(); // a delivery has put it off
                return;
            }
        }
        probeNow();
    }

    /** Probes at once, unless a probe is under way or probing is off. */
    void probeNow() {
        synchronized (this) {
            if (ended || probing || probe.depth().isEmpty()) {
                return;
            }
            probing = true;
        }
        watches.enqueue(this);
    }

    /** Runs the probe that was enqueued. */
    void run(Runnable whenDone) {
        DomainLane asker = followers.stream().findAny().orElse(null);
        if (asker == null) { // the last lane went, and the watch with it
            whenDone.run();
            return;
        }
        asker.refreshRoute();
        List<NextHopAddress> tried = addresses.subList(0, Math.min(addresses.size(), MAX_ADDRESSES));
        probe(asker, tried, 0, null, whenDone);
    }

    private void probe(
            DomainLane asker, List<NextHopAddress> tried, int index, @Nullable ProbeResult before, Runnable whenDone) {
        ask(asker, tried.get(index))
                .whenCompleteAsync(
                        (result, fault) -> {
                            ProbeResult best = better(before, result);
                            if (best instanceof ProbeResult.Healthy || index + 1 == tried.size()) {
                                ended(best, fault, whenDone);
                            } else {
                                probe(asker, tried, index + 1, best, whenDone);
                            }
                        },
                        delivery.runtime.workers());
    }

    private CompletionStage<ProbeResult> ask(DomainLane asker, NextHopAddress address) {
        try {
            return requireNonNull(
                    delivery.client.probe(new ProbeRequest(
                            address,
                            delivery.config.hostname(),
                            probe.depth().orElseThrow(),
                            asker.domain(),
                            probe.timeout())),
                    "probe");
        } catch (RuntimeException | Error e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** One good address is enough; and who refuses is at least there. */
    private static @Nullable ProbeResult better(@Nullable ProbeResult before, @Nullable ProbeResult now) {
        boolean keep = now == null || (before instanceof ProbeResult.Refused && now instanceof ProbeResult.Unreachable);
        return keep ? before : now;
    }

    private void ended(@Nullable ProbeResult result, @Nullable Throwable fault, Runnable whenDone) {
        synchronized (this) {
            probing = false;
        }
        try {
            if (result != null) {
                told(monitor -> monitor.probed(result, delivery.runtime.now()));
            } else {
                LOG.atError().setCause(fault).addKeyValue("nextHop", nextHops).log("probe failed by our fault");
                unresolved("probe failed by our fault");
            }
        } finally {
            whenDone.run();
        }
    }

    /** Stops probing for good. */
    synchronized void stop() {
        ended = true;
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
