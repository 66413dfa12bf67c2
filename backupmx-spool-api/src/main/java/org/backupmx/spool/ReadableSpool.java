package org.backupmx.spool;

import java.io.InputStream;
import java.util.function.Consumer;

/**
 * What can be visited and read and not changed: a {@link Spool}, or a look into the storage of one. Methods may block;
 * thread-safe.
 */
public interface ReadableSpool {

    /**
     * Opens the mail data of a queued message, octet for octet as written. The caller closes the stream. A message
     * that is settled or deleted meanwhile may end the stream with an exception, never with other octets.
     *
     * @param id the message
     * @return its mail data
     * @throws SpoolDamagedException if the mail data is damaged; reading may find that later, too
     * @throws SpoolException if there is no such message or it cannot be read
     */
    InputStream read(SpoolId id) throws SpoolException;

    /**
     * Visits every queued message once, damaged ones included. Messages that come or go during the visit may be
     * missed; no other ever is. The visitor runs on the calling thread; what it throws ends the visit.
     *
     * @param visitor gets each entry
     * @throws SpoolException if the spool cannot be read
     */
    void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException;
}
