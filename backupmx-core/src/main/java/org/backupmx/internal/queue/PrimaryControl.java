package org.backupmx.internal.queue;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthControl;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.health.UptimeReport;
import org.backupmx.history.HistoryException;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The operator's side of the watches. Thread-safe. */
final class PrimaryControl implements HealthControl {

    private static final Logger LOG = LoggerFactory.getLogger(PrimaryControl.class);

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;
    private final Optional<OrderJournal> journal;

    PrimaryControl(Delivery delivery, DeliveryScheduler scheduler, Optional<OrderJournal> journal) {
        this.delivery = delivery;
        this.scheduler = scheduler;
        this.journal = journal;
    }

    private DeliveryScheduler running() {
        if (scheduler.isStopping()) {
            throw new IllegalStateException("engine: stopped (expected: running)");
        }
        return scheduler;
    }

    @Override
    public List<DomainHealth> domains() {
        return running().domainHealths();
    }

    @Override
    public Optional<DomainHealth> find(MailDomain domain) {
        return running().describe(requireNonNull(domain, "domain"));
    }

    @Override
    public CompletionStage<Optional<DomainHealth>> probe(MailDomain domain) {
        requireNonNull(domain, "domain");
        return running().probe(domain).thenApply(done -> find(domain));
    }

    @Override
    public void override(MailDomain domain, HealthOverride order) {
        requireNonNull(domain, "domain");
        requireNonNull(order, "order");
        running();
        LOG.atInfo().addKeyValue("domain", domain).addKeyValue("order", order).log("operator orders");
        delivery.orders.override(domain, order);
        journal.ifPresent(OrderJournal::changed);
    }

    @Override
    public boolean believe(MailDomain domain) {
        LOG.atInfo().addKeyValue("domain", domain).log("operator believes the primary");
        return running().believe(requireNonNull(domain, "domain"));
    }

    @Override
    public void maintain(MailDomain domain, MaintenanceWindow window) {
        requireNonNull(domain, "domain");
        running();
        if (!window.until().isAfter(delivery.runtime.now())) {
            throw new IllegalArgumentException("window: ended " + window.until() + " (expected: an end to come)");
        }
        if (!delivery.orders.maintain(domain, window)) {
            throw new IllegalArgumentException(
                    "window: one more for " + domain + " (expected: at most " + MAX_WINDOWS + ")");
        }
        LOG.atInfo().addKeyValue("domain", domain).addKeyValue("window", window).log("maintenance planned");
        journal.ifPresent(OrderJournal::changed);
    }

    @Override
    public int endMaintenance(MailDomain domain) {
        running();
        int ended = delivery.orders.endMaintenance(requireNonNull(domain, "domain"));
        journal.ifPresent(OrderJournal::changed);
        return ended;
    }

    @Override
    public Optional<UptimeReport> uptime(MailDomain domain, Instant from, Instant to) throws HistoryException {
        List<NextHop> primary = find(domain).map(DomainHealth::primary).orElse(List.of());
        return primary.isEmpty() ? Optional.empty() : Optional.of(delivery.history.report(primary, from, to));
    }
}
