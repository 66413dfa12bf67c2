package org.backupmx.internal.monitoring;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.RelayDomain;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.backupmx.monitoring.MonitoringReport;
import org.jspecify.annotations.Nullable;

/**
 * Keeps mail out that the primary can take itself, and lets in who cannot reach it although we can: with the third
 * attempt that counts, 30 min after the first. Thread-safe, never blocks.
 */
public final class MonitoringGate {

    /** How old the news of a primary may be. */
    static final Duration FRESH = Duration.ofSeconds(60);

    /**
     * How old it may be for who comes again: as old as the spacing of probes makes it, so that nobody who tries twice is
     * refused twice where one probe could have told that the primary is gone.
     */
    static final Duration FRESH_FOR_KNOWN = Duration.ofSeconds(30);

    /** The most that are remembered. One takes about 180 bytes. */
    static final int MOST = 500_000;

    private static final CompletableFuture<Boolean> PASS = CompletableFuture.completedFuture(true);
    private static final CompletableFuture<Boolean> STAY = CompletableFuture.completedFuture(false);

    /** Knows how primaries are. */
    public interface Healths {

        /**
         * Returns the health of a domain's primary, asked for now where what is known is too old.
         *
         * @param domain a relay domain
         * @param maxAge how old UP may be
         * @return its health, within 5 s
         */
        CompletableFuture<PrimaryHealth> health(MailDomain domain, Duration maxAge);

        /**
         * Returns what is known of a domain's primary.
         *
         * @param domain a relay domain
         * @return what is known, empty if nobody watches it
         */
        Optional<DomainHealth> describe(MailDomain domain);
    }

    private final DomainMode defaultMode;
    private final Healths healths;
    private final EngineRuntime runtime;
    private final Cache<ArrivalKey, Attempts> known;
    private final NetworkLedger ledger;
    private final @Nullable AttemptJournal journal;
    private final AtomicBoolean busy = new AtomicBoolean(); // a worker is at the journal

    /**
     * Makes a gate that remembers nothing yet.
     *
     * @param defaultMode the mode of domains without one of their own
     * @param healths knows the primaries
     * @param runtime threads and clock
     * @param store keeps attempts over a restart, empty for none
     */
    public MonitoringGate(
            DomainMode defaultMode, Healths healths, EngineRuntime runtime, Optional<HistoryStore> store) {
        this.defaultMode = defaultMode;
        this.healths = healths;
        this.runtime = runtime;
        this.known = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(Attempts.KEEP)
                .ticker(runtime.nanoTime()::getAsLong)
                .executor(Runnable::run)
                .build();
        this.ledger = new NetworkLedger(healths::describe);
        this.journal = store.map(AttemptJournal::new).orElse(null);
    }

    /** Reads what was remembered, beside everything else, and begins to write. */
    public void start() {
        runtime.repeat(NetworkLedger.BEAT, () -> ledger.settle(runtime.now()));
        AttemptJournal kept = journal;
        if (kept != null) {
            atJournal(() -> kept.read(runtime.now(), this::remember));
            runtime.repeat(AttemptJournal.BEAT, () -> atJournal(this::write));
        }
    }

    private void remember(ArrivalKey key, Attempts before) {
        known.asMap().merge(key, before, (now, old) -> now.after(old));
    }

    private void write() {
        if (journal != null) {
            journal.write(runtime.now(), known.asMap().entrySet().stream());
        }
    }

    /** A store that hangs keeps one worker and no more. */
    private void atJournal(Runnable work) {
        if (busy.compareAndSet(false, true)) {
            runtime.execute(() -> {
                try {
                    work.run();
                } finally {
                    busy.set(false);
                }
            });
        }
    }

    /**
     * Writes what is not written yet.
     *
     * @return completes on a worker when that is done
     */
    public CompletableFuture<Void> stop() {
        return journal == null
                ? CompletableFuture.completedFuture(null)
                : CompletableFuture.runAsync(this::write, runtime.workers());
    }

    /**
     * Tells whether a domain's mail has to pass the gate.
     *
     * @param domain its settings
     * @return true in monitoring mode
     */
    public boolean isFor(RelayDomain domain) {
        return domain.mode().orElse(defaultMode) == DomainMode.MONITORING;
    }

    /**
     * Tells whether somebody may pass, and remembers that it tried.
     *
     * @param client its address
     * @param reversePath who sends
     * @param recipient to whom, in a domain in monitoring mode
     * @return false if it is to use the primary; already complete where nobody has to be asked
     */
    public CompletableFuture<Boolean> admits(InetAddress client, ReversePath reversePath, Mailbox recipient) {
        Arrival arrival = new Arrival(client, reversePath, recipient);
        ArrivalKey key = arrival.key();
        Duration maxAge = known.getIfPresent(key) == null ? FRESH : FRESH_FOR_KNOWN;
        CompletableFuture<PrimaryHealth> health = healths.health(recipient.domain(), maxAge);
        return health.isDone()
                ? admits(arrival, key, health.join()) ? PASS : STAY
                : health.thenApply(found -> admits(arrival, key, found));
    }

    private boolean admits(Arrival arrival, ArrivalKey key, PrimaryHealth health) {
        if (health != PrimaryHealth.UP) {
            Attempts before = known.getIfPresent(key);
            if (before != null) {
                letIn(arrival, key, before);
            }
            return true;
        }
        Instant now = runtime.now();
        boolean[] counts = new boolean[1];
        Attempts attempts = known.asMap().compute(key, (same, before) -> {
            Attempts after = before == null ? Attempts.first(now) : before.more(now);
            counts[0] = !after.equals(before);
            return after;
        });
        if (counts[0]) {
            changed(key, attempts);
        }
        if (attempts.isEnough(now)) {
            letIn(arrival, key, attempts);
            return true;
        }
        if (counts[0]) {
            ledger.deferred(arrival, attempts.count(), now);
        }
        return false;
    }

    private void letIn(Arrival arrival, ArrivalKey key, Attempts before) {
        if (!before.isLetIn() && known.asMap().replace(key, before, before.letIn())) {
            changed(key, before.letIn());
            ledger.letIn(arrival, before.count(), runtime.now());
        }
    }

    private void changed(ArrivalKey key, Attempts attempts) {
        if (journal != null) {
            journal.changed(key, attempts);
        }
    }

    /**
     * Returns who came although the primary was UP.
     *
     * @return a snapshot
     */
    public MonitoringReport report() {
        return ledger.report(runtime.now());
    }
}
