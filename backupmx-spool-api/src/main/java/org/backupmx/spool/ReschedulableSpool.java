package org.backupmx.spool;

import java.time.Instant;
import org.backupmx.mail.MailDomain;

/**
 * A spool whose messages can be made due at another time. Methods may block; thread-safe. A new due instant may become
 * durable a moment later.
 */
public interface ReschedulableSpool {

    /**
     * Makes a message due at an instant in all its lanes. A lease under way goes on, and its settlement decides.
     *
     * @param id the message
     * @param due the new due instant
     * @return false if it is not queued
     * @throws SpoolException if the spool cannot be asked
     */
    boolean reschedule(SpoolId id, Instant due) throws SpoolException;

    /**
     * Makes every message of a lane due at an instant, leased ones excepted.
     *
     * @param domain the lane
     * @param due the new due instant
     * @return how many messages changed
     * @throws SpoolException if the spool cannot be asked
     */
    long reschedule(MailDomain domain, Instant due) throws SpoolException;
}
