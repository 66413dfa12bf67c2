package org.backupmx.internal.runtime;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomainLookup;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.MailDomain;
import org.jspecify.annotations.Nullable;

/** What one engine knows of its relay domains: the listed ones, and those looked up, for a while. Thread-safe. */
public final class DomainDirectory {

    private static final Duration FOUND = Duration.ofMinutes(5);
    private static final Duration MISSING = Duration.ofMinutes(1);
    private static final long MOST = 100_000;
    private static final CompletableFuture<Optional<RelayDomain>> FOREIGN =
            CompletableFuture.completedFuture(Optional.empty());

    /** What a look-up ended with; a fault is told to those who waited and not remembered. */
    private record Looked(
            Optional<RelayDomain> found, @Nullable Throwable fault) {
        Duration keep() {
            return fault != null ? Duration.ZERO : found.isPresent() ? FOUND : MISSING;
        }

        Optional<RelayDomain> get() {
            if (fault != null) {
                throw new CompletionException(fault);
            }
            return found;
        }
    }

    private final RelayDomains domains;
    private final @Nullable RelayDomainLookup lookup;
    private final EngineRuntime runtime;
    private final AsyncCache<MailDomain, Looked> looked;

    /**
     * Makes a directory.
     *
     * @param domains the relay domains
     * @param runtime asks the look-up
     */
    public DomainDirectory(RelayDomains domains, EngineRuntime runtime) {
        this.domains = domains;
        this.lookup = domains.lookup().orElse(null);
        this.runtime = runtime;
        this.looked = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfter(Expiry.<MailDomain, Looked>creating((domain, answer) -> answer.keep()))
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
        RelayDomainLookup asked = lookup;
        if (asked == null) {
            return FOREIGN;
        }
        return looked.get(
                        domain,
                        (key, executor) -> runtime.ask(() -> asked.find(key))
                                .handle((found, fault) -> new Looked(found == null ? Optional.empty() : found, fault)))
                .thenApply(Looked::get);
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
     * @return true if there is a look-up
     */
    public boolean hasLookup() {
        return lookup != null;
    }
}
