package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import org.backupmx.event.BreakerClosed;
import org.backupmx.event.BreakerOpened;
import org.backupmx.event.CapabilityRefused;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.DomainMode;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.PrimaryCapabilities;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayRoute;
import org.backupmx.relay.RelaySettings;
import org.backupmx.spool.QueuedRecipient;
import org.jspecify.annotations.Nullable;

/**
 * The primary of one lane, as its routes and attempts show it: its watch, and what has just failed. Thread-safe, except
 * that only the lane's turn follows and unfollows.
 */
final class LanePrimary {

    private static final Duration BAD = Duration.ofSeconds(60);

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;
    private final DomainLane lane;

    private final Map<NextHopAddress, Instant> badUntil = new ConcurrentHashMap<>();
    private volatile Instant pausedUntil = Instant.MIN;
    private volatile @Nullable SmtpReply demandNotMet; // why the last attempt got no session
    private volatile @Nullable PrimaryWatch watch;
    private final CompletableFuture<Void> routed = new CompletableFuture<>(); // the first way, or that there is none
    private final Instant since;
    private final PrimaryPermits own; // where no primary is followed
    private final Breaker breaker;
    private DomainRoute.@Nullable Known followed; // owned by the turn

    LanePrimary(Delivery delivery, DeliveryScheduler scheduler, DomainLane lane) {
        this.delivery = delivery;
        this.scheduler = scheduler;
        this.lane = lane;
        this.since = delivery.runtime.now();
        this.own =
                new PrimaryPermits(delivery.runtime, delivery.config.maxDeliveriesPerPrimary(), RateCap.Paid.NOTHING);
        this.breaker = new Breaker(delivery.knownRecipients, since);
    }

    Breaker breaker() {
        return breaker;
    }

    /** Tells whether it matters who is next, for the primary has to show that it is itself. */
    boolean isTrying() {
        return watch != null && delivery.config.breaker() && breaker.isTrying();
    }

    /** Returns the attempts that the primary gets. */
    PrimaryPermits permits() {
        PrimaryWatch watched = watch;
        return watched == null ? own : watched.permits();
    }

    /** The health that acceptance and delivery go by. */
    PrimaryHealth health() {
        PrimaryWatch watched = watch;
        return ordered().orElseGet(() -> doubted(watched == null ? PrimaryHealth.UNKNOWN : watched.health()));
    }

    /** A primary that answers and whose refusals are not believed is not there for its mail. */
    private PrimaryHealth doubted(PrimaryHealth health) {
        return health != PrimaryHealth.DOWN && breaker.open().isPresent() ? PrimaryHealth.REJECTING : health;
    }

    /** What it is known to take. */
    PrimaryLimits limits() {
        PrimaryWatch watched = watch;
        return watched == null ? PrimaryLimits.UNKNOWN : watched.limits();
    }

    /** What an operator wants it to be taken for. */
    private Optional<PrimaryHealth> ordered() {
        return switch (delivery.orders.standing(lane.domain())) {
            case FORCE_DOWN -> Optional.of(PrimaryHealth.DOWN);
            case FORCE_UP -> Optional.of(PrimaryHealth.UP);
            case AUTO, HOLD -> Optional.empty();
        };
    }

    /**
     * The health, no older than that where it matters: a primary that was last known to be UP longer ago, or of which
     * nothing is known yet, is asked first. UNKNOWN if there is no answer in time. Never blocks.
     */
    CompletableFuture<PrimaryHealth> health(Duration maxAge) {
        Optional<PrimaryHealth> order = ordered();
        if (order.isPresent()) {
            return CompletableFuture.completedFuture(order.get());
        }
        if (routed.isDone()) {
            PrimaryWatch watched = watch;
            return watched == null
                    ? CompletableFuture.completedFuture(PrimaryHealth.UNKNOWN)
                    : watched.health(maxAge).thenApply(this::doubted);
        }
        CompletableFuture<PrimaryHealth> answer = new CompletableFuture<>();
        Future<?> patience =
                delivery.runtime.schedule(PrimaryWatch.PATIENCE, () -> answer.complete(PrimaryHealth.UNKNOWN));
        routed.thenCompose(done -> health(maxAge)).thenAccept(health -> {
            patience.cancel(false);
            answer.complete(health);
        });
        return answer;
    }

    /** The next hops of the primary, empty while they are not known. */
    Optional<List<NextHop>> nextHops() {
        return Optional.ofNullable(watch).map(PrimaryWatch::nextHops);
    }

    /** What the primary offered last; empty if it is not known. */
    Optional<PrimaryCapabilities> offered() {
        return Optional.ofNullable(watch).flatMap(PrimaryWatch::offered);
    }

    /** Probes at once; completes when that has ended, at once if there is nothing to probe. */
    CompletableFuture<Void> probed() {
        return routed.thenCompose(done -> {
            PrimaryWatch watched = watch;
            return watched == null ? CompletableFuture.completedFuture(null) : watched.probed();
        });
    }

