package org.backupmx.relay;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * The port of a sending engine: it hands messages to a next hop and probes it, over the same path. Thread-safe; never
 * blocks. Stages may complete on a thread of the engine: what depends on one is short or moves to another thread.
 *
 * <p>An instance is a recipe until it is started; it is started once.
 */
public interface RelayClient {

    /**
     * Starts the engine.
     *
     * @return completes when requests are taken
     */
    CompletionStage<Void> start();

    /**
     * Attempts one message at one address of a next hop.
     *
     * @param request the attempt
     * @return the result; fails only for a fault of ours
     */
    CompletionStage<RelayResult> relay(RelayRequest request);

    /**
     * Probes one address of a next hop. Never sends mail data.
     *
     * @param request the probe
     * @return the result; fails only for a fault of ours
     */
    CompletionStage<ProbeResult> probe(ProbeRequest request);

    /**
     * Stops: attempts under way may end within {@code grace}, then connections are closed and the rest ends as
     * transient failures. Safe to call again and before start.
     *
     * @param grace how long attempts may go on, zero or more
     * @return completes when every connection is closed
     */
    CompletionStage<Void> stop(Duration grace);
}
