package org.backupmx.spool;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;

/**
 * Writes the mail data of one message, then commits or abandons it. Used by one thread at a time.
 */
public interface SpoolWriter extends AutoCloseable {

    /**
     * Returns the identity that the message has if it is committed.
     *
     * @return the identity, known from the start
     */
    SpoolId id();

    /**
     * Appends mail data. The octets between position and limit are taken before the method returns; the buffer is
     * the caller's again.
     *
     * @param mailData the next octets; its position moves to its limit
     * @throws SpoolFullException if there is no room
     * @throws SpoolException if writing failed; the message can then only be abandoned
     * @throws IllegalStateException after {@link #commit()} or {@link #close()}
     */
    void write(ByteBuffer mailData) throws SpoolException;

    /**
     * Commits the message. The stage completes when the message would survive a loss of power, and from then on the
     * message can be leased; it completes exceptionally with a {@link SpoolException} if the commit failed, and then
     * the message is never leased by this open spool.
     *
     * <p>Stages may complete on a thread of the spool: what depends on one is short or moves to another thread.
     *
     * @return the stage of the commit
     * @throws SpoolException if it is already known that the message cannot be committed
     * @throws IllegalStateException after {@link #commit()} or {@link #close()}
     */
    CompletionStage<SpoolId> commit() throws SpoolException;

    /**
     * Ends the writer: abandons the message unless {@link #commit()} was called. A second call does nothing.
     */
    @Override
    void close();
}
