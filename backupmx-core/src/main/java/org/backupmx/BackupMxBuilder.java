package org.backupmx;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.backupmx.dns.MxResolver;
import org.backupmx.event.BackupMxListener;
import org.backupmx.greylist.GreylistPolicy;
import org.backupmx.health.HealthProbe;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.IntakeServer;
import org.backupmx.intake.RecipientPolicy;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.SenderVerifier;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.Destination;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelaySettings;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.OrderedSpool;
import org.backupmx.spool.Spool;
import org.backupmx.undelivered.DeliveryPreset;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Collects the settings of a {@link BackupMx}. Required are the host name, a relay domain, the two engines and the
 * spool; all else has a default. Setters refuse a bad value at once, {@link #build()} tells everything that is missing.
 * Not thread-safe.
 *
 * <p>Who makes it closes it: spool, executor and scheduler stay the caller's and are never shut down here. The two
 * engines are recipes, which the built {@link BackupMx} starts and stops.
 */
public final class BackupMxBuilder {

    /** The default of {@link #maxMessageBytes}: {@value}, which is 60 MiB. */
    public static final long DEFAULT_MAX_MESSAGE_BYTES = 62_914_560;

    /** The default of {@link #maxRecipients}: {@value}. */
    public static final int DEFAULT_MAX_RECIPIENTS = 1000;

    /** The default of {@link #maxDeliveriesPerPrimary}: {@value}. */
    public static final int DEFAULT_MAX_DELIVERIES_PER_PRIMARY = 10;

    /** The default of {@link #maxDeliveries}: {@value}. */
    public static final int DEFAULT_MAX_DELIVERIES = 1_000;

    /** The default of {@link #retryPolicy}, before jitter of 10 % and the {@link #DEFAULT_LIFETIME}: {@value}. */
    public static final String DEFAULT_RETRY_INTERVALS = "5m*3, 15m*4, 1h";

    /** How long a message is tried by default: 14 d. */
    public static final Duration DEFAULT_LIFETIME = Duration.ofDays(14);

    /** The default of {@link #policyTimeout}: 5 s. */
    public static final Duration DEFAULT_POLICY_TIMEOUT = Duration.ofSeconds(5);

    /** The default of {@link #shutdownGrace}, and its most: 30 s. */
    public static final Duration DEFAULT_SHUTDOWN_GRACE = Duration.ofSeconds(30);

    /** The default of {@link #recycleFor}: 3 d. */
    public static final Duration DEFAULT_RECYCLE_FOR = Duration.ofDays(3);

    /** The most of {@link #recycleFor}: 30 d. */
    public static final Duration MAX_RECYCLE_FOR = Duration.ofDays(30);

    /** The most of {@link #repeatWindow}: 24 h. */
    public static final Duration MAX_REPEAT_WINDOW = Duration.ofHours(24);

    @Nullable
    String hostname;

    @Nullable
    RelayDomains relayDomains;

    RecipientPolicy recipientPolicy = RecipientPolicy.acceptAll();
    DomainMode mode = DomainMode.ALWAYS;

    @Nullable
    IntakeServer intakeServer;

    @Nullable
    RelayClient relayClient;

    @Nullable
    Spool spool;

    @Nullable
    HistoryStore historyStore;

    @Nullable
    MxResolver mxResolver;

    @Nullable
    RetryPolicy retryPolicy;

    UndeliveredPolicy undelivered = UndeliveredPolicy.standard();
    SenderVerifier senderVerifier = SenderVerifier.none();
    GreylistPolicy greylist = GreylistPolicy.off();
    HealthProbe healthProbe = HealthProbe.recipient();
    RelaySettings relaySettings = RelaySettings.defaults();
    DeliveryRate deliveryRate = DeliveryRate.unlimited();
    LeaseOrder drainOrder = LeaseOrder.OLDEST;
    Map<MailDomain, List<NextHop>> routes = Map.of();
    OwnIdentity ownIdentity = OwnIdentity.named();

    @Nullable
    Mailbox postmaster;

    long maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
    int maxRecipients = DEFAULT_MAX_RECIPIENTS;
    boolean allowPrivateNextHops;
    boolean allowRoutedLocalParts;
    int maxDeliveriesPerPrimary = DEFAULT_MAX_DELIVERIES_PER_PRIMARY;
    int maxDeliveries = DEFAULT_MAX_DELIVERIES;
    boolean breaker = true;
    Duration policyTimeout = DEFAULT_POLICY_TIMEOUT;
    Duration shutdownGrace = DEFAULT_SHUTDOWN_GRACE;
    Duration recycleFor = DEFAULT_RECYCLE_FOR;
    Duration repeatWindow = Duration.ZERO;
    int workers = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());

    @Nullable
    Executor executor;

    @Nullable
    ScheduledExecutorService scheduler;

    InstantSource clock = InstantSource.system();
    LongSupplier nanoTime = System::nanoTime;
    RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();
    List<BackupMxListener> listeners = List.of();

    BackupMxBuilder() {}

    BackupMxBuilder(BackupMxBuilder from) {
        hostname = from.hostname;
        relayDomains = from.relayDomains;
        recipientPolicy = from.recipientPolicy;
        mode = from.mode;
        intakeServer = from.intakeServer;
        relayClient = from.relayClient;
        spool = from.spool;
        historyStore = from.historyStore;
        mxResolver = from.mxResolver;
        retryPolicy = from.retryPolicy;
        undelivered = from.undelivered;
        senderVerifier = from.senderVerifier;
        greylist = from.greylist;
        healthProbe = from.healthProbe;
        relaySettings = from.relaySettings;
        deliveryRate = from.deliveryRate;
        drainOrder = from.drainOrder;
        routes = from.routes;
        ownIdentity = from.ownIdentity;
        postmaster = from.postmaster;
        maxMessageBytes = from.maxMessageBytes;
        maxRecipients = from.maxRecipients;
        allowPrivateNextHops = from.allowPrivateNextHops;
        allowRoutedLocalParts = from.allowRoutedLocalParts;
        maxDeliveriesPerPrimary = from.maxDeliveriesPerPrimary;
        maxDeliveries = from.maxDeliveries;
        breaker = from.breaker;
        policyTimeout = from.policyTimeout;
        recycleFor = from.recycleFor;
        repeatWindow = from.repeatWindow;
        shutdownGrace = from.shutdownGrace;
        workers = from.workers;
        executor = from.executor;
        scheduler = from.scheduler;
        clock = from.clock;
        nanoTime = from.nanoTime;
        random = from.random;
        listeners = from.listeners;
    }

    /**
     * Sets our host name: in the greeting, EHLO, Received fields and DSNs, and how we find ourselves among mail
     * exchangers. Required.
     *
     * @param value a host name with DNS records that lead here
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is no host name
     */
    public BackupMxBuilder hostname(String value) {
        MailDomain name = MailDomain.of(requireNonNull(value, "value"));
        if (name.isAddressLiteral()) {
            throw new IllegalArgumentException("hostname: " + value + " (expected: a host name)");
        }
        hostname = name.toString();
        return this;
    }

    /**
     * Sets the domains we hold mail for, without settings of their own. One of this and
     * {@link #relayDomains(RelayDomains)} is required.
     *
     * @param names domains, or {@code *.} and a domain for its subdomains
     * @return this builder
     * @throws IllegalArgumentException if a name is not a domain or stands twice
     */
    public BackupMxBuilder relayDomains(String... names) {
        return relayDomains(RelayDomains.of(names));
    }

    /**
     * Sets the domains we hold mail for. Mail for any other domain is refused with 550 5.7.1.
     *
     * @param value the relay domains
     * @return this builder
     */
    public BackupMxBuilder relayDomains(RelayDomains value) {
        relayDomains = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets which recipients exist in domains without a policy of their own. Default:
     * {@link RecipientPolicy#acceptAll()}. A list keeps backscatter away.
     *
     * @param value the policy
     * @return this builder
     */
    public BackupMxBuilder recipientPolicy(RecipientPolicy value) {
        recipientPolicy = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets when mail is accepted in domains without a mode of their own. Default: {@link DomainMode#ALWAYS}, which asks
     * nothing of anybody; {@link DomainMode#MONITORING} keeps those away who try the backup first.
     *
     * @param value the mode
     * @return this builder
     */
    public BackupMxBuilder mode(DomainMode value) {
        mode = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the receiving engine. Required.
     *
     * @param value not started, and used by one engine only
     * @return this builder
     */
    public BackupMxBuilder intakeServer(IntakeServer value) {
        intakeServer = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the sending engine. Required.
     *
     * @param value not started, and used by one engine only
     * @return this builder
     */
    public BackupMxBuilder relayClient(RelayClient value) {
        relayClient = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets where mail is kept. Required. It stays the caller's, who closes it after the engine.
     *
     * @param value an open spool
     * @return this builder
     */
    public BackupMxBuilder spool(Spool value) {
        spool = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets where small histories are kept: the health of primaries, where they were and what they take, what operators
     * have ordered about them, the attempts that monitoring mode counts. It stays the caller's, who closes it after the engine. Default: none, orders
     * and attempts are forgotten at the end of the engine and there is no history of health. A store that fails loses
     * histories and no mail.
     *
     * @param value an open store
     * @return this builder
     */
    public BackupMxBuilder historyStore(HistoryStore value) {
        historyStore = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the resolver of mail exchangers. Default: {@link MxResolver#system()}, made at start.
     *
     * @param value the resolver
     * @return this builder
     */
    public BackupMxBuilder mxResolver(MxResolver value) {
        mxResolver = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets when deferred mail is tried again, and when it is given up. Default: {@value #DEFAULT_RETRY_INTERVALS} with
     * 10 % of jitter, given up after 14 d. A policy without {@link RetryPolicy#giveUpAfter} keeps mail for ever.
     *
     * @param value the policy
     * @return this builder
     */
    public BackupMxBuilder retryPolicy(RetryPolicy value) {
        retryPolicy = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets what becomes of mail that cannot be delivered, in domains without rules of their own. Default:
     * {@link UndeliveredPolicy#standard()}.
     *
     * @param value the rules
     * @return this builder
     */
    public BackupMxBuilder undelivered(UndeliveredPolicy value) {
        undelivered = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the schedule of a preset: both {@link #retryPolicy}, with 10 % of jitter, and the end of the lifetime in
     * {@link #undelivered}. What is set afterwards changes it. Default: none.
     *
     * @param value the preset
     * @return this builder
     */
    public BackupMxBuilder deliveryPreset(DeliveryPreset value) {
        retryPolicy = value.retryPolicy().withJitter(0.1, () -> random.nextLong());
        undelivered = undelivered.withExpiry(value.expiry());
        return this;
    }

    /**
     * Sets who tells whether a message comes from who its reverse-path says; only then may a DSN answer it. Default:
     * {@link SenderVerifier#none()}, nobody is ever told by us, and mail that cannot be delivered goes to the dead letters.
     *
     * @param value the verifier
     * @return this builder
     */
    public BackupMxBuilder senderVerifier(SenderVerifier value) {
        senderVerifier = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets greylisting. Default: {@link GreylistPolicy#off()}.
     *
     * @param value the policy
     * @return this builder
     */
    public BackupMxBuilder greylist(GreylistPolicy value) {
        greylist = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets how primaries are probed. Default: {@link HealthProbe#recipient()}. When a probe finds a primary UP, all
     * that is queued for it is relayed at once; while it is DOWN nothing is attempted. With {@link HealthProbe#off()}
     * the retry policy alone decides.
     *
     * @param value the probe
     * @return this builder
     */
    public BackupMxBuilder healthProbe(HealthProbe value) {
        healthProbe = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets how we present ourselves to primaries and what we demand of them: TLS, credentials, source address, EHLO name.
     * Default: {@link RelaySettings#defaults()}. A relay domain with settings of its own uses those alone. Hosts of domains
     * that are not relay domains see {@link RelaySettings#forStrangers()}.
     *
     * @param value the settings
     * @return this builder
     */
    public BackupMxBuilder relaySettings(RelaySettings value) {
        relaySettings = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets how much each primary is given in a minute, and in which hours, in relay domains without a rate of their own.
     * Default: {@link DeliveryRate#unlimited()}. Hosts of domains that are not relay domains, and those that an operator
     * redirects to, are given what they take.
     *
     * @param value the rate
     * @return this builder
     */
    public BackupMxBuilder deliveryRate(DeliveryRate value) {
        deliveryRate = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets in which order mail that waits for its first attempt goes, in relay domains without an order of their own; what was
     * attempted before goes by its time, behind it. No recipient has more than its share in any order. While the oldest
     * message of a domain has a day, or half of its lifetime, or less to live, that goes oldest first. Default:
     * {@link LeaseOrder#OLDEST}; another one needs an {@link OrderedSpool}.
     *
     * @param value the order
     * @return this builder
     */
    public BackupMxBuilder drainOrder(LeaseOrder value) {
        drainOrder = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets fixed next hops of domains that are not relay domains: where DSNs to them go. Default: none, they go by MX.
     *
     * @param value next hops by domain, in order of trial, each list 1 to {@value Destination#MAX_NEXT_HOPS} long
     * @return this builder
     * @throws IllegalArgumentException if a list is empty or too long
     */
    public BackupMxBuilder routes(Map<MailDomain, List<NextHop>> value) {
        Map<MailDomain, List<NextHop>> copy = new HashMap<>();
        value.forEach((domain, nextHops) -> {
            if (nextHops.isEmpty() || nextHops.size() > Destination.MAX_NEXT_HOPS) {
                throw new IllegalArgumentException("routes: " + nextHops.size() + " next hops for " + domain
                        + " (expected: 1 to " + Destination.MAX_NEXT_HOPS + ")");
            }
            copy.put(domain, List.copyOf(nextHops));
        });
        routes = Map.copyOf(copy);
        return this;
    }

    /**
     * Sets more names and addresses by which we know ourselves among mail exchangers: other names of this host,
     * addresses before a NAT, and those of other backups of ours: mail goes neither to these nor past them. Our host name
     * and the addresses of this machine's interfaces are always known. With listeners in it, no fixed next hop is ever one
     * of them. Default: nothing more.
     *
     * @param value the identity
     * @return this builder
     */
    public BackupMxBuilder ownIdentity(OwnIdentity value) {
        ownIdentity = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets where mail for {@code <postmaster>} without a domain goes (RFC 5321 section 4.5.1). Default: postmaster of
     * the first listed relay domain; required if none is listed.
     *
     * @param value the mailbox
     * @return this builder
     */
    public BackupMxBuilder postmaster(Mailbox value) {
        postmaster = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the largest mail data taken, announced as SIZE (RFC 1870); more is refused with 552 5.3.4. Default:
     * {@value #DEFAULT_MAX_MESSAGE_BYTES}.
     *
     * @param value the size in bytes, at least 65,536 (RFC 5321 section 4.5.3.1.7)
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder maxMessageBytes(long value) {
        maxMessageBytes = atLeast("maxMessageBytes", value, 65_536);
        return this;
    }

    /**
     * Sets the most recipients of one transaction, whatever its reverse-path; more get 452 4.5.3. Default:
     * {@value #DEFAULT_MAX_RECIPIENTS}.
     *
     * @param value 100 (RFC 5321 section 4.5.3.1.8) to 50,000
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder maxRecipients(int value) {
        maxRecipients = inRange("maxRecipients", value, 100, 50_000);
        return this;
    }

    /**
     * Sets whether mail goes to private, loopback and like addresses that DNS gave. Default: false, since whoever
     * controls a domain's DNS could reach into our network. Fixed next hops always may be private.
     *
     * @param value whether they are used
     * @return this builder
     */
    public BackupMxBuilder allowPrivateNextHops(boolean value) {
        allowPrivateNextHops = value;
        return this;
    }

    /**
     * Sets whether local parts with {@code @}, {@code %} or {@code !} are taken, in quotes or not. Default: false; they
     * are refused with 550 5.7.1, since a primary that trusts us may read such a local part as an order to relay
     * elsewhere, and we would be its open door.
     *
     * @param value whether they are taken
     * @return this builder
     */
    public BackupMxBuilder allowRoutedLocalParts(boolean value) {
        allowRoutedLocalParts = value;
        return this;
    }

    /**
     * Sets the most attempts in flight for one primary, whatever the number of domains that lead to it. Default:
     * {@value #DEFAULT_MAX_DELIVERIES_PER_PRIMARY}; primaries often allow no more connections from one client. After an
     * outage there is one at first, and one more with each round of messages that were taken; a primary that slows down or
     * says that it is busy gets fewer.
     *
     * @param value 1 to 1,000
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder maxDeliveriesPerPrimary(int value) {
        maxDeliveriesPerPrimary = inRange("maxDeliveriesPerPrimary", value, 1, 1_000);
        return this;
    }

    /**
     * Sets the most attempts in flight in all. Default: {@value #DEFAULT_MAX_DELIVERIES}.
     *
     * @param value 1 to 10,000
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder maxDeliveries(int value) {
        maxDeliveries = inRange("maxDeliveries", value, 1, 10_000);
        return this;
    }

    /**
     * Sets whether the refusals of a primary that may have come back half are doubted. Default: true. Then a recipient
     * fails for a 5yz only when its primary has shown, since it was away, that it takes mail; a primary that refuses much
     * in the same words gets no more mail than a few canaries every ten minutes until it takes one, or an operator believes
     * it ({@link org.backupmx.health.HealthControl#believe}).
     *
     * @param value whether they are doubted
     * @return this builder
     */
    public BackupMxBuilder breaker(boolean value) {
        breaker = value;
        return this;
    }

    /**
     * Sets how long a policy or a look-up of the user's may take before the recipient gets 451 4.3.0. Default: 5 s.
     *
     * @param value 10 ms to 4 min, for clients wait 5 min (RFC 5321 section 4.5.3.2.3)
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder policyTimeout(Duration value) {
        policyTimeout = inRange("policyTimeout", value, Duration.ofMillis(10), Duration.ofMinutes(4));
        return this;
    }

    /**
     * Sets how long the end of the engine waits for mail transactions and attempts under way. Default: 30 s. The end
     * takes at most 5 s more.
     *
     * @param value 0 to 30 s
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder shutdownGrace(Duration value) {
        shutdownGrace = inRange("shutdownGrace", value, Duration.ZERO, DEFAULT_SHUTDOWN_GRACE);
        return this;
    }

    /**
     * Sets how long a message that an operator deletes can be had back. It stays in the spool meanwhile, held, and is not
     * counted as queued. It needs a spool that can hold and find messages.
     *
     * @param value how long, zero (it is gone at once) to {@link #MAX_RECYCLE_FOR}; {@link #DEFAULT_RECYCLE_FOR} unless
     *     set
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public BackupMxBuilder recycleFor(Duration value) {
        recycleFor = inRange("recycleFor", value, Duration.ZERO, MAX_RECYCLE_FOR);
        return this;
    }

    /**
     * Sets for how long a message that its client sends again, as it did not hear our 250 (RFC 1047), gets the 250 of the
     * first and makes no second. The same is what comes from the same network, a /24 of IPv4 or a /64 of IPv6, with the same
     * envelope and the same octets of mail data. Known are the last 100,000 messages, by a digest, to this engine and until it
     * ends; two that arrive at once are both stored. The price is a SHA-256 of all mail data.
     *
     * @param value how long after the first, zero (off) to {@link #MAX_REPEAT_WINDOW}; zero unless set. RFC 5321 has clients
     *     wait for 10 min for the reply that was lost, and 30 min before they try again
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public BackupMxBuilder repeatWindow(Duration value) {
        repeatWindow = inRange("repeatWindow", value, Duration.ZERO, MAX_REPEAT_WINDOW);
        return this;
    }

    /**
     * Sets how many workers the engine makes. They run policies, listeners and spool calls; half of them at most run a
     * user's policies. Default: twice the processors, at least 4.
     *
     * @param value 2 to 256
     * @return this builder
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public BackupMxBuilder workers(int value) {
        workers = inRange("workers", value, 2, 256);
        return this;
    }

    /**
     * Sets an executor of the caller's to be used for the work; it is not shut down. Default: workers of the engine's
     * own.
     *
     * @param value runs tasks on two threads at least and refuses none; tasks may block on the spool
     * @return this builder
     */
    public BackupMxBuilder executor(Executor value) {
        executor = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets a timer of the caller's; it is not shut down. Default: one thread of the engine's own.
     *
     * @param value gets tasks that only hand work to workers
     * @return this builder
     */
    public BackupMxBuilder scheduler(ScheduledExecutorService value) {
        scheduler = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the clock. Default: the system's.
     *
     * @param value the source of instants
     * @return this builder
     */
    public BackupMxBuilder clock(InstantSource value) {
        clock = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the source of durations. Default: {@link System#nanoTime()}.
     *
     * @param value nanoseconds since some instant
     * @return this builder
     */
    public BackupMxBuilder nanoTime(LongSupplier value) {
        nanoTime = requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the source of randomness: jitter, the order of equal preferences, Message-IDs. Default: that of each thread.
     *
     * @param value a generator; calls are serialised, so it need not be thread-safe
     * @return this builder
     */
    public BackupMxBuilder random(RandomGenerator value) {
        requireNonNull(value, "value");
        Object lock = new Object();
        random = () -> {
            synchronized (lock) {
                return value.nextLong();
            }
        };
        return this;
    }

    /**
     * Adds a listener after those already there. Default: none.
     *
     * @param value is told what happens
     * @return this builder
     */
    public BackupMxBuilder listener(BackupMxListener value) {
        List<BackupMxListener> more = new ArrayList<>(listeners);
        more.add(requireNonNull(value, "value"));
        listeners = List.copyOf(more);
        return this;
    }

    /**
     * Returns a backup MX with these settings. Opens, starts and reads nothing.
     *
     * @return the backup MX, to be started
     * @throws IllegalStateException if something is missing or does not fit together; the message names all of it
     */
    public BackupMx build() {
        List<String> faults = new ArrayList<>();
        missing(faults, hostname, "hostname: none (expected: the host name of this server)");
        missing(faults, intakeServer, "intakeServer: none (expected: a receiving engine such as SmtpServer)");
        missing(faults, relayClient, "relayClient: none (expected: a sending engine such as SmtpClient)");
        missing(faults, spool, "spool: none (expected: an open spool such as FileSpool)");
        RelayDomains domains = relayDomains == null ? RelayDomains.of() : relayDomains;
        Mailbox bare = postmaster == null ? postmasterOf(domains) : postmaster;
        if (domains.listed().isEmpty()
                && domains.lookup().isEmpty()
                && domains.destinations().isEmpty()) {
            faults.add("relayDomains: none (expected: at least one domain, a look-up, or networks of primaries)");
        } else {
            missing(
                    faults,
                    bare,
                    "postmaster: none (expected: a mailbox, as no relay domain is listed by its own name)");
        }
        domains.listed().stream()
                .filter(domain -> domain.nextHops().size() > Destination.MAX_NEXT_HOPS)
                .forEach(domain -> faults.add("relayDomains: "
                        + domain.nextHops().size() + " next hops for " + domain + " (expected: at most "
                        + Destination.MAX_NEXT_HOPS + ")"));
        boolean needsHistory = undelivered.countsUptimeOnly()
                || domains.listed().stream()
                        .anyMatch(domain -> domain.undelivered()
                                .map(UndeliveredPolicy::countsUptimeOnly)
                                .orElse(false));
        if (needsHistory) {
            missing(faults, historyStore, "historyStore: none (expected: a store, as lifetimes count only uptime)");
        }
        Spool given = spool;
        if (given != null && !(given instanceof OrderedSpool)) {
            orders(domains)
                    .filter(order -> order != LeaseOrder.OLDEST)
                    .findFirst()
                    .ifPresent(order -> faults.add("drainOrder: " + order + " (expected: OLDEST, as "
                            + given.getClass().getName() + " is no OrderedSpool)"));
        }
        if (maxDeliveriesPerPrimary > maxDeliveries) {
            faults.add("maxDeliveriesPerPrimary: " + maxDeliveriesPerPrimary + " (expected: at most maxDeliveries, "
                    + maxDeliveries + ")");
        }
        if (!faults.isEmpty()) {
            throw new IllegalStateException(String.join("; ", faults));
        }
        BackupMxBuilder complete = new BackupMxBuilder(this);
        complete.postmaster = bare;
        if (retryPolicy == null) {
            complete.retryPolicy = RetryPolicy.parse(DEFAULT_RETRY_INTERVALS)
                    .withJitter(0.1, random)
                    .giveUpAfter(DEFAULT_LIFETIME);
        }
        return new BackupMx(new BackupMxConfig(complete));
    }

    private Stream<LeaseOrder> orders(RelayDomains domains) {
        return Stream.concat(
                Stream.of(drainOrder), domains.listed().stream().flatMap(domain -> domain.drainOrder().stream()));
    }

    private static void missing(List<String> faults, @Nullable Object setting, String fault) {
        if (setting == null) {
            faults.add(fault);
        }
    }

    private static @Nullable Mailbox postmasterOf(RelayDomains domains) {
        return domains.listed().stream()
                .filter(domain -> !domain.subdomains())
                .map(domain -> new Mailbox("postmaster", domain.base()))
                .findFirst()
                .orElse(null);
    }

    private static long atLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + least + ")");
        }
        return value;
    }

    private static int inRange(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + least + " to " + most + ")");
        }
        return value;
    }

    private static Duration inRange(String name, Duration value, Duration least, Duration most) {
        requireNonNull(value, name);
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + least + " to " + most + ")");
        }
        return value;
    }
}
