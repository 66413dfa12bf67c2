package org.backupmx.smtp.internal.transport;

import io.netty.channel.EventLoopGroup;
import java.io.IOException;

/** What a transport must pass before it is trusted. Thread-safe; may block for seconds. */
@FunctionalInterface
public interface TransportProof {

    /**
     * Returns if the transport works on the event loops.
     *
     * @throws IOException if it does not; the message says why, on one line
     */
    void prove(SocketTransport transport, EventLoopGroup loops) throws IOException;

    /** Returns the proof by a connection on loopback. */
    static TransportProof loopback() {
        return new LoopbackProof();
    }
}
