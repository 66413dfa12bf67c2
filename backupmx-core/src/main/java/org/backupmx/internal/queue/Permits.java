package org.backupmx.internal.queue;

import java.util.LinkedHashSet;
import java.util.Set;

/** The attempts that all lanes together may have in flight; lanes that got none are woken in turn. Thread-safe. */
final class Permits {

    private final Set<DomainLane> waiting = new LinkedHashSet<>(); // guarded by this
    private int left; // guarded by this

    Permits(int count) {
        left = count;
    }

    /** Takes a permit, or queues the lane to be woken when there is one. */
    synchronized boolean tryAcquire(DomainLane lane) {
        if (left == 0) {
            waiting.add(lane);
            return false;
        }
        left--;
        return true;
    }

    void release() {
        synchronized (this) {
            left++;
        }
        offer();
    }

    /** Wakes a lane that waits if there is a permit; a woken lane that needs none passes it on by this. */
    void offer() {
        DomainLane next = null;
        synchronized (this) {
            if (left == 0) {
                return;
            }
            var first = waiting.iterator();
            if (first.hasNext()) {
                next = first.next();
                first.remove();
            }
        }
        if (next != null) {
            next.wake();
        }
    }
}
