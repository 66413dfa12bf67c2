package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.PrimaryFlapping;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthChange;
import org.backupmx.health.HealthProbe;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.health.PrimaryMonitor;
import org.backupmx.intake.DomainMode;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelaySettings;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches one primary for all the lanes that lead to it: probes it, hears from their attempts, tells them when its
 * health changes. Thread-safe.
 */
final class PrimaryWatch {

    private static final Logger LOG = LoggerFactory.getLogger(PrimaryWatch.class);

    /** The shortest time between a probe and one that somebody's wish begins: no stranger makes us a flood. */
    static final Duration ON_DEMAND = Duration.ofSeconds(30);

    /** How long who asks waits for the answer of a probe. */
    static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Delivery delivery;
    private final PrimaryWatches watches;
    private final List<NextHop> nextHops;
    private final HealthProbe probe;
    private final Map<DomainLane, RelaySettings> followers = new ConcurrentHashMap<>();
    private final PrimaryPermits permits;

    private final PrimaryMonitor monitor; // guarded by this
    private boolean probing; // guarded by this
    private boolean ended; // guarded by this
    private Instant lastProbe = Instant.MIN; // when it began; guarded by this
    private CompletableFuture<Void> probeEnd = new CompletableFuture<>(); // of this probe or the next; guarded by this
    private @Nullable CompletableFuture<PrimaryHealth> awaited; // the end of the next probe; guarded by this
    private @Nullable Future<?> timer; // guarded by this
    private Instant armedFor = Instant.MAX; // guarded by this

    private volatile PrimaryHealth health;
    private volatile List<NextHopAddress> addresses;
    private volatile LimitsJournal.@Nullable Answer answer; // to EHLO, the last one
    private volatile @Nullable PrimaryCapabilities offered;
    private final CapabilityDoubt capabilityDoubt = new CapabilityDoubt();
    private final ProbeAsker asker;

    PrimaryWatch(Delivery delivery, PrimaryWatches watches, List<NextHop> nextHops, List<NextHopAddress> addresses) {
        this.delivery = delivery;
        this.watches = watches;
        this.nextHops = nextHops;
        this.addresses = addresses;
        this.probe = delivery.config.healthProbe();
        this.asker = new ProbeAsker(probe, followers, delivery.runtime.random());
        this.monitor = new PrimaryMonitor(probe, delivery.runtime.random(), delivery.runtime.now());
        this.health = monitor.health();
        this.answer = delivery.limits.find(nextHops).orElse(null);
        this.permits =
                new PrimaryPermits(delivery.runtime, delivery.config.maxDeliveriesPerPrimary(), watches.paid(nextHops));
        permits.open(isOpen());
    }

    /** Returns the attempts that this primary gets. */
    PrimaryPermits permits() {
        return permits;
    }

    /** Returns what is known of the primary. */
    PrimaryHealth health() {
        return health;
    }

    /** Returns what the primary is known to take, by its last answer to EHLO that is not too old. */
    PrimaryLimits limits() {
        LimitsJournal.Answer last = answer;
        return last == null ? PrimaryLimits.UNKNOWN : last.limits(delivery.runtime.now());
    }

    /** Takes what the primary says of itself, in a probe or in a session for mail. */
    void said(PrimaryCapabilities capabilities) {
        if (!capabilities.extensions().isEmpty()) {
            offered = capabilities;
        }
        LimitsJournal.Answer now = delivery.limits.said(nextHops, capabilities).orElse(null);
        answer = now;
        if (now != null) {
            capabilityDoubt.answered(now);
        }
    }

    /** Whether the primary is believed that it cannot do something. */
    CapabilityDoubt capabilityDoubt() {
        return capabilityDoubt;
    }

    /** Tells whether lanes keep their mail without an attempt: only where a probe will tell when that is over. */
    boolean isClosed() {
        return probe.depth().isPresent() && isAway(health);
    }

    private static boolean isAway(PrimaryHealth health) {
        return health == PrimaryHealth.DOWN || health == PrimaryHealth.REJECTING;
    }

    /** Tells whether more than one attempt at a time makes sense. */
    boolean isOpen() {
        return health == PrimaryHealth.UP || probe.depth().isEmpty();
    }

