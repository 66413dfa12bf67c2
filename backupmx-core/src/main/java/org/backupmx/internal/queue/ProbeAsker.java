package org.backupmx.internal.queue;

import java.util.Map;
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
    private final Map<DomainLane, RelaySettings> followers; // of the watch, which changes it
    private final RandomGenerator random;
    private volatile @Nullable DomainLane served; // whose demands the primary met last
    private volatile boolean isInDoubt; // the last probe by them failed

    /** A lane and how it presents itself to this primary. */
    record Turn(DomainLane lane, RelaySettings settings) {}

    ProbeAsker(HealthProbe probe, Map<DomainLane, RelaySettings> followers, RandomGenerator random) {
        this.makesDemands = probe.depth()
                .filter(depth -> depth.compareTo(ProbeDepth.EHLO) >= 0)
                .isPresent();
        this.followers = followers;
        this.random = random;
    }

    /** Tells whether lanes follow that make other demands of a session. */
    boolean hasOthersThan(RelaySettings settings) {
        return followers.values().stream().anyMatch(other -> !other.equals(settings));
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
    Turn next() {
        DomainLane last = served;
        RelaySettings settings = last == null ? null : followers.get(last);
        if (last != null && settings != null && !isInDoubt) {
            return new Turn(last, settings);
        }
        isInDoubt = false;
        int skipped = random.nextInt(Math.max(1, followers.size()));
        return followers.entrySet().stream()
                .skip(skipped)
                .findFirst()
                .or(() -> followers.entrySet().stream().findFirst())
                .map(follower -> new Turn(follower.getKey(), follower.getValue()))
                .orElse(null);
    }

    /** Takes by whose demands a probe was made, and whether the primary met them. */
    void probed(Turn asker, boolean isMet) {
        if (isMet) {
            served = asker.lane();
            if (makesDemands) {
                followers.keySet().forEach(lane -> lane.demandsMet(asker.settings()));
            }
        } else if (asker.lane() == served) {
            isInDoubt = true;
        }
    }
}
