package org.backupmx.testing;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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

/** Keeps every event. Thread-safe. */
public final class RecordingListener implements BackupMxListener {

    private final List<BackupMxEvent> events = Collections.synchronizedList(new ArrayList<>());

    /** Makes a listener that has heard nothing. */
    public RecordingListener() {}

    /**
     * Returns what it heard.
     *
     * @return in order
     */
    public List<BackupMxEvent> events() {
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    /**
     * Returns what it heard of one kind.
     *
     * @param <E> the kind
     * @param type its class
     * @return in order
     */
    public <E extends BackupMxEvent> List<E> events(Class<E> type) {
        return events().stream().filter(type::isInstance).map(type::cast).toList();
    }

    @Override
    public void onAccepted(MessageAccepted event) {
        events.add(event);
    }

    @Override
    public void onRepeated(MessageRepeated event) {
        events.add(event);
    }

    @Override
    public void onExpiring(MailExpiring event) {
        events.add(event);
    }

    @Override
    public void onDeadLettered(MessageDeadLettered event) {
        events.add(event);
    }

    @Override
    public void onDeadLetterRemoved(DeadLetterRemoved event) {
        events.add(event);
    }

    @Override
    public void onRescueBegun(RescueBegun event) {
        events.add(event);
    }

    @Override
    public void onRescued(RecipientRescued event) {
        events.add(event);
    }

    @Override
    public void onRefused(MailRefused event) {
        events.add(event);
    }

    @Override
    public void onDeferred(RecipientDeferred event) {
        events.add(event);
    }

    @Override
    public void onRelayed(RecipientRelayed event) {
        events.add(event);
    }

    @Override
    public void onFailed(RecipientFailed event) {
        events.add(event);
    }

    @Override
    public void onExpired(RecipientExpired event) {
        events.add(event);
    }

    @Override
    public void onPrimaryFlapping(PrimaryFlapping event) {
        events.add(event);
    }

    @Override
    public void onMaintenanceEnding(MaintenanceEnding event) {
        events.add(event);
    }

    @Override
    public void onPrimaryChanged(PrimaryChanged event) {
        events.add(event);
    }

    @Override
    public void onCapabilityRefused(CapabilityRefused event) {
        events.add(event);
    }

    @Override
    public void onBreakerOpened(BreakerOpened event) {
        events.add(event);
    }

    @Override
    public void onBreakerClosed(BreakerClosed event) {
        events.add(event);
    }

    @Override
    public void onRouteHeld(RouteHeld event) {
        events.add(event);
    }

    @Override
    public void onLastGoodRouteUsed(LastGoodRouteUsed event) {
        events.add(event);
    }

    @Override
    public void onRouteRestored(RouteRestored event) {
        events.add(event);
    }

    @Override
    public void onQueueOrdered(QueueOrdered event) {
        events.add(event);
    }

    @Override
    public void onSpoolHealthChanged(SpoolHealthChanged event) {
        events.add(event);
    }
}