    List<NextHopAddress> addresses() {
        return addresses;
    }

    List<NextHop> nextHops() {
        return nextHops;
    }

    /**
     * Takes a lane, how it presents itself to this primary, which is not for the next one it finds, and the addresses as it found
     * them; false if this watch has ended.
     */
    synchronized boolean follow(DomainLane lane, RelaySettings settings, List<NextHopAddress> found) {
        if (ended) {
            return false;
        }
        if (!found.equals(addresses) || followers.isEmpty()) {
            watches.isAt(this, addresses, found);
            addresses = found;
        }
        followers.put(lane, settings);
        arm();
        return true;
    }

    /** Lets a lane go; with the last one the watch ends. */
    void unfollow(DomainLane lane) {
        permits.left(lane);
        synchronized (this) {
            followers.remove(lane);
            asker.left(lane);
            if (!followers.isEmpty()) {
                return;
            }
            watches.paid(nextHops, permits.paid(), delivery.runtime.nanoTime().getAsLong());
            ended = true;
            if (timer != null) {
                timer.cancel(false);
            }
        }
        watches.remove(this);
        delivery.history.ended(nextHops);
    }

    /** Takes a message of a lane that was delivered. */
    void delivered(DomainLane lane) {
        asker.served(lane);
        told(monitor -> monitor.delivered(delivery.runtime.now()));
    }

    /** Takes the primary's own request for its mail, and probes it. */
    void asked() {
        synchronized (this) {
            monitor.asked(delivery.runtime.now());
        }
        probeNow();
    }

    /**
     * Returns the health, and probes first what was last known to be UP longer ago than that; without an answer in time
     * it is UNKNOWN. What is known not to be UP is told at once, and probed as well. Never blocks.
     */
    CompletableFuture<PrimaryHealth> health(Duration maxAge) {
        CompletableFuture<PrimaryHealth> answer;
        boolean begins;
        synchronized (this) {
            Instant now = delivery.runtime.now();
            boolean isFresh =
                    monitor.lastAnswer().map(at -> at.plus(maxAge).isAfter(now)).orElse(false);
            if (isFresh || ended) {
                return CompletableFuture.completedFuture(health);
            }
            if (probe.depth().isEmpty()) { // nobody would find out that it is UP no more
                return CompletableFuture.completedFuture(health == PrimaryHealth.UP ? PrimaryHealth.UNKNOWN : health);
            }
            Instant allowed = lastProbe.equals(Instant.MIN) ? now : lastProbe.plus(ON_DEMAND);
            begins = !probing && !allowed.isAfter(now);
            boolean mayTurn = health == PrimaryHealth.UP || monitor.lastAnswer().isEmpty();
            answer = mayTurn && (probing || begins) ? awaited() : CompletableFuture.completedFuture(health);
        }
        if (begins) {
            probeNow();
        }
        return answer;
    }

    /** Probes at once, or joins the probe under way; completes at its end. */
    CompletableFuture<Void> probed() {
        CompletableFuture<Void> end;
        synchronized (this) {
            if (ended || probe.depth().isEmpty()) {
                return CompletableFuture.completedFuture(null);
            }
            end = probeEnd;
        }
        probeNow();
        return end;
    }

    /** What the primary offered last; empty if it is not known, as after HELO. */
    Optional<PrimaryCapabilities> offered() {
        return Optional.ofNullable(offered);
    }

    /** Describes all that is known, for a domain that follows. */
    synchronized DomainHealth describe(
            MailDomain domain,
            DomainMode mode,
            PrimaryHealth effective,
            Optional<SmtpReply> doubted,
            Optional<SmtpReply> demandNotMet) {
        return new DomainHealth(
                domain,
                mode,
                effective,
                monitor.health(),
                monitor.since(),
                doubted.map(reply -> "not believed: " + reply).orElse(monitor.cause()),
                monitor.isFlapping(),
                monitor.lastAnswer(),
                Optional.of(monitor.nextProbe()).filter(next -> !next.equals(Instant.MAX)),
                nextHops,
                monitor.capabilities(),
                delivery.orders.override(domain),
                delivery.orders.windows(domain),
                demandNotMet);
    }

