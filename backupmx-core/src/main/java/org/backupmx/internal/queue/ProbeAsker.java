package org.backupmx.internal.queue;

import java.util.Set;
import java.util.random.RandomGenerator;
import org.backupmx.health.HealthProbe;
import org.backupmx.relay.ProbeDepth;
import org.backupmx.relay.RelaySettings;
import org.jspecify.annotations.Nullable;

/**
 * By whose demands of a session a primary is probed: of the lanes that follow it, the one whose demands were met last. While
 * that does not succeed, another has every other turn, as what one domain demands must not keep the mail of all.
 * Thread-safe.
 */
final class ProbeAsker {

    private final boolean makesDemands; // in its probes, as in sessions for mail
    private final Set<DomainLane> followers; // of the watch, which changes it
    private final RandomGenerator random;
    private volatile @Nullable DomainLane served; // whose demands the primary met last
    private volatile boolean isInDoubt; // the last probe by them failed

    ProbeAsker(HealthProbe probe, Set<DomainLane> followers, RandomGenerator random) {
        this.makesDemands = probe.depth()
                .filter(depth -> depth.compareTo(ProbeDepth.EHLO) >= 0)
                .isPresent();
        this.followers = followers;
        this.random = random;
    }

    /** Tells whether lanes follow that make other demands of a session. */
    boolean hasOthersThan(RelaySettings settings) {
        return followers.stream().anyMatch(lane -> !lane.relaySettings().equals(settings));
    }

    /** A message of a lane was delivered. */
    void served(DomainLane lane) {
        served = lane;
        isInDoubt = false;
    }

    /** A lane has gone. */
    void left(DomainLane lane) {
        if (served == lane) {
            served = null;
        }
    }

    /** Returns whose turn it is to ask; null if nobody follows. */
    @Nullable
    DomainLane next() {
        DomainLane last = served;
        if (last != null && followers.contains(last) && !isInDoubt) {
            return last;
        }
        isInDoubt = false;
        int skipped = random.nextInt(Math.max(1, followers.size()));
        return followers.stream()
                .skip(skipped)
                .findFirst()
                .or(() -> followers.stream().findFirst())
                .orElse(null);
    }

    /** Takes by whose demands a probe was made, and whether the primary met them. */
    void probed(DomainLane asker, boolean isMet) {
        if (isMet) {
            served = asker;
            if (makesDemands) {
                followers.forEach(lane -> lane.demandsMet(asker.relaySettings()));
            }
        } else if (asker == served) {
            isInDoubt = true;
        }
    }
}
