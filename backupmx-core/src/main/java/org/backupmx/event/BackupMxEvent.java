package org.backupmx.event;

import java.time.Instant;

/** Something that happened in an engine. Immutable and thread-safe. */
public sealed interface BackupMxEvent
        permits MessageAccepted,
                MessageRepeated,
                MailRefused,
                RecipientDeferred,
                RecipientRelayed,
                RecipientFailed,
                RecipientExpired,
                MailExpiring,
                MessageDeadLettered,
                DeadLetterRemoved,
                RescueBegun,
                RecipientRescued,
                PrimaryChanged,
                PrimaryFlapping,
                MaintenanceEnding,
                RouteHeld,
                LastGoodRouteUsed,
                RouteRestored,
                BreakerOpened,
                BreakerClosed,
                CapabilityRefused,
                QueueOrdered,
                SpoolHealthChanged {

    /**
     * Returns when it happened.
     *
     * @return the instant, by the engine's clock
     */
    Instant at();
}