    DomainHealth describe(DomainMode mode) {
        PrimaryWatch watched = watch;
        return watched != null
                ? watched.describe(lane.domain(), mode, health(), breaker.open(), Optional.ofNullable(demandNotMet))
                : new DomainHealth(
                        lane.domain(),
                        mode,
                        health(),
                        PrimaryHealth.UNKNOWN,
                        since,
                        "no way to the primary is known",
                        false,
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Optional.empty(),
                        delivery.orders.override(lane.domain()),
                        delivery.orders.windows(lane.domain()),
                        Optional.ofNullable(demandNotMet));
    }

    /** Tells whether the lane rests: until a probe succeeds, or an operator's order ends. */
    boolean isClosed() {
        PrimaryWatch watched = watch;
        return switch (delivery.orders.standing(lane.domain())) {
            case FORCE_DOWN, HOLD -> true;
            case FORCE_UP -> false;
            case AUTO -> watched != null && watched.isClosed();
        };
    }

    /** Returns until when the lane makes no attempt, although nobody says that its primary is away. */
    Instant pausedUntil() {
        return pausedUntil;
    }

    /** Forgets what has failed. */
    void forgive() {
        pausedUntil = Instant.MIN;
        badUntil.clear();
        permits().resume();
    }

    /** Asks a primary that is not known to be up how it is. */
    void askUnlessUp() {
        PrimaryWatch watched = watch;
        if (watched != null && !watched.isOpen()) {
            watched.probeNow();
        }
    }

    /** The primary has asked for its mail, so it is probed at once unless it is known to be up. */
    void asked() {
        PrimaryWatch watched = watch;
        if (watched != null && !watched.isOpen()) {
            watched.asked();
        }
    }

    /** Follows the primary that was found; without a route the last one is kept, as unresolved. */
    void follow(DomainRoute.Known known) {
        if (known.equals(followed)) {
            return;
        }
        followed = known;
        PrimaryWatch watched = watch;
        if (!known.isRelayDomain()) {
            unfollow();
        } else if (known.route() instanceof RelayRoute.NextHops hops) {
            if (watched != null && !watched.nextHops().equals(hops.primary())) {
                unfollow();
            }
            PrimaryWatch following = scheduler.watches().follow(delivery, lane, known.relaySettings(), hops);
            following.permits().capped(lane, known.deliveryRate());
            watch = following;
        } else if (watched != null) {
            watched.unresolved(lane, "no route to " + lane.domain());
        }
        routed.complete(null);
    }

    void unfollow() {
        PrimaryWatch watched = watch;
        if (watched != null) {
            watch = null;
            watched.unfollow(lane);
        }
    }

    /** The addresses without those that have just failed, unless all have. */
    List<NextHopAddress> trial(List<NextHopAddress> addresses, Instant now) {
        if (badUntil.isEmpty()) {
            return addresses;
        }
        badUntil.values().removeIf(until -> !until.isAfter(now));
        List<NextHopAddress> good = addresses.stream()
                .filter(address -> !badUntil.containsKey(address))
                .toList();
        return good.isEmpty() ? addresses : good;
    }

    /** Takes an address that gave no session. */
    void skipped(NextHopAddress address) {
        badUntil.put(address, delivery.runtime.now().plus(BAD));
    }

    /** Takes the outcomes of a mail transaction, and returns what they say of the primary's speed. */
    DrainPace.Answer attempted(List<RecipientOutcome> outcomes) {
        demandNotMet = null;
        PrimaryWatch watched = scheduler.isStopping() ? null : watch;
        if (outcomes.stream().anyMatch(RecipientOutcome.Relayed.class::isInstance)) {
            if (watched != null) {
                watched.delivered(lane);
                lane.relayed();
            }
            return DrainPace.Answer.TAKEN;
        }
        if (!outcomes.stream().allMatch(LanePrimary::isAboutTheHost)) {
            return DrainPace.Answer.OTHER;
        }
        if (watched != null && !watched.permits().isOverrun()) {
            watched.refused(outcomes.get(0).reply());
        }
        return DrainPace.Answer.BUSY;
    }

    /** Takes what the primary said of itself in a session for mail. */
    void said(PrimaryCapabilities capabilities) {
        PrimaryWatch watched = watch;
        if (watched != null) {
            watched.said(capabilities);
        }
    }

    /** Returns the outcomes as they are to be settled: a refusal that is not believed is for now only. */
    List<RecipientOutcome> judged(List<QueuedRecipient> recipients, List<RecipientOutcome> outcomes) {
        PrimaryWatch watched = watch;
        if (watched == null) {
            return outcomes;
        }
        Instant now = delivery.runtime.now();
        List<RecipientOutcome> judged = new ArrayList<>(outcomes.size());
        for (int i = 0; i < outcomes.size(); i++) {
            judged.add(judged(watched, recipients.get(i).recipient().path(), outcomes.get(i), now));
        }
        return judged;
    }

