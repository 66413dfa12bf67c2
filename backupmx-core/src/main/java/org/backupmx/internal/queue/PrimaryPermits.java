package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Future;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.relay.DeliveryRate;
import org.jspecify.annotations.Nullable;

/**
 * The attempts that one primary gets at a time, of all the lanes that lead to it, by its {@link DrainPace} and its
 * {@link RateCap}. Lanes that got none are woken in turn. Thread-safe.
 */
final class PrimaryPermits {

    private final EngineRuntime runtime;
    private final DrainPace pace; // guarded by this
    private final RateCap cap; // guarded by this
    private final Set<DomainLane> waiting = new LinkedHashSet<>(); // guarded by this
    private final Set<DomainLane> promised = new HashSet<>(); // a permit each, until their next turn; guarded by this
    private int underWay; // guarded by this
    private int notBegun; // of those under way; guarded by this
    private boolean isOpen = true; // whether more than one attempt at a time makes sense; guarded by this
    private @Nullable Future<?> timer; // guarded by this
    private long timerAt; // guarded by this

    PrimaryPermits(EngineRuntime runtime, int most, RateCap.Paid paid) {
        this.runtime = runtime;
        this.pace = new DrainPace(most);
        this.cap = new RateCap(paid);
    }

    private long now() {
        return runtime.nanoTime().getAsLong();
    }

    /** Takes a permit, or queues the lane to be woken when it is its turn. */
    synchronized boolean tryAcquire(DomainLane lane) {
        long now = now();
        if (promised.remove(lane) || waiting.isEmpty() && hasRoom(now)) {
            underWay++;
            notBegun++;
            return true;
        }
        waiting.add(lane);
        arm(now);
        return false;
    }

    private boolean hasRoom(long now) {
        int taken = underWay + promised.size();
        return pace.allows(taken, now) && (isOpen || taken == 0) && (cap.isNone() || isPaid(now));
    }

    /** Tells whether the cap allows an attempt; what will begin by a permit that is out is not counted yet. */
    private boolean isPaid(long now) {
        return notBegun + promised.size() == 0 && cap.opensAt() <= now;
    }

    private long opensAt() {
        return Math.max(pace.opensAt(), cap.opensAt());
    }

    /** Takes an attempt of so many bytes that begins with a permit; returns when that is. */
    synchronized long begins(long bytes) {
        long now = now();
        notBegun--;
        pace.began(now);
        cap.began(now, bytes);
        return now;
    }

    /** Takes a permit back that was not used. */
    void unused() {
        synchronized (this) {
            notBegun--;
        }
        release(DrainPace.Answer.OTHER, 0);
    }

    /** Takes the rate of a lane; the lowest of all holds. */
    void capped(DomainLane lane, DeliveryRate rate) {
        synchronized (this) {
            cap.follows(lane, rate);
        }
        offer();
    }

    /** Returns until when what has begun is paid for, by the cap. */
    synchronized RateCap.Paid paid() {
        return cap.paid();
    }

    /** Takes a permit back, and the answer to its attempt, which began then. */
    void ended(DrainPace.Answer answer, long began) {
        release(answer, began);
    }

    private void release(DrainPace.Answer answer, long began) {
        synchronized (this) {
            underWay--;
            pace.answered(answer, began, now());
        }
        offer();
    }

    /** Takes the end of a lane's turn: what it was promised and has not used is for the next. */
    void turnEnded(DomainLane lane) {
        synchronized (this) {
            promised.remove(lane);
        }
        offer();
    }

    /** Takes a lane that is gone. */
    void left(DomainLane lane) {
        synchronized (this) {
            waiting.remove(lane);
            cap.left(lane);
        }
        turnEnded(lane);
    }

    /** Wakes the lane that has waited longest if there is a permit, which is kept for it. */
    private void offer() {
        DomainLane next = null;
        synchronized (this) {
            long now = now();
            var first = waiting.iterator();
            if (!first.hasNext()) {
                return;
            }
            if (hasRoom(now)) {
                next = first.next();
                first.remove();
                promised.add(next);
            } else {
                arm(now);
            }
        }
        if (next != null) {
            next.wake();
        }
    }

    /** Takes whether the primary is known to be there: until then it gets one attempt at a time. */
    void open(boolean value) {
        synchronized (this) {
            isOpen = value;
        }
        offer();
    }

    /** Begins slowly: the primary was away. */
    synchronized void restart() {
        pace.restart();
    }

    /** Forgets a pause: somebody wants attempts now. */
    void resume() {
        synchronized (this) {
            pace.resume();
        }
        offer();
    }

    /** Tells whether the primary is busy because of the rate alone, which has been lowered. */
    synchronized boolean isOverrun() {
        return pace.isOverrun(now());
    }

    /** Sets the timer to when the rate lets the next attempt begin; guarded by this. */
    private void arm(long now) {
        long opensAt = opensAt();
        if (opensAt <= now || (timer != null && timerAt <= opensAt)) {
            return; // an attempt that ends wakes the next, or the timer does
        }
        if (timer != null) {
            timer.cancel(false);
        }
        timerAt = opensAt;
        timer = runtime.schedule(Duration.ofNanos(opensAt - now), this::timerFired);
    }

    private void timerFired() {
        synchronized (this) {
            timer = null;
        }
        offer();
    }
}
