package org.backupmx.internal.runtime;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.backupmx.event.BackupMxEvent;
import org.backupmx.event.BackupMxListener;
import org.backupmx.event.BreakerClosed;
import org.backupmx.event.BreakerOpened;
import org.backupmx.event.CapabilityRefused;
import org.backupmx.event.DeadLetterRemoved;
import org.backupmx.event.LastGoodRouteUsed;
import org.backupmx.event.MailExpiring;
import org.backupmx.event.MailRefused;
import org.backupmx.event.MaintenanceEnding;
import org.backupmx.event.MessageAccepted;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.MessageRepeated;
import org.backupmx.event.PrimaryChanged;
import org.backupmx.event.PrimaryFlapping;
import org.backupmx.event.QueueOrdered;
import org.backupmx.event.RecipientDeferred;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RecipientRelayed;
import org.backupmx.event.RecipientRescued;
import org.backupmx.event.RescueBegun;
import org.backupmx.event.RouteHeld;
import org.backupmx.event.RouteRestored;
import org.backupmx.event.SpoolHealthChanged;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries events to the listeners, one at a time on a worker, in the order of posting. Thread-safe; never blocks. */
public final class EventQueue {

    /** The most events that wait: {@value}. More are dropped and counted. */
    static final int CAPACITY = 65_536;

    private static final int TURN = 256;
    private static final Logger LOG = LoggerFactory.getLogger(EventQueue.class);

    private final EngineRuntime runtime;
    private final List<BackupMxListener> listeners;
    private final ConcurrentLinkedQueue<BackupMxEvent> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger(); // of waiting; from 0 to 1 schedules a turn
    private final AtomicLong dropped = new AtomicLong();
    private final CompletableFuture<Void> drained = new CompletableFuture<>();
    private volatile boolean closing;

    /**
     * Makes a queue.
     *
     * @param runtime gives workers
     * @param listeners who is told, in this order
     */
    public EventQueue(EngineRuntime runtime, List<BackupMxListener> listeners) {
        this.runtime = runtime;
        this.listeners = List.copyOf(listeners);
    }

    /**
     * Tells whether anyone listens; if not, events need not be made.
     *
     * @return true if there is a listener
     */
    public boolean isObserved() {
        return !listeners.isEmpty();
    }

    /**
     * Takes an event.
     *
     * @param event what happened
     */
    public void post(BackupMxEvent event) {
        if (listeners.isEmpty()) {
            return;
        }
        int before;
        do {
            before = count.get();
            if (before >= CAPACITY) {
                dropped.incrementAndGet();
                return;
            }
        } while (!count.compareAndSet(before, before + 1));
        waiting.add(event);
        if (before == 0) {
            runtime.execute(this::turn);
        }
    }

    private void turn() {
        int told = 0;
        while (told < TURN) {
            BackupMxEvent event = waiting.poll();
            if (event == null) {
                break; // its poster has counted it and is about to add it
            }
            told++;
            for (BackupMxListener listener : listeners) {
                tell(listener, event);
            }
        }
        long lost = dropped.getAndSet(0);
        if (lost > 0) {
            LOG.atWarn().addKeyValue("events", lost).log("listeners too slow, events dropped");
        }
        if (count.addAndGet(-told) > 0) {
            runtime.execute(this::turn);
        } else if (closing) {
            drained.complete(null);
        }
    }

    /**
     * Returns when what waits has been told. Called at the end of the engine.
     *
     * @return completes when no event waits
     */
    public CompletionStage<Void> drain() {
        closing = true;
        if (count.get() == 0) {
            drained.complete(null);
        }
        return drained;
    }

    private static void tell(BackupMxListener listener, BackupMxEvent event) {
        try {
            if (event instanceof MessageAccepted e) {
                listener.onAccepted(e);
            } else if (event instanceof MessageRepeated e) {
                listener.onRepeated(e);
            } else if (event instanceof MailRefused e) {
                listener.onRefused(e);
            } else if (event instanceof RecipientRelayed e) {
                listener.onRelayed(e);
            } else if (event instanceof RecipientDeferred e) {
                listener.onDeferred(e);
            } else if (event instanceof RecipientFailed e) {
                listener.onFailed(e);
            } else if (event instanceof RecipientExpired e) {
                listener.onExpired(e);
            } else if (event instanceof MailExpiring e) {
                listener.onExpiring(e);
            } else if (event instanceof MessageDeadLettered e) {
                listener.onDeadLettered(e);
            } else if (event instanceof DeadLetterRemoved e) {
                listener.onDeadLetterRemoved(e);
            } else if (event instanceof RescueBegun e) {
                listener.onRescueBegun(e);
            } else if (event instanceof RecipientRescued e) {
                listener.onRescued(e);
            } else if (event instanceof PrimaryChanged e) {
                listener.onPrimaryChanged(e);
            } else if (event instanceof PrimaryFlapping e) {
                listener.onPrimaryFlapping(e);
            } else if (event instanceof MaintenanceEnding e) {
                listener.onMaintenanceEnding(e);
            } else if (event instanceof RouteHeld e) {
                listener.onRouteHeld(e);
            } else if (event instanceof LastGoodRouteUsed e) {
                listener.onLastGoodRouteUsed(e);
            } else if (event instanceof RouteRestored e) {
                listener.onRouteRestored(e);
            } else if (event instanceof CapabilityRefused e) {
                listener.onCapabilityRefused(e);
            } else if (event instanceof BreakerOpened e) {
                listener.onBreakerOpened(e);
            } else if (event instanceof BreakerClosed e) {
                listener.onBreakerClosed(e);
            } else if (event instanceof QueueOrdered e) {
                listener.onQueueOrdered(e);
            } else if (event instanceof SpoolHealthChanged e) {
                listener.onSpoolHealthChanged(e);
            } else {
                throw new AssertionError(event);
            }
        } catch (RuntimeException | Error e) {
            LOG.atError()
                    .setCause(e)
                    .addKeyValue("listener", listener.getClass().getName())
                    .log("listener failed");
        }
    }
}
