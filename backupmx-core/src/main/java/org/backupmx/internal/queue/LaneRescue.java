package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.Function;
import org.backupmx.health.HealthOverride;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolLease;
import org.backupmx.undelivered.RescueHosts;
import org.jspecify.annotations.Nullable;

/**
 * The mail of one lane that goes to the rescue hosts, whatever its primary does meanwhile. Owned by its lane's turn.
 *
 * <p>It stands in the lane like all the rest, and is told by its {@link RescueMark} when it is leased.
 */
final class LaneRescue {

    /** The most messages that wait for an attempt; others are leased again later. */
    private static final int MOST_WAITING = 500;

    private static final Duration LATER = Duration.ofMinutes(1);

    /** How often a lane that attempts nothing else looks for mail of this kind. */
    private static final Duration LOOK = Duration.ofMinutes(10);

    private static final SmtpReply NO_HOSTS = SmtpReply.of(554, "5.4.4", "There are no rescue hosts any more");
    private static final SmtpReply TOO_LATE = SmtpReply.of(554, "5.4.7", "The rescue hosts did not take it in time");

    /** Nobody knows their certificates (RFC 8689 section 4.2.1). */
    private static final SmtpReply NOT_SAFE =
            SmtpReply.of(554, "5.7.30", "The message needs REQUIRETLS, which rescue hosts do not get");

    private final Delivery delivery;
    private final DomainLane lane;
    private final DomainRoute route;
    private final Function<HeldLease, RescueFlight> flights;
    private final Deque<HeldLease> waiting = new ArrayDeque<>();
    private @Nullable RescueHost asked; // for a permit, the last time
    private Instant nextLook = Instant.MIN;

    LaneRescue(Delivery delivery, DomainLane lane, DomainRoute route, Function<HeldLease, RescueFlight> flights) {
        this.delivery = delivery;
        this.lane = lane;
        this.route = route;
        this.flights = flights;
    }

    boolean isIdle() {
        return waiting.isEmpty();
    }

    /** Tells whether a lane that rests is to look for mail of this kind. */
    boolean isLookDue(Instant now) {
        return route.undelivered().rescueHosts().isPresent() && !nextLook.isAfter(now);
    }

    /** Takes the end of a look; where there was some, there may be more. */
    void looked(boolean hasFound, Instant now) {
        nextLook = hasFound ? now : now.plus(LOOK);
    }

    /** Takes a message whose next attempt is one at the rescue hosts; where there is no room, it is leased again later. */
    void take(HeldLease held, Instant now) {
        delivery.inRescue.seen(lane.domain(), held.id(), true);
        if (waiting.size() < MOST_WAITING) {
            waiting.add(held);
        } else {
            delivery.keeper.settle(held, Settlement.unused(now, now.plus(LATER)));
        }
    }

    /** Begins what can be begun now: nothing where an operator holds the domain. */
    void work(Instant now) {
        if (delivery.orders.standing(lane.domain()) == HealthOverride.Kind.HOLD) {
            giveBack();
            return;
        }
        for (HeldLease next = waiting.poll(); next != null; next = waiting.poll()) {
            if (next.isLost(now)) {
                delivery.keeper.release(next);
            } else if (!begin(next, route.undelivered().rescueHosts(), now)) {
                waiting.addFirst(next);
                return;
            }
        }
    }

    /** Begins the flight of a message, or puts it off; false if it is not our turn yet. */
    private boolean begin(HeldLease next, Optional<RescueHosts> hosts, Instant now) {
        if (hosts.isEmpty() || isOver(next.lease(), hosts.get(), now)) {
            flights.apply(next).giveUp(hosts.isEmpty() ? NO_HOSTS : TOO_LATE);
            return true;
        }
        if (next.lease().message().envelope().requireTls()) {
            flights.apply(next).giveUp(NOT_SAFE);
            return true;
        }
        RescueHost host = host(hosts.get());
        if (host.pausedUntil().isAfter(now)) {
            delivery.keeper.settle(next, Settlement.unused(now, host.pausedUntil()));
            return true;
        }
        if (!host.permits().tryAcquire(lane)) {
            return false;
        }
        if (!delivery.permits.tryAcquire(lane)) {
            host.permits().unused();
            return false;
        }
        flights.apply(next).attempt(hosts.get(), host);
        return true;
    }

    private static boolean isOver(SpoolLease lease, RescueHosts hosts, Instant now) {
        return !RescueMark.since(lease).plus(hosts.lifetime()).isAfter(now);
    }

    private RescueHost host(RescueHosts hosts) {
        RescueHost found = delivery.rescueHost(hosts);
        if (asked != null && asked != found) {
            asked.permits().left(lane);
        }
        asked = found;
        return found;
    }

    /** The lane's turn has ended: a permit that was promised and not used is for others. */
    void turnEnded() {
        if (asked != null) {
            asked.permits().turnEnded(lane);
        }
    }

    /** The lane goes, or stops: what waits is given back. */
    void leave() {
        giveBack();
        if (asked != null) {
            asked.permits().left(lane);
        }
    }

    private void giveBack() {
        for (HeldLease next = waiting.poll(); next != null; next = waiting.poll()) {
            delivery.keeper.release(next);
        }
    }
}
