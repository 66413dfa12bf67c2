package org.backupmx.internal.queue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.backupmx.health.HealthChange;
import org.backupmx.health.UptimeHistory;
import org.backupmx.health.UptimeReport;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.ProbeResult;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps the history of primaries if there is a store for it. Thread-safe; only what says so blocks. */
final class PrimaryHistory {

    private static final Logger LOG = LoggerFactory.getLogger(PrimaryHistory.class);

    /** How often old probes are summed up. */
    private static final Duration ROLL_UP = Duration.ofHours(12);

    private final @Nullable UptimeHistory uptime;
    private final EngineRuntime runtime;

    PrimaryHistory(Optional<HistoryStore> store, EngineRuntime runtime) {
        this.uptime = store.map(there -> new UptimeHistory(there, runtime.workers(), runtime::now))
                .orElse(null);
        this.runtime = runtime;
    }

    void start() {
        if (uptime != null) {
            runtime.repeat(ROLL_UP, this::rollUp);
        }
    }

    private void rollUp() {
        try {
            if (uptime != null) {
                uptime.rollUp();
            }
        } catch (HistoryException e) {
            LOG.atWarn().setCause(e).log("history of primaries not summed up, tried again in 12 h");
        }
    }

    /** The name of a primary: its next hops, which a long list is cut of. */
    static String name(List<NextHop> nextHops) {
        String all = nextHops.stream().map(NextHop::toString).collect(Collectors.joining(","));
        if (all.length() <= UptimeHistory.MAX_NAME_CHARS) {
            return all;
        }
        String rest = "," + UUID.nameUUIDFromBytes(all.getBytes(StandardCharsets.UTF_8));
        return all.substring(0, UptimeHistory.MAX_NAME_CHARS - rest.length()) + rest;
    }

    void changed(List<NextHop> primary, HealthChange change) {
        if (uptime != null) {
            uptime.changed(name(primary), change);
        }
    }

    void probed(List<NextHop> primary, ProbeResult result, Instant began) {
        if (uptime != null) {
            Instant now = runtime.now();
            uptime.probed(
                    name(primary),
                    now,
                    result instanceof ProbeResult.Healthy,
                    Duration.between(began, now),
                    why(result));
        }
    }

    private static String why(ProbeResult result) {
        if (result instanceof ProbeResult.Refused refused) {
            return refused.reply().toString();
        }
        return result instanceof ProbeResult.Unreachable unreachable ? unreachable.reason() : "";
    }

    /** Takes that a primary is watched no more. */
    void ended(List<NextHop> primary) {
        if (uptime != null) {
            uptime.stopped(name(primary));
        }
    }

    /** Returns how a primary was. Blocks. */
    UptimeReport report(List<NextHop> primary, Instant from, Instant to) throws HistoryException {
        if (uptime == null) {
            throw new IllegalStateException("historyStore: none (expected: a store such as FileHistory)");
        }
        return uptime.report(name(primary), from, to);
    }

    /** Writes what is not written yet. Blocks. */
    void close() {
        try {
            if (uptime != null) {
                uptime.close();
            }
        } catch (HistoryException e) {
            LOG.atWarn().setCause(e).log("end of the history of primaries not written");
        }
    }
}