    /** Probes a primary that is not UP, unless one has just been made: there is a sign of life. */
    void seen() {
        synchronized (this) {
            if (isOpen() || lastProbe.plus(ON_DEMAND).isAfter(delivery.runtime.now())) {
                return;
            }
        }
        probeNow();
    }

    /** The end of the probe that is under way or about to begin; guarded by this. */
    private CompletableFuture<PrimaryHealth> awaited() {
        CompletableFuture<PrimaryHealth> answer = awaited;
        if (answer == null) {
            CompletableFuture<PrimaryHealth> fresh = new CompletableFuture<>();
            delivery.runtime.schedule(PATIENCE, () -> fresh.complete(PrimaryHealth.UNKNOWN));
            awaited = fresh;
            answer = fresh;
        }
        return answer;
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
        if (followers.keySet().stream().allMatch(follower -> follower == lane)) {
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
        boolean isAnswering;
        synchronized (this) {
            boolean wasFlapping = monitor.isFlapping();
            change = news.tell(monitor);
            health = monitor.health();
            isAnswering = monitor.isAnswering();
            if (monitor.isFlapping() && !wasFlapping) {
                delivery.events.post(new PrimaryFlapping(delivery.runtime.now(), nextHops));
            }
            change.ifPresent(this::post);
            change.ifPresent(what -> delivery.history.changed(nextHops, what));
            arm();
        }
        if (change.isPresent()) {
            boolean isBack = isAnswering && isAway(change.get().from());
            if (isBack) {
                permits.restart();
            }
            permits.open(isOpen());
            followers.keySet().forEach(lane -> lane.healthChanged(isAnswering, isBack));
        }
    }

    /** Tells listeners, unless all who care know already that the primary is being maintained. */
    private void post(HealthChange change) {
        if (!delivery.events.isObserved()) {
            return;
        }
        Set<MailDomain> domains = followers.keySet().stream()
                .map(DomainLane::domain)
                .filter(domain -> !delivery.orders.isMaintained(domain))
                .collect(Collectors.toSet());
        if (!domains.isEmpty() || followers.isEmpty()) {
            delivery.events.post(new PrimaryChanged(nextHops, domains, change));
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
            lastProbe = delivery.runtime.now();
        }
        watches.enqueue(this);
    }

    /** Tells whether lanes follow that make other demands of a session. */
    boolean hasOthersThan(RelaySettings settings) {
        return asker.hasOthersThan(settings);
    }

    /** Runs the probe that was enqueued. */
    void run(Runnable whenDone) {
        ProbeAsker.Turn by = asker.next();
        if (by == null) { // the last lane went, and the watch with it
            dropped();
            whenDone.run();
            return;
        }
        by.lane().refreshRoute();
        new PrimaryProbe(delivery, by.lane().domain(), by.settings(), addresses)
                .run()
                .whenComplete((result, fault) -> {
                    asker.probed(by, result instanceof ProbeResult.Healthy);
                    ended(result, fault, whenDone);
                });
    }

    /** The probe that was wanted will not be made; nobody shall wait for it. */
    void dropped() {
        takeWaiting().run();
    }

    /** Ends the probing; returns what tells those who wait for its end. */
    private synchronized Runnable takeWaiting() {
        CompletableFuture<PrimaryHealth> waiting = awaited;
        CompletableFuture<Void> end = probeEnd;
        probing = false;
        awaited = null;
        probeEnd = new CompletableFuture<>();
        return () -> {
            if (waiting != null) {
                waiting.complete(health);
            }
            end.complete(null);
        };
    }

    private void ended(@Nullable ProbeResult result, @Nullable Throwable fault, Runnable whenDone) {
        Instant began;
        Runnable tellWaiting;
        synchronized (this) {
            began = lastProbe;
            tellWaiting = takeWaiting();
        }
        try {
            if (result != null) {
                delivery.history.probed(nextHops, result, began);
                if (result instanceof ProbeResult.Healthy healthy) {
                    said(healthy.capabilities());
                }
                told(monitor -> monitor.probed(result, delivery.runtime.now()));
            } else {
                LOG.atError().setCause(fault).addKeyValue("nextHop", nextHops).log("probe failed by our fault");
                unresolved("probe failed by our fault");
            }
        } finally {
            tellWaiting.run();
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
