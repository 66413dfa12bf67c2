package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.backupmx.mail.MailDomain;

/**
 * One probe of a primary. Immutable and thread-safe.
 *
 * @param nextHop where to connect
 * @param hostname our name for EHLO
 * @param depth how far the dialogue goes
 * @param domain the domain whose postmaster is asked for at {@link ProbeDepth#RCPT}
 * @param timeout the bound of the whole probe, positive
 */
public record ProbeRequest(
        NextHopAddress nextHop, String hostname, ProbeDepth depth, MailDomain domain, Duration timeout) {

    /** Checks the parts. */
    public ProbeRequest {
        requireNonNull(nextHop, "nextHop");
        requireNonNull(hostname, "hostname");
        requireNonNull(depth, "depth");
        requireNonNull(domain, "domain");
        requireNonNull(timeout, "timeout");
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout: " + timeout + " (expected: > 0)");
        }
    }
}
