package org.backupmx.intake;

import java.util.Optional;
import org.backupmx.mail.MailDomain;

/**
 * Finds relay domains that are kept elsewhere: a database, a directory, a control panel. May block; implementations
 * are thread-safe.
 *
 * <p>It is asked on a worker, bounded by the policy timeout, once for all who ask for the same domain at the same time.
 * Answers are cached: a domain that was found for 5 minutes, one that was not for 1 minute, 100,000 of them at most.
 */
@FunctionalInterface
public interface RelayDomainLookup {

    /**
     * Finds a domain.
     *
     * @param domain the domain of a recipient
     * @return its settings, empty if we do not relay for it
     * @throws Exception if it cannot be told; the recipient gets 451 4.3.0, queued mail waits
     */
    Optional<RelayDomain> find(MailDomain domain) throws Exception;
}