    private RecipientOutcome judged(
            PrimaryWatch watched, ForwardPath recipient, RecipientOutcome outcome, Instant now) {
        if (outcome instanceof RecipientOutcome.Relayed && delivery.config.breaker()) {
            changed(breaker.taken(recipient, now), outcome.reply());
        } else if (outcome instanceof RecipientOutcome.PermanentFailure) {
            Optional<CapabilityDoubt.Lack> lack = CapabilityDoubt.Lack.of(outcome.reply());
            boolean isBelieved = lack.map(what -> isBelieved(watched, what, outcome.reply(), now))
                            .orElse(true)
                    && (!delivery.config.breaker() || isBelieved(recipient, outcome.reply(), now));
            return isBelieved ? outcome : new RecipientOutcome.TransientFailure(notBelieved(outcome.reply()));
        }
        return outcome;
    }

    /** What the primary cannot do now it could do, or was not known not to, when the message was accepted. */
    private boolean isBelieved(PrimaryWatch watched, CapabilityDoubt.Lack lack, SmtpReply reply, Instant now) {
        CapabilityDoubt.Judgement judgement = watched.capabilityDoubt().refused(lack, now);
        if (judgement.isFirst()) {
            delivery.events.post(new CapabilityRefused(now, lane.domain(), reply, judgement.until()));
        }
        return judgement.isBelieved();
    }

    private boolean isBelieved(ForwardPath recipient, SmtpReply reply, Instant now) {
        // who answers at a new place may be anybody, until it has taken something
        Breaker.Judgement judgement =
                lane.isElsewhere() ? Breaker.Judgement.DOUBTED : breaker.refused(recipient, reply, now);
        changed(judgement.change(), reply);
        return judgement.isBelieved();
    }

    private static SmtpReply notBelieved(SmtpReply reply) {
        return SmtpReply.of(451, "4.3.5", "Refusal not believed yet: " + reply);
    }

    private void changed(Breaker.Change change, SmtpReply reply) {
        switch (change) {
            case NONE -> {}
            case TRUSTED -> lane.doubtEnded();
            case OPENED -> {
                delivery.events.post(new BreakerOpened(delivery.runtime.now(), lane.domain(), reply));
                lane.wake();
            }
            case CLOSED -> {
                delivery.events.post(new BreakerClosed(delivery.runtime.now(), lane.domain(), false));
                lane.doubtEnded();
            }
        }
    }

    /** Believes the primary's refusals from now on, as an operator wants. */
    boolean believe() {
        Instant now = delivery.runtime.now();
        boolean wasOpen = breaker.open().isPresent();
        boolean wasDoubted = breaker.believe(now);
        if (wasOpen) {
            delivery.events.post(new BreakerClosed(now, lane.domain(), true));
        }
        if (wasDoubted) {
            lane.doubtEnded();
        }
        return wasDoubted;
    }

    /** 421, or a status about the mail system (x.3.z): the host is busy, whoever the recipient is. */
    static boolean isAboutTheHost(RecipientOutcome outcome) {
        SmtpReply reply = outcome.reply();
        return reply.isTransient()
                && !(outcome instanceof RecipientOutcome.Unknown)
                && !Greylisted.is(reply)
                && (reply.code() == 421
                        || reply.enhanced().map(code -> code.subject() == 3).orElse(false));
    }

    /** Takes an attempt that got a session at no address, and returns what that says of the primary's speed. */
    DrainPace.Answer noSession(SmtpReply reply) {
        PrimaryWatch watched = watch;
        boolean isOfDemands = isAboutDemands(reply);
        if (isOfDemands) {
            demandNotMet = reply;
        }
        if (watched == null || isOfDemands && watched.hasOthersThan(lane.relaySettings())) {
            pausedUntil = delivery.runtime.now().plus(BAD); // the rest of the lane need not try as well
            return DrainPace.Answer.OTHER;
        }
        if (reply.enhanced().map(code -> code.subject() == 4).orElse(false)) {
            watched.unreachable(reply.toString()); // a status about the network (x.4.z)
            return DrainPace.Answer.UNREACHABLE;
        }
        if (!reply.isTransient() || isOfDemands || !watched.permits().isOverrun()) {
            watched.refused(reply);
        }
        return isOfDemands ? DrainPace.Answer.OTHER : DrainPace.Answer.BUSY;
    }

    /** A probe was good that made these demands. */
    void demandsMet(RelaySettings settings) {
        if (demandNotMet != null && lane.relaySettings().equals(settings)) {
            demandNotMet = null;
        }
    }

    /** TLS or credentials as the domain's settings want them (x.7.5, x.7.8): other domains may get on with the primary. */
    private static boolean isAboutDemands(SmtpReply reply) {
        return reply.enhanced()
                .map(code -> code.subject() == 7 && (code.detail() == 5 || code.detail() == 8))
                .orElse(false);
    }
}
