package org.backupmx.relay;

import java.io.IOException;
import java.io.InputStream;

/** The mail data of a message, read when an attempt gets that far. Thread-safe. */
public interface MailData {

    /**
     * Returns the size.
     *
     * @return the size in bytes
     */
    long sizeBytes();

    /**
     * Tells whether the mail data is in memory, so that to open and to read it never blocks.
     *
     * @return true if an event loop may do it; false unless overridden
     */
    default boolean isInMemory() {
        return false;
    }

    /**
     * Opens the mail data from its start. Blocks unless {@link #isInMemory()}, so it is else never called on an event loop;
     * the caller closes the stream.
     *
     * @return the octets as received
     * @throws IOException if they cannot be read; the attempt then ends without an end of data
     */
    InputStream open() throws IOException;
}
