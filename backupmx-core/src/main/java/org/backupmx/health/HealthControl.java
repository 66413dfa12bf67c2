package org.backupmx.health;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.backupmx.history.HistoryException;
import org.backupmx.mail.MailDomain;

/**
 * The operator's side of what is known of primaries: looks at it and overrides it. Thread-safe; nothing blocks but
 * {@link #uptime}. Every method throws {@link IllegalStateException} when the engine does not run.
 *
 * <p>Orders outlive the engine if it has a history store, and end with it otherwise.
 */
public interface HealthControl {

    /** The most maintenance windows that a domain has at a time: {@value}. */
    int MAX_WINDOWS = 100;

    /**
     * Returns what is known of every domain that is watched: the listed ones, and those with queued mail or recent
     * recipients.
     *
     * @return by name
     */
    List<DomainHealth> domains();

    /**
     * Returns what is known of one domain.
     *
     * @param domain the domain
     * @return its health, empty if it is not watched
     */
    Optional<DomainHealth> find(MailDomain domain);

    /**
     * Probes a domain's primary now, or joins the probe under way.
     *
     * @param domain the domain
     * @return completes when the probe has ended, with what is known then; empty if the domain is not watched
     */
    CompletionStage<Optional<DomainHealth>> probe(MailDomain domain);

    /**
     * Orders something about a domain in place of what was ordered before.
     *
     * @param domain the domain
     * @param order the order; {@link HealthOverride#auto()} ends the last one
     */
    void override(MailDomain domain, HealthOverride order);

    /**
     * Believes the refusals of a domain's primary, which has refused so much mail for good that it was not believed: what
     * it refuses in those words within the next day fails.
     *
     * @param domain the domain
     * @return false if it was believed already
     */
    boolean believe(MailDomain domain);

    /**
     * Plans a maintenance window. It needs no end by hand; listeners are warned before it ends.
     *
     * @param domain the domain
     * @param window the window, which may be under way
     * @throws IllegalArgumentException if the window is past, or the domain has {@value #MAX_WINDOWS} already
     */
    void maintain(MailDomain domain, MaintenanceWindow window);

    /**
     * Ends the maintenance of a domain, and forgets what was planned.
     *
     * @param domain the domain
     * @return how many windows were under way or to come
     */
    int endMaintenance(MailDomain domain);

    /**
     * Returns how the primary was that a domain has now. Needs a history store. Blocks while it is asked.
     *
     * @param domain the domain
     * @param from the beginning
     * @param to the end, after {@code from}; may be in the future
     * @return the report, empty if the domain is not watched or nobody knows where its primary is
     * @throws IllegalArgumentException if the span of time is empty or too long
     * @throws IllegalStateException if the engine has no history store
     * @throws HistoryException if the store cannot be asked
     */
    Optional<UptimeReport> uptime(MailDomain domain, Instant from, Instant to) throws HistoryException;
}
