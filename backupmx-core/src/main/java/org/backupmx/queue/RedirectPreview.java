package org.backupmx.queue;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;

/**
 * What a redirection would do. Immutable and thread-safe.
 *
 * @param domain whose mail
 * @param to where it would go
 * @param messages how many messages are queued for the domain now, held ones included
 * @param addresses the addresses that it would go to; empty if there are none
 * @param trouble why it would wait there, or what a probe of the first address found; empty if that one is healthy
 */
public record RedirectPreview(MailDomain domain, NextHop to, long messages, List<String> addresses, String trouble) {

    /** Checks and copies the parts. */
    public RedirectPreview {
        requireNonNull(domain, "domain");
        requireNonNull(to, "to");
        addresses = List.copyOf(addresses);
        requireNonNull(trouble, "trouble");
    }
}
