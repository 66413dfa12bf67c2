package org.backupmx.internal.queue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.backupmx.BackupMxConfig;
import org.backupmx.event.DeadLetterRemoved;
import org.backupmx.internal.runtime.DomainDirectory;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.internal.runtime.EventQueue;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayRouter;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.undelivered.RescueHosts;

/** What the lanes of one engine share. Thread-safe. */
final class Delivery {

    /** How long a lease lasts before the keeper has to renew it: how late another engine takes over after a crash. */
    static final Duration LEASE = Duration.ofMinutes(2);

    final BackupMxConfig config;
    final EngineRuntime runtime;
    final EventQueue events;
    final DomainDirectory directory;
    final Spool spool;
    final RelayClient client;
    final RouteJournal journal;
    final RouteFinder routes;
    final LimitsJournal limits;
    final ClockGains gains;
    final LeaseKeeper keeper;
    final Permits permits;
    final OperatorOrders orders;
    final PrimaryHistory history;
    final HeldMail heldMail;
    final MailInRescue inRescue;
    final UndeliveredTally counts = new UndeliveredTally();
    final KnownRecipientMemory knownRecipients = new KnownRecipientMemory();
    final DrainCounter drained;
    final BusyForItself busyForItself = new BusyForItself();
    private final Map<List<NextHop>, RescueHost> rescueHosts = new ConcurrentHashMap<>(); // as many as settings name

    /** Messages whose commit has not been told of yet; they are not attempted before that, so that events keep order. */
    final Set<SpoolId> committing = ConcurrentHashMap.newKeySet();

    Delivery(
            BackupMxConfig config,
            EngineRuntime runtime,
            EventQueue events,
            DomainDirectory directory,
            RelayRouter router,
            Consumer<MailDomain> ordered) {
        this.config = config;
        this.runtime = runtime;
        this.events = events;
        this.directory = directory;
        this.spool = config.spool();
        this.client = config.relayClient();
        this.journal = new RouteJournal(config.historyStore(), runtime);
        this.routes = new RouteFinder(router, journal, runtime);
        this.limits = new LimitsJournal(config.historyStore(), runtime);
        this.gains = new ClockGains(config.clock(), runtime.nanoTime());
        this.keeper = new LeaseKeeper(spool, runtime, gains);
        this.permits = new Permits(config.maxDeliveries());
        this.orders = new OperatorOrders(runtime, events, ordered);
        this.history = new PrimaryHistory(config.historyStore(), runtime);
        this.heldMail = new HeldMail(spool, config.historyStore(), runtime, this::heldMailEnded);
        this.inRescue = new MailInRescue(spool, MailInRescue.MOST);
        this.drained = new DrainCounter(runtime.nanoTime());
    }

    /** Returns what the lanes share of some rescue hosts. */
    RescueHost rescueHost(RescueHosts hosts) {
        return rescueHosts.computeIfAbsent(
                hosts.nextHops(), name -> new RescueHost(runtime, config.maxDeliveriesPerPrimary()));
    }

    /** The clock was set back: what was to pass by it is over. */
    void clockSetBack() {
        rescueHosts.values().forEach(RescueHost::forgive);
    }

    private void heldMailEnded(HeldMail.Entry entry) {
        if (entry.reason() != HeldMail.Reason.RECYCLED) {
            counts.deadLetterRemoved();
            events.post(new DeadLetterRemoved(runtime.now(), entry.id(), entry.since(), entry.detail()));
        }
    }
}
