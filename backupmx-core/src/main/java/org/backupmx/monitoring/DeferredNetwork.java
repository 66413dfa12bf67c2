package org.backupmx.monitoring;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.intake.IpNetwork;

/**
 * A network of clients that came to us while the primary was {@link org.backupmx.health.PrimaryHealth#UP}, and what
 * became of it. It is counted in pairs: a reverse-path's domain and a recipient. Immutable and thread-safe.
 *
 * @param network a /24 of IPv4 or a /64 of IPv6
 * @param deferred how many pairs were deferred; a pair that stays away for 48 h counts again
 * @param cameAgain how many of them came again, a minute or more later
 * @param letIn how many of them were accepted in the end: with the third attempt, or since the primary was away then
 * @param score what was deferred, halved with each week that has passed since
 * @param firstAt when a pair was deferred the first time
 * @param lastAt when a pair was deferred or came again the last time
 */
public record DeferredNetwork(
        IpNetwork network, long deferred, long cameAgain, long letIn, double score, Instant firstAt, Instant lastAt) {

    /** What became of the clients of a network. */
    public enum Fate {
        /**
         * None came to us again. Their mail went to the primary, as that of honest clients does, or nowhere, as that of
         * most spammers does: we cannot know which.
         */
        NEVER_CAME_AGAIN,
        /** Some came again, and none has been let in yet. */
        CAME_AGAIN,
        /** Some were let in. */
        LET_IN
    }

    /** Checks the parts. */
    public DeferredNetwork {
        requireNonNull(network, "network");
        requireNonNull(firstAt, "firstAt");
        requireNonNull(lastAt, "lastAt");
    }

    /**
     * Returns the best that became of a client of this network.
     *
     * @return the fate
     */
    public Fate fate() {
        return letIn > 0 ? Fate.LET_IN : cameAgain > 0 ? Fate.CAME_AGAIN : Fate.NEVER_CAME_AGAIN;
    }
}
