package org.backupmx.spool.transfer;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import org.backupmx.spool.QueuedMessage;

/** Where an export puts messages. Used by one thread. */
interface ExportTarget extends Closeable {

    /**
     * Puts a message there, whole or not at all.
     *
     * @throws UnreadableException if reading its mail data failed; the target is as before
     * @throws IOException if writing failed; the target can then only be closed
     */
    void put(QueuedMessage message, InputStream mailData) throws IOException;

    /** Makes all that was put there durable. */
    void finish() throws IOException;

    /** Releases what is open; what was not finished is not promised to be there. */
    @Override
    void close() throws IOException;
}
