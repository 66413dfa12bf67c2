package org.backupmx.internal.queue;

import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.backupmx.BackupMxConfig;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthControl;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.RelayDomain;
import org.backupmx.internal.monitoring.MonitoringGate;
import org.backupmx.internal.runtime.DomainDirectory;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.internal.runtime.EventQueue;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.DrainProgress;
import org.backupmx.queue.QueueControl;
import org.backupmx.queue.QueueSnapshot;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.RelayRouter;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.undelivered.UndeliveredCounts;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The delivery of one engine: keeps a lane for each domain that has work, or a primary to watch. It learns of work from
 * own commits at once, from the spool at start and then every {@link #RELIST}: another engine may share it.
 * Thread-safe.
 */
public final class DeliveryScheduler implements MonitoringGate.Healths {

    private static final Logger LOG = LoggerFactory.getLogger(DeliveryScheduler.class);

    private static final Duration RELIST = Duration.ofSeconds(30);

    /** Listed domains are looked at in this number and rhythm, so that ten thousand are no burst of DNS queries. */
    private static final int WARM_UP = 50;

    /** With that many more than listed, no more come for recipients of domains that are not listed: strangers can name any subdomain. */
    private static final int MOST_LANES = 20_000;

    private static final Duration WARM_UP_BEAT = Duration.ofMillis(100);

    /** Every EHLO inside TLS asks, and there may be ten thousand lanes to look at. */
    private static final Duration REQUIRETLS_FRESH = Duration.ofSeconds(5);

    private record Honoured(long atNanos, boolean isAny) {}

    private final Delivery delivery;
    private final PrimaryWatches watches = new PrimaryWatches();
    private final ClockSteps steps = new ClockSteps();
    private final Settler settler;
    private final Etrn etrn;
    private final Optional<OrderJournal> journal;
    private final SpoolQueueControl control;
    private final Map<MailDomain, DomainLane> lanes = new ConcurrentHashMap<>();
    private final Set<MailDomain> watched;
    private final AtomicInteger attempts = new AtomicInteger();
    private final CompletableFuture<Void> attemptsEnded = new CompletableFuture<>();
    private volatile Instant startedAt = Instant.MAX;
    private volatile @Nullable Honoured honoured;
    private volatile boolean stopping;
    private volatile boolean noneBegins; // every lane has taken its last turn

    /**
     * Makes a delivery that does nothing before {@link #start}.
     *
     * @param config the settings
     * @param runtime threads and clock
     * @param events told what happens
     * @param directory knows the relay domains
     * @param router finds the ways
     */
    public DeliveryScheduler(
            BackupMxConfig config,
            EngineRuntime runtime,
            EventQueue events,
            DomainDirectory directory,
            RelayRouter router) {
        this.delivery = new Delivery(config, runtime, events, directory, router, this::ordered);
        this.settler = new Settler(delivery, this::committed, domain -> requireTls(domain) == RequireTls.HONOURED);
        this.etrn = new Etrn(delivery, this);
        this.journal = config.historyStore().map(store -> new OrderJournal(store, runtime, delivery.orders));
        this.control = new SpoolQueueControl(delivery, this, journal);
        this.watched = config.relayDomains().listed().stream()
                .filter(domain -> !domain.subdomains())
                .map(RelayDomain::base)
                .collect(Collectors.toUnmodifiableSet());
    }

    /**
     * Starts with what the spool holds. Blocks while it is asked.
     *
     * @throws SpoolException if it cannot be asked
     */
    public void start() throws SpoolException {
        startedAt = delivery.runtime.now();
        step(); // a clock is set right soon after the start of a machine, if ever
        List<SpoolLane> queued = delivery.spool.lanes();
        delivery.keeper.start();
        delivery.history.start();
        delivery.journal.start();
        delivery.limits.start();
        journal.ifPresent(OrderJournal::restore);
        delivery.heldMail.start();
        delivery.inRescue.start(delivery.runtime);
        queued.forEach(lane -> lane(lane.domain()).listed(lane));
        warmUp(watched.iterator());
        delivery.runtime.repeat(RELIST, this::relist);
    }

    private void warmUp(Iterator<MailDomain> rest) {
        for (int i = 0; i < WARM_UP && rest.hasNext() && !stopping; i++) {
            lane(rest.next()).wake();
        }
        if (rest.hasNext() && !stopping) {
            delivery.runtime.schedule(WARM_UP_BEAT, () -> warmUp(rest));
        }
    }

    /** Asks the spool for its lanes and wakes them. */
    void relist() {
        if (stopping) {
            return;
        }
        Duration step = step();
        if (step.isNegative()) {
            clockSetBack(step.negated());
        }
        try {
            delivery.spool.lanes().forEach(lane -> lane(lane.domain()).listed(lane));
        } catch (SpoolException e) {
            LOG.atError().setCause(e).log("spool failed, lanes not listed");
        }
    }

    private Duration step() {
        return steps.step(delivery.runtime.now(), delivery.runtime.nanoTime().getAsLong());
    }

    private void clockSetBack(Duration by) {
        LOG.atWarn()
                .addKeyValue("by", by)
                .log("clock was set back, all primaries are probed and all mail is attempted");
        delivery.clockSetBack();
        lanes.values().forEach(DomainLane::clockSetBack);
        watches.clockSetBack();
    }

    private DomainLane lane(MailDomain domain) {
        DomainLane lane = lanes.get(domain);
        return lane != null
                ? lane
                : lanes.computeIfAbsent(domain, name -> new DomainLane(delivery, this, settler, name));
    }

    /** Takes a lane without work out, unless it stays to watch a primary. */
    boolean retire(DomainLane lane) {
        return !isWatched(lane.domain()) && lanes.remove(lane.domain(), lane);
    }

    /** Tells whether a domain's primary is watched although nothing is queued for it and nobody asks. */
    boolean isWatched(MailDomain domain) {
        return watched.contains(domain);
    }

    PrimaryWatches watches() {
        return watches;
    }

    /** When the engine started: of primaries before that it knows nothing. */
    Instant startedAt() {
        return startedAt;
    }

    boolean isStopping() {
        return stopping;
    }

    /**
     * Tells that a commit begins; the message is not attempted before its end is told.
     *
     * @param id the message
     */
    public void commitBegins(SpoolId id) {
        delivery.committing.add(id);
    }

    /**
     * Tells that a commit ended, well or not. Never blocks.
     *
     * @param id the message
     * @param envelope its envelope
     */
    public void commitEnded(SpoolId id, Envelope envelope) {
        delivery.committing.remove(id);
        committed(envelope);
    }

    private void committed(Envelope envelope) {
        envelope.domains().forEach(this::committed);
    }

    void committed(MailDomain domain) {
        lane(domain).committed();
    }

    void attemptBegun() {
        attempts.incrementAndGet();
    }

    void attemptEnded() {
        if (attempts.decrementAndGet() == 0 && noneBegins) {
            attemptsEnded.complete(null);
        }
    }

    void flush(MailDomain domain) {
        lane(domain).flush();
    }

    void flushOutsideHours(MailDomain domain) {
        lane(domain).flushOutsideHours();
    }

    void urge(MailDomain domain, Instant first) {
        lane(domain).urge(first);
    }

    /** Returns how fast what is queued goes out. Blocks while the spool is asked. */
    DrainProgress drainProgress() throws SpoolException {
        Map<MailDomain, SpoolLane> queued = new TreeMap<>();
        control.lanes().forEach(lane -> queued.put(lane.domain(), lane));
        TreeSet<MailDomain> domains = new TreeSet<>(delivery.drained.domains());
        domains.addAll(queued.keySet());
        return new DrainProgress(
                delivery.runtime.now(),
                domains.stream()
                        .map(domain -> drain(domain, Optional.ofNullable(queued.get(domain))))
                        .toList());
    }

    private DrainProgress.DomainDrain drain(MailDomain domain, Optional<SpoolLane> queued) {
        Instant now = delivery.runtime.now();
        Optional<DomainLane> lane = Optional.ofNullable(lanes.get(domain));
        DrainCounter.Drained drained = delivery.drained.drained(domain);
        long held = queued.map(SpoolLane::held).orElse(0L);
        long left = queued.map(SpoolLane::queued).orElse(0L) - held;
        DrainEstimate estimate = new DrainEstimate(
                lane.map(DomainLane::deliveryRate).orElse(DeliveryRate.unlimited()),
                lane.flatMap(one -> one.opens(now)));
        return new DrainProgress.DomainDrain(
                domain,
                left,
                held,
                lane.map(DomainLane::inFlight).orElse(0),
                drained.sent(),
                drained.failed(),
                drained.deferred(),
                drained.perSecond(),
                estimate.eta(left, queued.map(SpoolLane::bytes).orElse(0L), drained.perSecond(), now),
                estimate.opens(),
                lane.map(DomainLane::health).orElse(PrimaryHealth.UNKNOWN));
    }

    EtrnOutcome.Kind asked(MailDomain domain) {
        return lane(domain).asked();
    }

    /**
     * Takes ETRN (RFC 1985): if the client is the domain's primary, all that is queued for it is attempted. Never
     * blocks.
     *
     * @param domain whose mail is asked for
     * @param client who asks
     * @return what is done about it; fails if the spool or the look-up of the domain does
     */
    public CompletionStage<EtrnOutcome> etrn(MailDomain domain, InetAddress client) {
        return etrn.ask(domain, client);
    }

    /**
     * Returns the health of a domain's primary, asked for now where what is known is too old. Never blocks.
     *
     * @param domain a relay domain
     * @param maxAge how old {@link PrimaryHealth#UP} may be
     * @return its health, {@link PrimaryHealth#UNKNOWN} if it is not known within 5 s, or if too many domains that are
     *     not listed are asked for and this one has no fixed next hops
     */
    @Override
    public CompletableFuture<PrimaryHealth> health(MailDomain domain, Duration maxAge) {
        if (stopping || delivery.orders.redirect(domain).isPresent()) {
            return CompletableFuture.completedFuture(PrimaryHealth.UNKNOWN); // nobody but us sends to another next hop
        }
        return lanes.size() < watched.size() + MOST_LANES || lanes.containsKey(domain)
                ? lane(domain).health(maxAge)
                : healthWithoutLane(domain, maxAge);
    }

    /**
     * Returns what a domain's primary is known to take. Never blocks.
     *
     * @param domain a relay domain
     * @return by the last answer to EHLO in a probe that succeeded, at most 30 d old; else {@link PrimaryLimits#UNKNOWN}
     */
    public PrimaryLimits limits(MailDomain domain) {
        DomainLane lane = lanes.get(domain);
        if (lane != null) {
            return lane.limits();
        }
        RelayDomain settings = delivery.directory.listed(domain);
        PrimaryWatch watch = settings == null ? null : watches.find(settings.nextHops());
        return watch == null ? PrimaryLimits.UNKNOWN : watch.limits();
    }

    /**
     * Tells whether mail with REQUIRETLS (RFC 8689) for a domain can be sent on as it demands. Never blocks.
     *
     * @param domain a domain, a relay domain or not
     * @return by the domain's settings, and the primary's last answer to EHLO inside TLS, at most 30 d old
     */
    public RequireTls requireTls(MailDomain domain) {
        DomainLane lane = lanes.get(domain);
        if (lane != null) {
            return lane.requireTls();
        }
        RelayDomain settings = delivery.directory.listed(domain);
        if (settings == null) {
            return RequireTls.UNKNOWN;
        }
        PrimaryWatch watch = watches.find(settings.nextHops());
        boolean isAuthenticated = RequireTls.isAuthenticated(
                settings.relaySettings().orElse(delivery.config.relaySettings()).tls(),
                !settings.nextHops().isEmpty());
        return RequireTls.of(isAuthenticated, watch == null ? PrimaryLimits.UNKNOWN : watch.limits());
    }

    /**
     * Asks a domain's primary what it offers, unless it was asked in the last {@link PrimaryWatch#ON_DEMAND}: its next answer
     * to EHLO tells. Never blocks.
     *
     * @param domain a relay domain
     */
    public void learn(MailDomain domain) {
        CompletableFuture<PrimaryHealth> unused = health(domain, Duration.ZERO);
    }

    /**
     * Tells whether there is a relay domain with work or a watched primary for which mail with REQUIRETLS can be sent on. Never
     * blocks; what it says may be {@link #REQUIRETLS_FRESH} old.
     *
     * @return true if there is one
     */
    public boolean anyHonoursRequireTls() {
        long now = delivery.runtime.nanoTime().getAsLong();
        Honoured last = honoured;
        if (last == null || now - last.atNanos() >= REQUIRETLS_FRESH.toNanos()) {
            last = new Honoured(
                    now, lanes.values().stream().anyMatch(lane -> lane.requireTls() == RequireTls.HONOURED));
            honoured = last;
        }
        return last.isAny();
    }

    /** Too many subdomains are asked for; those that share fixed next hops share their primary. */
    private CompletableFuture<PrimaryHealth> healthWithoutLane(MailDomain domain, Duration maxAge) {
        RelayDomain settings = delivery.directory.listed(domain);
        PrimaryWatch watch = settings == null ? null : watches.find(settings.nextHops());
        return watch == null ? CompletableFuture.completedFuture(PrimaryHealth.UNKNOWN) : watch.health(maxAge);
    }

    /**
     * Takes a client that has connected: the primary of somebody, perhaps, that was away. Never blocks.
     *
     * @param client its address
     */
    public void connected(InetAddress client) {
        watches.seen(client);
    }

    CompletableFuture<Void> probe(MailDomain domain) {
        DomainLane lane = lanes.get(domain);
        return lane == null ? CompletableFuture.completedFuture(null) : lane.probed();
    }

    boolean believe(MailDomain domain) {
        DomainLane lane = lanes.get(domain);
        return lane != null && lane.believe();
    }

    List<DomainHealth> domainHealths() {
        return lanes.keySet().stream()
                .sorted(Comparator.comparing(MailDomain::toString))
                .flatMap(domain -> describe(domain).stream())
                .toList();
    }

    @Override
    public Optional<DomainHealth> describe(MailDomain domain) {
        return Optional.ofNullable(lanes.get(domain)).map(lane -> lane.describe(mode(domain)));
    }

    private DomainMode mode(MailDomain domain) {
        RelayDomain listed = delivery.directory.listed(domain);
        return Optional.ofNullable(listed).flatMap(RelayDomain::mode).orElse(delivery.config.mode());
    }

    private void ordered(MailDomain domain) {
        DomainLane lane = lanes.get(domain);
        if (lane != null) {
            lane.ordered();
        }
    }

    /**
     * Returns the operator's side of the primaries.
     *
     * @return the control
     */
    public HealthControl healthControl() {
        return new PrimaryControl(delivery, this, journal);
    }

    void flushAll() {
        lanes.values().forEach(DomainLane::flush);
    }

    /**
     * Returns the operator's side of the queue.
     *
     * @return the control
     */
    public QueueControl control() {
        return control;
    }

    /**
     * Returns what has become of undeliverable mail.
     *
     * @return a snapshot
     */
    public UndeliveredCounts undelivered() {
        return delivery.counts.counts();
    }

    /**
     * Returns what is queued. Blocks while the spool is asked.
     *
     * @return a snapshot
     * @throws SpoolException if the spool cannot be asked
     */
    public QueueSnapshot snapshot() throws SpoolException {
        Instant now = delivery.runtime.now();
        Map<MailDomain, QueueSnapshot.DomainQueue> domains = new TreeMap<>();
        lanes.forEach((domain, lane) -> domains.put(
                domain,
                new QueueSnapshot.DomainQueue(
                        domain,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        Duration.ZERO,
                        Optional.empty(),
                        lane.inFlight(),
                        lane.opens(now),
                        lane.health())));
        for (SpoolLane queued : control.lanes()) {
            DomainLane lane = lanes.get(queued.domain());
            Duration age = Duration.between(queued.oldest(), now);
            domains.put(
                    queued.domain(),
                    new QueueSnapshot.DomainQueue(
                            queued.domain(),
                            queued.queued(),
                            queued.held(),
                            delivery.heldMail
                                    .places()
                                    .sum(queued.domain(), HeldMail.Reason.EXPIRED)
                                    .messages(),
                            delivery.heldMail
                                    .places()
                                    .sum(queued.domain(), HeldMail.Reason.DEAD_LETTER)
                                    .messages(),
                            delivery.inRescue.count(queued.domain()),
                            queued.bytes(),
                            age.isNegative() ? Duration.ZERO : age,
                            delivery.spool.nextDue(queued.domain()),
                            lane == null ? 0 : lane.inFlight(),
                            lane == null ? Optional.empty() : lane.opens(now),
                            lane == null ? PrimaryHealth.UNKNOWN : lane.health()));
        }
        return new QueueSnapshot(now, List.copyOf(domains.values()));
    }

    private void closeHistories() {
        delivery.history.close();
        delivery.journal.write();
        delivery.limits.write();
    }

    /**
     * Stops: nothing more is leased, what is leased and not attempted is given back.
     *
     * @return completes when every attempt under way has ended and is settled
     */
    public CompletionStage<Void> stop() {
        stopping = true;
        watches.stop();
        CompletableFuture<?>[] released =
                lanes.values().stream().map(DomainLane::stop).toArray(CompletableFuture[]::new);
        // a turn that was under way may have begun attempts; none begins after the lanes have given back
        return CompletableFuture.allOf(released).thenCompose(all -> {
            noneBegins = true;
            if (attempts.get() == 0) {
                attemptsEnded.complete(null);
            }
            return attemptsEnded.thenRunAsync(this::closeHistories, delivery.runtime.workers());
        });
    }
}
