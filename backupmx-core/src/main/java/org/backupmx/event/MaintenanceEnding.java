package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.mail.MailDomain;

/**
 * A maintenance window of a domain is about to end: its mail will be relayed then. Immutable and thread-safe.
 *
 * @param at when this was told
 * @param domain the domain
 * @param window the window
 */
public record MaintenanceEnding(Instant at, MailDomain domain, MaintenanceWindow window) implements BackupMxEvent {
    /** Checks the parts. */
    public MaintenanceEnding {
        requireNonNull(at, "at");
        requireNonNull(domain, "domain");
        requireNonNull(window, "window");
    }
}
