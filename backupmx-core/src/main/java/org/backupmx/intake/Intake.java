package org.backupmx.intake;

import java.util.concurrent.CompletionStage;

/** What a receiving engine asks: once for each connection. Thread-safe; never blocks. */
public interface Intake {

    /**
     * Decides on a new connection.
     *
     * @param client who connects
     * @return the greeting; a failed stage is answered with 421
     */
    CompletionStage<Greeting> connect(ClientInfo client);
}
