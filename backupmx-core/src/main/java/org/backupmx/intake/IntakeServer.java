package org.backupmx.intake;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * The port of a receiving engine: it listens, speaks SMTP, and asks an {@link Intake} what is allowed in.
 *
 * <p>An instance is a recipe until it is started; it is started once.
 */
public interface IntakeServer {

    /**
     * Starts to listen.
     *
     * @param intake what to ask, for every connection
     * @return completes when every address listens; fails, with nothing left open, if one cannot
     */
    CompletionStage<Void> start(Intake intake);

    /**
     * Stops: no new connections at once, transactions under way may end within {@code grace}, then 421. Safe to call
     * again and before start.
     *
     * @param grace how long mail transactions may go on, zero or more
     * @return completes when every connection is closed, at most a few seconds after {@code grace}
     */
    CompletionStage<Void> stop(Duration grace);
}
