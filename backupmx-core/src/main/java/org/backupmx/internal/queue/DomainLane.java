package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelayRoute;
import org.backupmx.relay.RelaySettings;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolLane;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lane of one destination domain at work: leases what is due, keeps a bounded number of attempts in flight, and
 * rests while its primary is known to be away.
 *
 * <p>It is an actor: {@link #wake()} from any thread makes a worker take a turn, and turns of one lane never overlap.
 */
final class DomainLane {

    private static final Logger LOG = LoggerFactory.getLogger(DomainLane.class);

    private static final Duration SPOOL_AGAIN = Duration.ofSeconds(5);

    /** How long a domain's primary is watched after somebody asked how it is. */
    static final Duration INTEREST = Duration.ofHours(1);

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;
    private final Settler settler;
    private final MailDomain domain;
    private final DomainRoute route;
    private final LanePrimary primary;
    private final Recovery recovery;
    private final LaneHours hours;
    private final LaneExpiry expiry;
    private final ExpirySweep sweep;
    private final ExpiryWarnings warnings;
    private final Canaries canaries;
    private final LaneRescue rescue;
    private final LaneMail mail;
    private final LaneTimer timer;

    private final AtomicInteger wanted = new AtomicInteger(); // wake-ups not yet answered by a turn
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicBoolean drainWanted = new AtomicBoolean();
    private final AtomicBoolean allWanted = new AtomicBoolean(); // by the drain, what it has attempted already included
    private final AtomicBoolean clockSetBack = new AtomicBoolean();
    private volatile @Nullable SpoolLane listed;
    private volatile boolean resting;
    private volatile boolean retired;
    private volatile Instant wantedUntil = Instant.MIN;
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();

    // owned by the turn

    DomainLane(Delivery delivery, DeliveryScheduler scheduler, Settler settler, MailDomain domain) {
        this.delivery = delivery;
        this.scheduler = scheduler;
        this.settler = settler;
        this.domain = domain;
        this.route = new DomainRoute(delivery, domain);
        this.hours = new LaneHours(route);
        this.primary = new LanePrimary(delivery, scheduler, this);
        this.recovery = new Recovery(scheduler.startedAt());
        this.expiry = new LaneExpiry(
                route,
                recovery,
                delivery.gains,
                new AnsweringTime(delivery.history, primary::nextHops),
                primary::offered);
        this.sweep = new ExpirySweep(
                expiry, delivery.keeper, !delivery.config.senderVerifier().equals(SenderVerifier.none()));
        this.warnings = new ExpiryWarnings(delivery, domain, expiry);
        this.canaries = new Canaries(delivery.knownRecipients);
        this.rescue = new LaneRescue(delivery, this, route, this::beginRescue);
        this.timer = new LaneTimer(delivery.runtime, this::wake);
        this.mail = new LaneMail(
                delivery, domain, primary, canaries, rescue, hours, new LaneOrder(delivery.spool, route, expiry));
    }

    MailDomain domain() {
        return domain;
    }

    int inFlight() {
        return inFlight.get();
    }

    /** Gives back, in a turn after the scheduler began to stop, what is leased and not attempted. */
    CompletableFuture<Void> stop() {
        wake();
        return stopped;
    }

    PrimaryHealth health() {
        return primary.health();
    }

    /** When attempts may begin again, by the hours of the domain; empty if they may now. */
    Optional<Instant> opens(Instant now) {
        return hours.opens(now);
    }

    /** How much the primary is given. */
    DeliveryRate deliveryRate() {
        return route.deliveryRate();
    }

    /** What the primary is known to take. */
    PrimaryLimits limits() {
        return primary.limits();
    }

    /** Whether mail with REQUIRETLS for the domain can be sent on. */
    RequireTls requireTls() {
        DomainRoute.Known known = route.known();
        return known == null || delivery.orders.redirect(domain).isPresent()
                ? RequireTls.UNKNOWN
                : RequireTls.of(known.isAuthenticated(), limits());
    }

    /** The primary's health, see {@link LanePrimary#health(Duration)}; it is watched for a while from now on. */
    CompletableFuture<PrimaryHealth> health(Duration maxAge) {
        wanted();
        return primary.health(maxAge);
    }

    /** Probes the primary; completes when that has ended. */
    CompletableFuture<Void> probed() {
        wanted();
        return primary.probed();
    }

    private void wanted() {
        boolean isNew = wantedUntil.equals(Instant.MIN);
        wantedUntil = delivery.runtime.now().plus(INTEREST);
        if (isNew) {
            wake();
        }
    }

    DomainHealth describe(DomainMode mode) {
        return primary.describe(mode);
    }

    /** Something an operator ordered has begun or ended. */
    void ordered() {
        route.outdate();
        primary.forgive();
        drainWanted.set(true); // for when it is open, perhaps at another next hop
        wake();
    }

    boolean isStopping() {
        return scheduler.isStopping();
    }

    /** Something was committed for this domain; a lane that rests need not know, unless it has something to tell. */
    void committed() {
        mail.changed();
        if (retired) {
            scheduler.committed(domain);
        } else if (!resting || route.isUntold()) {
            wake();
        }
    }

    /** The spool lists this lane. */
    void listed(SpoolLane lane) {
        listed = lane;
        warnings.listed(lane);
        mail.changed();
        wake();
    }

    /** Attempts everything now, whenever it is due, and asks a primary that is away. */
    void flush() {
        allWanted.set(true);
        drainWanted.set(true);
        primary.forgive();
        primary.askUnlessUp();
        wake();
    }

    /** As {@link #flush}, whatever the hours of the domain. */
    void flushOutsideHours() {
        hours.lift();
        flush();
    }

    /** The clock was set back: what waits for instants of before is looked at anew, and all mail attempted. */
    void clockSetBack() {
        clockSetBack.set(true);
        route.outdate();
        primary.breaker().clockSetBack(delivery.runtime.now());
        flush();
    }

    /**
     * Something in it was made due: a primary that is away or waits is asked, and nothing else is attempted. What is due by
     * {@code first} goes before the rest.
     */
    void urge(Instant first) {
        mail.flushed(first);
        primary.forgive();
        primary.askUnlessUp();
        wake();
    }

    /** As {@link #flush}, for the primary itself. */
    EtrnOutcome.Kind asked() {
        EtrnOutcome.Kind kind = primary.isClosed() ? EtrnOutcome.Kind.PROBED_FIRST : EtrnOutcome.Kind.STARTED;
        drainWanted.set(true);
        primary.forgive();
        primary.asked();
        wake();
        return opens(delivery.runtime.now()).isPresent() ? EtrnOutcome.Kind.OUTSIDE_HOURS : kind;
    }

    /** A probe of the primary was good that made these demands of the session. */
    void demandsMet(RelaySettings settings) {
        primary.demandsMet(settings);
    }

    /** The refusals of the primary are believed from now on, as an operator wants. */
    boolean believe() {
        return primary.believe();
    }

    /** What was refused and not believed is tried again. */
    void doubtEnded() {
        drainWanted.set(true);
        wake();
    }

    /**
     * The primary's health is another; a primary that answers gets its mail, by one attempt at a time until it is UP.
     *
     * @param isBack whether it was away before
     */
    void healthChanged(boolean isAnswering, boolean isBack) {
        if (isBack) {
            primary.breaker().outageEnded(delivery.runtime.now());
        }
        recovery.healthChanged(isAnswering, delivery.runtime.now());
        if (isAnswering) {
            primary.forgive(); // a good probe clears every bad memory
            drainWanted.set(true);
        }
        wake();
    }

    /** How we present ourselves to the primary. */
    RelaySettings relaySettings() {
        return route.relaySettings();
    }

    /** The addresses of hosts that are as good as that of an address of the route. */
    List<NextHopAddress> equalsOf(NextHopAddress address) {
        DomainRoute.Known known = route.known();
        return known != null
                        && known.route() instanceof RelayRoute.NextHops hops
                        && hops.preferences().containsKey(address.nextHop())
                ? hops.equalsOf(address)
                : List.of();
    }

    /** How we present ourselves to a host that is not the primary. */
    RelaySettings settingsForOthers() {
        return route.settingsForOthers();
    }

    /** Where the primary is, as far as that is known, and an operator has not put another host in its place. */
    Set<NextHopAddress> primaryAddresses() {
        DomainRoute.Known known = route.known();
        return known != null
                        && known.route() instanceof RelayRoute.NextHops hops
                        && delivery.orders.redirect(domain).isEmpty()
                ? Set.copyOf(hops.addresses())
                : Set.of();
    }

    void refreshRoute() {
        route.refresh(this::routeFound);
    }

    /** A way that is there again is as good as a primary that is: what waits goes at once, whenever it is due. */
    private void routeFound(boolean isRestored) {
        if (isRestored) {
            flush();
        } else {
            wake();
        }
    }

    /** Tells whether the way leads where the primary never was, and nobody has taken a message there yet. */
    boolean isElsewhere() {
        DomainRoute.Known known = route.known();
        return known != null && known.isElsewhere();
    }

    /** A message was relayed. */
    void relayed() {
        route.confirm();
    }

    void wake() {
        if (wanted.getAndIncrement() == 0) {
            delivery.runtime.execute(this::turns);
        }
    }

    private void turns() {
        int answered = wanted.get();
        try {
            turn();
        } catch (SpoolException | RuntimeException e) {
            LOG.atError().setCause(e).addKeyValue("domain", domain).log("turn failed, lane waits");
            mail.changed();
            timer.arm(delivery.runtime.now().plus(SPOOL_AGAIN));
        } finally {
            delivery.permits.offer();
            primary.permits().turnEnded(this);
            rescue.turnEnded();
            if (wanted.addAndGet(-answered) > 0) {
                delivery.runtime.execute(this::turns);
            }
        }
    }

    private void turn() throws SpoolException {
        timer.turnBegins();
        if (scheduler.isStopping()) {
            canaries.release(delivery.keeper);
            rescue.leave();
            mail.release();
            timer.disarm();
            stopped.complete(null);
            return;
        }
        if (retired) {
            return;
        }
        refreshRoute();
        DomainRoute.Known known = route.known();
        if (known == null) {
            return;
        }
        delivery.keeper.keepPace();
        Instant now = delivery.runtime.now();
        if (clockSetBack.getAndSet(false)) {
            rescue.looked(true, now);
        }
        primary.follow(known);
        if (route.isUntold() && delivery.spool.nextDue(domain).isPresent()) {
            route.tell();
        }
        Instant old = known.at().plus(DomainRoute.FRESH);
        if (!known.isGood() && old.isAfter(now)) { // else a search is under way
            timer.arm(old);
        }
        if (known.route() instanceof RelayRoute.NextHops hops) {
            deliver(now, known, hops);
        } else if (known.route() instanceof RelayRoute.Undeliverable undeliverable) {
            failDue(now, undeliverable.reply());
        } else {
            rest(now);
            leaveUnlessNeeded(now);
        }
        rescue.work(now);
    }

    private void deliver(Instant now, DomainRoute.Known way, RelayRoute.NextHops hops) throws SpoolException {
        if (hours.next(now).isAfter(now)) {
            waitForHours(now, hours.next(now));
            return;
        }
        if (primary.isClosed()) {
            canaries.release(delivery.keeper);
            rest(now);
            leaveUnlessNeeded(now);
            return;
        }
        if (primary.breaker().open().isPresent()) {
            doubt(now, way, hops);
            return;
        }
        resting = false;
        canaries.release(delivery.keeper);
        if (primary.pausedUntil().isAfter(now)) {
            timer.arm(primary.pausedUntil());
            return;
        }
        if (drainWanted.getAndSet(false)) {
            hours.drainBegins();
            mail.drain(now, allWanted.getAndSet(false));
        }
        PrimaryPermits permits = primary.permits();
        int postponed = 0;
        while ((inFlight.get() == 0 || !isElsewhere()) && permits.tryAcquire(this)) {
            boolean isUsed = false;
            try {
                HeldLease next = mail.next(now, listed);
                if (next == null) {
                    settleDown(now);
                    return;
                }
                if (delivery.committing.contains(next.id())) {
                    mail.postpone(next);
                    if (++postponed >= mail.waiting()) {
                        return; // the end of their commits wakes us
                    }
                } else if (delivery.permits.tryAcquire(this)) {
                    isUsed = true;
                    begin(next).attempt(way, primary.trial(hops.addresses(), now), permits);
                } else {
                    mail.putBack(next);
                    return;
                }
            } finally {
                if (!isUsed) {
                    permits.unused();
                }
            }
        }
    }

    /** Nothing begins at this hour, and what waits goes at the next that is one of the domain's. */
    private void waitForHours(Instant now, Instant next) throws SpoolException {
        canaries.release(delivery.keeper);
        rest(now, false);
        drainWanted.set(true);
        leaveUnlessNeeded(now);
        if (!retired) {
            timer.arm(next);
        }
    }

    /** The primary's refusals are not believed: mail stays, but for a canary at a time. */
    private void doubt(Instant now, DomainRoute.Known way, RelayRoute.NextHops hops) throws SpoolException {
        Instant nextCanary = primary.breaker().nextCanary();
        if (canaries.isEmpty()) {
            rest(now);
            if (inFlight.get() == 0 && !nextCanary.isAfter(now)) {
                canaries.choose(mail.lease(now, Instant.MAX, Canaries.CHOICE), delivery.keeper);
                primary.breaker().canariesGo(now);
                nextCanary = primary.breaker().nextCanary();
            }
        }
        if (inFlight.get() == 0 && !canaries.isEmpty() && primary.permits().tryAcquire(this)) {
            HeldLease canary = canaries.poll();
            if (canary != null && !canary.isLost(now) && delivery.permits.tryAcquire(this)) {
                begin(canary).attempt(way, primary.trial(hops.addresses(), now), primary.permits());
                return;
            }
            primary.permits().unused();
            if (canary != null) {
                delivery.keeper.release(canary);
            }
        }
        leaveUnlessNeeded(now);
        timer.arm(nextCanary);
    }

    /** Nothing to lease now: waits for the next due instant, or is gone with the last message. */
    private void settleDown(Instant now) {
        Instant nextDue = mail.nextDue();
        if (!nextDue.equals(Instant.MAX)) {
            Instant soonest = now.plusMillis(10);
            timer.arm(nextDue.isAfter(soonest) ? nextDue : soonest);
        } else if (inFlight.get() == 0 && !mail.isDraining()) {
            leave(now);
        }
    }

    /** A lane that rests has asked the spool for nothing: it may be that there is nothing to wait for. */
    private void leaveUnlessNeeded(Instant now) throws SpoolException {
        if (!scheduler.isWatched(domain)
                && inFlight.get() == 0
                && delivery.spool.nextDue(domain).isEmpty()) {
            leave(now);
        }
    }

    private void leave(Instant now) {
        if (!rescue.isIdle()) {
            return; // a permit wakes us
        }
        if (wantedUntil.isAfter(now)) {
            timer.arm(wantedUntil);
        } else if (scheduler.retire(this)) {
            retired = true;
            rescue.leave();
            primary.unfollow();
            timer.disarm();
            if (mail.hasChanged()) {
                scheduler.committed(domain); // that came meanwhile and is for the next lane
            }
        }
    }

    /** The primary is away: no attempts, nothing leased; only what is past its give-up time is looked for. */
    private void rest(Instant now) throws SpoolException {
        rest(now, true);
    }

    private void rest(Instant now, boolean expires) throws SpoolException {
        resting = true;
        mail.release();
        if (inFlight.get() == 0 && rescue.isIdle() && (sweep.isDue(listed, now) || rescue.isLookDue(now))) {
            ExpirySweep.Found found = sweep.look(mail.lease(now), now, expires);
            found.rescued().forEach(held -> rescue.take(held, now));
            rescue.looked(!found.rescued().isEmpty(), now);
            found.expired().forEach(held -> begin(held).expire());
            found.late().forEach((held, due) -> begin(held).late(due));
        }
    }

    /** A foreign domain takes no mail: every DSN that is due fails. */
    private void failDue(Instant now, SmtpReply reply) throws SpoolException {
        resting = false;
        if (inFlight.get() > 0) {
            return;
        }
        List<HeldLease> failing = mail.takeDue(now);
        if (failing.isEmpty()) {
            settleDown(now);
        }
        for (HeldLease held : failing) {
            if (RescueMark.isNext(held.lease())) {
                rescue.take(held, now);
            } else if (held.lease().message().envelope().reversePath().isNull()) {
                begin(held).fail(reply);
            } else {
                // no DSN of ours, so accepted when this was a relay domain: what the DNS says does not return it
                begin(held).keep(reply);
                route.keeps(reply);
            }
        }
    }

    private RescueFlight beginRescue(HeldLease held) {
        inFlight.incrementAndGet();
        scheduler.attemptBegun();
        return new RescueFlight(delivery, settler, this, expiry, held);
    }

    private Flight begin(HeldLease held) {
        inFlight.incrementAndGet();
        scheduler.attemptBegun();
        return new Flight(delivery, settler, this, primary, expiry, held);
    }

    /** A flight has ended; {@code remains} tells whether its message is still in the lane. */
    void ended(boolean remains) {
        if (remains) {
            mail.changed();
        }
        inFlight.decrementAndGet();
        scheduler.attemptEnded();
        wake();
    }
}
