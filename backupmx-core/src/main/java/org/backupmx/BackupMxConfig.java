package org.backupmx;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
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
import org.backupmx.relay.NextHop;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelaySettings;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.Spool;
import org.backupmx.undelivered.UndeliveredPolicy;

/**
 * The settings of a {@link BackupMx}, complete and valid. What each one means, its default and its range stand at the
 * setter of the same name in {@link BackupMxBuilder}. Immutable and thread-safe.
 */
public final class BackupMxConfig {

    private final BackupMxBuilder values;

    /** Takes a private copy of a builder, which is not changed any more. */
    BackupMxConfig(BackupMxBuilder copy) {
        values = copy;
    }

    BackupMxBuilder toBuilder() {
        return new BackupMxBuilder(values);
    }

    /**
     * Returns our name.
     *
     * @return the host name
     */
    public String hostname() {
        return requireNonNull(values.hostname);
    }

    /**
     * Returns the domains we hold mail for.
     *
     * @return the relay domains
     */
    public RelayDomains relayDomains() {
        return requireNonNull(values.relayDomains);
    }

    /**
     * Returns which recipients exist where a domain does not say.
     *
     * @return the policy
     */
    public RecipientPolicy recipientPolicy() {
        return values.recipientPolicy;
    }

    /**
     * Returns when mail is accepted where a domain does not say.
     *
     * @return the mode
     */
    public DomainMode mode() {
        return values.mode;
    }

    /**
     * Returns the receiving engine.
     *
     * @return the server
     */
    public IntakeServer intakeServer() {
        return requireNonNull(values.intakeServer);
    }

    /**
     * Returns the sending engine.
     *
     * @return the client
     */
    public RelayClient relayClient() {
        return requireNonNull(values.relayClient);
    }

    /**
     * Returns the spool.
     *
     * @return the caller's spool
     */
    public Spool spool() {
        return requireNonNull(values.spool);
    }

    /**
     * Returns where small histories are kept.
     *
     * @return the caller's store, empty for none: what they tell is forgotten at the end of the engine
     */
    public Optional<HistoryStore> historyStore() {
        return Optional.ofNullable(values.historyStore);
    }

    /**
     * Returns the resolver.
     *
     * @return the resolver, empty for the system's, made at start
     */
    public Optional<MxResolver> mxResolver() {
        return Optional.ofNullable(values.mxResolver);
    }

    /**
     * Returns when mail is tried again where a domain does not say.
     *
     * @return the policy
     */
    public RetryPolicy retryPolicy() {
        return requireNonNull(values.retryPolicy);
    }

    /**
     * Returns what becomes of mail that cannot be delivered where a domain does not say.
     *
     * @return the policy
     */
    public UndeliveredPolicy undelivered() {
        return values.undelivered;
    }

    /**
     * Returns who tells whether senders are who they say.
     *
     * @return the verifier
     */
    public SenderVerifier senderVerifier() {
        return values.senderVerifier;
    }

    /**
     * Returns the greylisting.
     *
     * @return the policy
     */
    public GreylistPolicy greylist() {
        return values.greylist;
    }

    /**
     * Returns how primaries are probed.
     *
     * @return the probe
     */
    public HealthProbe healthProbe() {
        return values.healthProbe;
    }

    /**
     * Returns how we present ourselves to primaries where a domain does not say.
     *
     * @return the settings
     */
    public RelaySettings relaySettings() {
        return values.relaySettings;
    }

    /**
     * Returns in which order waiting mail goes where a domain does not say.
     *
     * @return the order
     */
    public LeaseOrder drainOrder() {
        return values.drainOrder;
    }

    /**
     * Returns how much each primary is given where a domain does not say.
     *
     * @return the rate
     */
    public DeliveryRate deliveryRate() {
        return values.deliveryRate;
    }

