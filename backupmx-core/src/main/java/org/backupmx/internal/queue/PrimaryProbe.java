package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.health.HealthProbe;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelaySettings;
import org.jspecify.annotations.Nullable;

/** One probe of a primary: its addresses in turn until one is good, all within the timeout of the probe. */
final class PrimaryProbe {

    /** The most addresses that are tried. */
    private static final int MAX_ADDRESSES = 5;

    private final Delivery delivery;
    private final HealthProbe settings;
    private final MailDomain domain;
    private final RelaySettings relaySettings;
    private final List<NextHopAddress> addresses;
    private final Instant deadline;

    PrimaryProbe(Delivery delivery, MailDomain domain, RelaySettings relaySettings, List<NextHopAddress> addresses) {
        this.delivery = delivery;
        this.settings = delivery.config.healthProbe();
        this.domain = domain;
        this.relaySettings = relaySettings;
        this.addresses = addresses.subList(0, Math.min(addresses.size(), MAX_ADDRESSES));
        this.deadline = delivery.runtime.now().plus(settings.timeout());
    }

    /** Returns what was found, on a worker; fails only for a fault of ours. */
    CompletionStage<ProbeResult> run() {
        return from(0, null);
    }

    private CompletionStage<ProbeResult> from(int index, @Nullable ProbeResult before) {
        return ask(index)
                .handleAsync((result, fault) -> next(index, before, result, fault), delivery.runtime.workers())
                .thenCompose(stage -> stage);
    }

    private CompletionStage<ProbeResult> next(
            int index, @Nullable ProbeResult before, @Nullable ProbeResult result, @Nullable Throwable fault) {
        ProbeResult best = better(before, result);
        boolean isLast = index + 1 == addresses.size();
        if (!(best instanceof ProbeResult.Healthy) && !isLast) {
            return from(index + 1, best);
        }
        return best != null
                ? CompletableFuture.completedFuture(best)
                : CompletableFuture.failedFuture(requireNonNull(fault));
    }

    private CompletionStage<ProbeResult> ask(int index) {
        try {
            return requireNonNull(
                    delivery.client.probe(new ProbeRequest(
                            addresses.get(index),
                            delivery.config.hostname(),
                            settings.depth().orElseThrow(),
                            domain,
                            share(index),
                            relaySettings)),
                    "probe");
        } catch (RuntimeException | Error e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** An equal part of what is left, so that a silent address leaves time for those after it. */
    private Duration share(int index) {
        Duration left = Duration.between(delivery.runtime.now(), deadline).dividedBy(addresses.size() - index);
        return left.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : left;
    }

    /** One good address is enough; and who refuses is at least there. */
    private static @Nullable ProbeResult better(@Nullable ProbeResult before, @Nullable ProbeResult now) {
        boolean keep = now == null || (before instanceof ProbeResult.Refused && now instanceof ProbeResult.Unreachable);
        return keep ? before : now;
    }
}
