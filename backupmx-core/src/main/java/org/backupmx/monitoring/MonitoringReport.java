package org.backupmx.monitoring;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;

/**
 * Which client networks came to us although the primary was {@link org.backupmx.health.PrimaryHealth#UP}, as monitoring
 * mode saw it since the start of the engine.
 *
 * <p>A network is here only if the primary was known to be UP before it came and was still UP, without a break, when it
 * answered the next time: a client that met an outage, its beginning included, is no suspect. So a network shows some
 * minutes late. Immutable and thread-safe.
 *
 * @param at when it was made
 * @param networks at most {@value #MAX_NETWORKS}, those with the highest score first; what is not seen for 30 d goes
 */
public record MonitoringReport(Instant at, List<DeferredNetwork> networks) {

    /** The most networks that are kept: {@value}. */
    public static final int MAX_NETWORKS = 10_000;

    /** Checks and copies the parts. */
    public MonitoringReport {
        requireNonNull(at, "at");
        networks = List.copyOf(networks);
    }
}
