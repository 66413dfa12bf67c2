package org.backupmx.internal.runtime;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomainLookup;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.MailDomain;
import org.jspecify.annotations.Nullable;

/**
 * What one engine knows of its relay domains: the listed ones, and for a while those looked up and those that the DNS says
 * are ours. Thread-safe.
 */
public final class DomainDirectory {

    private static final Duration FOUND = Duration.ofMinutes(5);
    private static final Duration MISSING = Duration.ofMinutes(1);
    private static final long MOST = 100_000;
    private static final CompletableFuture<Optional<RelayDomain>> FOREIGN =
            CompletableFuture.completedFuture(Optional.empty());

    /** What a look-up ended with; a fault is told to those who waited and not remembered. */
    private record Looked(
            Optional<RelayDomain> found, @Nullable Throwable fault) {
        Duration keep(Duration missing) {
            return fault != null ? Duration.ZERO : found.isPresent() ? FOUND : missing;
        }

        Optional<RelayDomain> get() {
            if (fault != null) {
                throw fault instanceof CompletionException e ? e : new CompletionException(fault);
            }
            return found;
        }
    }

    private final RelayDomains domains;
    private final @Nullable RelayDomainLookup lookup;
    private final @Nullable DestinationCheck destinations;
    private final EngineRuntime runtime;
    private final AsyncCache<MailDomain, Looked> looked;

    /**
     * Makes a directory.
     *
     * @param domains the relay domains
     * @param destinations asks the DNS about those that are neither listed nor looked up, null for none
     * @param runtime asks the look-up
     */
    public DomainDirectory(RelayDomains domains, @Nullable DestinationCheck destinations, EngineRuntime runtime) {
        this.domains = domains;
        this.lookup = domains.lookup().orElse(null);
        this.destinations = destinations;
        this.runtime = runtime;
        // a stranger's domain costs more to ask about again than an operator's list
        Duration missing = destinations == null ? MISSING : FOUND;
        this.looked = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfter(Expiry.<MailDomain, Looked>creating((domain, answer) -> answer.keep(missing)))
                .ticker(runtime.nanoTime()::getAsLong)
                .executor(Runnable::run)
                .buildAsync();
    }

    /**
     * Finds a domain.
     *
     * @param domain the domain of a recipient
     * @return its settings, empty if we do not relay for it; already complete if it is listed or was looked up lately;
     *     fails if the look-up does
     */
    public CompletableFuture<Optional<RelayDomain>> find(MailDomain domain) {
        Optional<RelayDomain> listed = domains.find(domain);
        if (listed.isPresent()) {
            return CompletableFuture.completedFuture(listed);
        }
        if (!hasMore()) {
            return FOREIGN;
        }
        return looked.get(
                        domain,
                        (key, executor) -> lookedUp(key)
                                .thenCompose(found -> found.isPresent()
                                        ? CompletableFuture.completedFuture(found)
                                        : byDestination(key))
                                .handle((found, fault) -> new Looked(found == null ? Optional.empty() : found, fault)))
                .thenApply(Looked::get);
    }

    private CompletableFuture<Optional<RelayDomain>> lookedUp(MailDomain domain) {
        RelayDomainLookup asked = lookup;
        return asked == null ? FOREIGN : runtime.ask(() -> asked.find(domain));
    }

    private CompletableFuture<Optional<RelayDomain>> byDestination(MailDomain domain) {
        DestinationCheck check = destinations;
        if (check == null || domain.isAddressLiteral()) {
            return FOREIGN;
        }
        return runtime.ask(() -> check.permits(domain))
                .thenCompose(runtime::bounded)
                .thenApply(permitted ->
                        permitted ? Optional.of(RelayDomain.of(domain.toString())) : Optional.<RelayDomain>empty())
                .exceptionallyCompose(fault -> CompletableFuture.failedFuture(dnsFault(fault)));
    }

    private static Throwable dnsFault(Throwable fault) {
        Throwable cause = fault instanceof CompletionException && fault.getCause() != null ? fault.getCause() : fault;
        return cause instanceof TimeoutException ? new DnsUnavailableException("no answer in time") : cause;
    }

    /**
     * Finds a domain that is listed.
     *
     * @param domain the domain of a recipient
     * @return its settings, null if it is not listed
     */
    public @Nullable RelayDomain listed(MailDomain domain) {
        return domains.find(domain).orElse(null);
    }

    /**
     * Tells whether there is more than what is listed.
     *
     * @return true if there is a look-up, or the DNS is asked
     */
    public boolean hasMore() {
        return lookup != null || destinations != null;
    }
}
