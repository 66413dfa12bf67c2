package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.backupmx.mail.MailDomain;

/**
 * One probe of a primary. Immutable and thread-safe.
 *
 * @param nextHop where to connect
 * @param hostname our name, for EHLO unless the settings have another
 * @param depth how far the dialogue goes
 * @param domain the domain whose postmaster is asked for at {@link ProbeDepth#RCPT}
 * @param timeout the bound of the whole probe, positive
 * @param settings how we present ourselves and what we demand: those of the mail
 */
public record ProbeRequest(
        NextHopAddress nextHop,
        String hostname,
        ProbeDepth depth,
        MailDomain domain,
        Duration timeout,
        RelaySettings settings) {

    /** Checks the parts. */
    public ProbeRequest {
        requireNonNull(nextHop, "nextHop");
        requireNonNull(hostname, "hostname");
        requireNonNull(depth, "depth");
        requireNonNull(domain, "domain");
        requireNonNull(timeout, "timeout");
        requireNonNull(settings, "settings");
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout: " + timeout + " (expected: > 0)");
        }
    }

    /**
     * Makes a probe with {@link RelaySettings#defaults()}.
     *
     * @param nextHop where to connect
     * @param hostname our name for EHLO
     * @param depth how far the dialogue goes
     * @param domain the domain whose postmaster is asked for
     * @param timeout the bound of the whole probe, positive
     */
    public ProbeRequest(
            NextHopAddress nextHop, String hostname, ProbeDepth depth, MailDomain domain, Duration timeout) {
        this(nextHop, hostname, depth, domain, timeout, RelaySettings.defaults());
    }
}
