package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import org.backupmx.relay.NextHop;

/**
 * A primary has come and gone so often that it is not taken for UP any more. Told once, until it has been calm for an
 * hour. Immutable and thread-safe.
 *
 * @param at when
 * @param nextHops the primary
 */
public record PrimaryFlapping(Instant at, List<NextHop> nextHops) implements BackupMxEvent {
    /** Checks and copies the parts. */
    public PrimaryFlapping {
        requireNonNull(at, "at");
        nextHops = List.copyOf(nextHops);
    }
}