    /**
     * Returns the fixed next hops of foreign domains.
     *
     * @return by domain
     */
    public Map<MailDomain, List<NextHop>> routes() {
        return values.routes;
    }

    /**
     * Returns by what we know ourselves, besides our host name and the addresses of this machine.
     *
     * @return the identity
     */
    public OwnIdentity ownIdentity() {
        return values.ownIdentity;
    }

    /**
     * Returns the bare postmaster's mailbox.
     *
     * @return where {@code <postmaster>} goes
     */
    public Mailbox postmaster() {
        return requireNonNull(values.postmaster);
    }

    /**
     * Returns the largest mail data taken.
     *
     * @return the size in bytes
     */
    public long maxMessageBytes() {
        return values.maxMessageBytes;
    }

    /**
     * Returns the most recipients of one transaction.
     *
     * @return the count
     */
    public int maxRecipients() {
        return values.maxRecipients;
    }

    /**
     * Tells whether private addresses that DNS gave are used.
     *
     * @return true if they are
     */
    public boolean allowPrivateNextHops() {
        return values.allowPrivateNextHops;
    }

    /**
     * Tells whether local parts with {@code @}, {@code %} or {@code !} are taken.
     *
     * @return true if they are
     */
    public boolean allowRoutedLocalParts() {
        return values.allowRoutedLocalParts;
    }

    /**
     * Returns the most attempts in flight for one domain.
     *
     * @return the count
     */
    public int maxDeliveriesPerPrimary() {
        return values.maxDeliveriesPerPrimary;
    }

    /**
     * Returns the most attempts in flight in all.
     *
     * @return the count
     */
    public int maxDeliveries() {
        return values.maxDeliveries;
    }

    /**
     * Returns {@link BackupMxBuilder#breaker(boolean)}.
     *
     * @return whether refusals are doubted
     */
    public boolean breaker() {
        return values.breaker;
    }

    /**
     * Returns how long a policy of the user's may take.
     *
     * @return the timeout
     */
    public Duration policyTimeout() {
        return values.policyTimeout;
    }

    /**
     * Returns for how long a message that its client repeats is known.
     *
     * @return how long; zero: not at all
     */
    public Duration repeatWindow() {
        return values.repeatWindow;
    }

    /**
     * Returns how long deleted messages can be had back.
     *
     * @return how long; zero: not at all
     */
    public Duration recycleFor() {
        return values.recycleFor;
    }

    /**
     * Returns how long the end of the engine waits for mail transactions and attempts under way.
     *
     * @return the grace
     */
    public Duration shutdownGrace() {
        return values.shutdownGrace;
    }

    /**
     * Returns how many workers there are.
     *
     * @return the count
     */
    public int workers() {
        return values.workers;
    }

    /**
     * Returns the caller's executor.
     *
     * @return the executor, empty for workers of the engine's own
     */
    public Optional<Executor> executor() {
        return Optional.ofNullable(values.executor);
    }

    /**
     * Returns the caller's timer.
     *
     * @return the scheduler, empty for a timer of the engine's own
     */
    public Optional<ScheduledExecutorService> scheduler() {
        return Optional.ofNullable(values.scheduler);
    }

    /**
     * Returns the clock.
     *
     * @return the source of instants
     */
    public InstantSource clock() {
        return values.clock;
    }

    /**
     * Returns the source of durations.
     *
     * @return nanoseconds since some instant
     */
    public LongSupplier nanoTime() {
        return values.nanoTime;
    }

    /**
     * Returns the source of randomness.
     *
     * @return a thread-safe generator
     */
    public RandomGenerator random() {
        return values.random;
    }

    /**
     * Returns the listeners.
     *
     * @return in the order they are told
     */
    public List<BackupMxListener> listeners() {
        return values.listeners;
    }

    /** Returns the settings that tell one engine from another. */
    @Override
    public String toString() {
        return "BackupMx[" + hostname() + ", " + relayDomains() + "]";
    }
}
