package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.Optional;
import org.backupmx.relay.DeliveryHours;

/**
 * The hours in which attempts of one lane may begin; an operator may lift them for the drain that he starts. Thread-safe,
 * except that only the lane's turn asks for {@link #next} and tells of a drain's end.
 */
final class LaneHours {

    private final DomainRoute route;
    private volatile boolean isLiftWanted;
    private volatile boolean isLifted; // for the drain under way

    // owned by the turn: what was found, which holds for the minute, as hours begin and end with one
    private DeliveryHours hours = DeliveryHours.always();
    private long minute = Long.MIN_VALUE;
    private Instant found = Instant.MIN;

    LaneHours(DomainRoute route) {
        this.route = route;
    }

    /** Returns when the next attempt may begin, {@code now} or earlier if at once. */
    Instant next(Instant now) {
        DeliveryHours current = route.deliveryRate().hours();
        if (current.isAlways() || isLifted()) {
            return now;
        }
        long currentMinute = Math.floorDiv(now.getEpochSecond(), 60);
        if (!current.equals(hours) || minute != currentMinute) {
            hours = current;
            minute = currentMinute;
            found = current.next(now);
        }
        return found;
    }

    /** Returns when attempts may begin again; empty if they may now. */
    Optional<Instant> opens(Instant now) {
        DeliveryHours current = route.deliveryRate().hours();
        return current.isAlways() || isLifted()
                ? Optional.empty()
                : Optional.of(current.next(now)).filter(next -> next.isAfter(now));
    }

    private boolean isLifted() {
        return isLiftWanted || isLifted;
    }

    /** Lets the drain go that is wanted next, whatever the hour. */
    void lift() {
        isLiftWanted = true;
    }

    /** Takes a drain that is wanted and begins, or joins the one under way. */
    void drainBegins() {
        if (isLiftWanted) {
            isLifted = true;
            isLiftWanted = false;
        }
    }

    /** Takes the end of a drain. */
    void drainEnded() {
        isLifted = false;
    }
}
