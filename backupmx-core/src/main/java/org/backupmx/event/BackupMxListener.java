package org.backupmx.event;

/**
 * Is told what happens in an engine: the seam for metrics, audit and alerts. Every method does nothing unless
 * overridden.
 *
 * <p>Events come one at a time, on workers, those of one message in their order. What a method throws is logged and
 * contained. A listener that is slower than the mail loses what exceeds 65,536 waiting events; that is counted and
 * logged.
 */
public interface BackupMxListener {

    /**
     * A message was accepted.
     *
     * @param event what happened
     */
    default void onAccepted(MessageAccepted event) {}

    /**
     * A client sent again what was accepted before.
     *
     * @param event what happened
     */
    default void onRepeated(MessageRepeated event) {}

    /**
     * A client was told no.
     *
     * @param event what happened
     */
    default void onRefused(MailRefused event) {}

    /**
     * A recipient was deferred.
     *
     * @param event what happened
     */
    default void onDeferred(RecipientDeferred event) {}

    /**
     * A recipient was relayed.
     *
     * @param event what happened
     */
    default void onRelayed(RecipientRelayed event) {}

    /**
     * A recipient failed for good.
     *
     * @param event what happened
     */
    default void onFailed(RecipientFailed event) {}

    /**
     * A recipient expired.
     *
     * @param event what happened
     */
    default void onExpired(RecipientExpired event) {}

    /**
     * Mail of a domain is about to expire.
     *
     * @param event what happened
     */
    default void onExpiring(MailExpiring event) {}

    /**
     * A message was given up, and is kept for an operator.
     *
     * @param event what happened
     */
    default void onDeadLettered(MessageDeadLettered event) {}

    /**
     * A message that was kept for an operator was removed.
     *
     * @param event what happened
     */
    default void onDeadLetterRemoved(DeadLetterRemoved event) {}

    /**
     * A message goes to the rescue hosts.
     *
     * @param event what happened
     */
    default void onRescueBegun(RescueBegun event) {}

    /**
     * A rescue host took a recipient.
     *
     * @param event what happened
     */
    default void onRescued(RecipientRescued event) {}

    /**
     * The health of a primary changed.
     *
     * @param event what happened
     */
    default void onPrimaryChanged(PrimaryChanged event) {}

    /**
     * A primary comes and goes.
     *
     * @param event what happened
     */
    default void onPrimaryFlapping(PrimaryFlapping event) {}

    /**
     * A maintenance window is about to end.
     *
     * @param event what happened
     */
    default void onMaintenanceEnding(MaintenanceEnding event) {}

    /**
     * A domain's mail is held because there is no route.
     *
     * @param event what happened
     */
    default void onRouteHeld(RouteHeld event) {}

    /**
     * A domain's mail goes where the DNS led last, as it says nothing now.
     *
     * @param event what happened
     */
    default void onLastGoodRouteUsed(LastGoodRouteUsed event) {}

    /**
     * The way to a domain's primary is known again.
     *
     * @param event what happened
     */
    default void onRouteRestored(RouteRestored event) {}

    /**
     * A domain's primary refuses mail that was accepted for it because of what it cannot do.
     *
     * @param event what happened
     */
    default void onCapabilityRefused(CapabilityRefused event) {}

    /**
     * The refusals of a domain's primary are not believed.
     *
     * @param event what happened
     */
    default void onBreakerOpened(BreakerOpened event) {}

    /**
     * A domain's primary is given its mail again.
     *
     * @param event what happened
     */
    default void onBreakerClosed(BreakerClosed event) {}

    /**
     * An operator ordered something about queued mail, and it was done.
     *
     * @param event what happened
     */
    default void onQueueOrdered(QueueOrdered event) {}

    /**
     * The spool's health changed.
     *
     * @param event what happened
     */
    default void onSpoolHealthChanged(SpoolHealthChanged event) {}
}
