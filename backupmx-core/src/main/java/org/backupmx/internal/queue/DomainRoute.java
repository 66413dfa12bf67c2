package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.backupmx.event.RouteHeld;
import org.backupmx.intake.RelayDomain;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.Destination;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelayRoute;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The way to one domain: its settings and its route as found last, found again when they are old. Thread-safe. */
final class DomainRoute {

    /**
     * What is known of the way.
     *
     * @param isRelayDomain whether we hold mail for the domain; a foreign one has DSNs only
     * @param retryPolicy when its mail is tried again
     * @param undelivered what becomes of its mail that cannot be delivered
     * @param route the route
     * @param at when it was found
     */
    record Known(
            boolean isRelayDomain,
            RetryPolicy retryPolicy,
            UndeliveredPolicy undelivered,
            RelayRoute route,
            Instant at) {}

    private static final Logger LOG = LoggerFactory.getLogger(DomainRoute.class);

    static final Duration FRESH = Duration.ofSeconds(60);

    private final Delivery delivery;
    private final MailDomain domain;
    private final RetryPolicy defaultPolicy;
    private final AtomicBoolean searching = new AtomicBoolean();
    private volatile @Nullable Known known;
    private volatile String trouble = ""; // why there is no way now; empty if there is one
    private volatile String told = ""; // the trouble that listeners know of

    DomainRoute(Delivery delivery, MailDomain domain) {
        this.delivery = delivery;
        this.domain = domain;
        this.defaultPolicy = new SteadyRetryPolicy(delivery.config.retryPolicy());
    }

    /** Returns what was found last, however old; null before the first answer. */
    @Nullable
    Known known() {
        return known;
    }

    /** Returns the retry policy in force. */
    RetryPolicy retryPolicy() {
        Known last = known;
        return last == null ? defaultPolicy : last.retryPolicy();
    }

    /** Tells whether this is the way to a relay domain, as far as that is known. */
    boolean isOfRelayDomain() {
        Known last = known;
        return last != null && last.isRelayDomain();
    }

    /** Returns what becomes of mail that cannot be delivered. */
    UndeliveredPolicy undelivered() {
        Known last = known;
        return last == null ? delivery.config.undelivered() : last.undelivered();
    }

    /** Looks for the way unless what is known is fresh or somebody is looking already. */
    void refresh(Runnable whenFound) {
        Known last = known;
        if (last != null && last.at().plus(FRESH).isAfter(delivery.runtime.now())) {
            return;
        }
        if (searching.compareAndSet(false, true)) {
            search().whenCompleteAsync((found, fault) -> found(found, fault, whenFound), delivery.runtime.workers());
        }
    }

    /** Finds the way as it is now, and remembers nothing. */
    CompletionStage<Known> search() {
        try {
            return delivery.directory.find(domain).thenCompose(this::route);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private CompletionStage<Known> route(Optional<RelayDomain> settings) {
        boolean isRelayDomain = settings.isPresent();
        List<NextHop> nextHops = isRelayDomain
                ? settings.get().nextHops()
                : delivery.config.routes().getOrDefault(domain, List.of());
        boolean allowsPrivate = delivery.config.allowPrivateNextHops()
                || settings.map(RelayDomain::privateNextHops).orElse(false);
        RetryPolicy retry = settings.flatMap(RelayDomain::retryPolicy)
                .<RetryPolicy>map(SteadyRetryPolicy::new)
                .orElse(defaultPolicy);
        UndeliveredPolicy undelivered =
                settings.flatMap(RelayDomain::undelivered).orElse(delivery.config.undelivered());
        return delivery.router
                .route(new Destination(domain, isRelayDomain, nextHops, allowsPrivate))
                .thenApply(route -> new Known(isRelayDomain, retry, undelivered, route, delivery.runtime.now()));
    }

    private void found(@Nullable Known found, @Nullable Throwable fault, Runnable whenFound) {
        try {
            Known now = found != null ? found : kept(fault);
            known = now;
            note(now);
        } finally {
            searching.set(false);
            whenFound.run();
        }
    }

    /** What was known before, as of now; if that is nothing, not even whether its mail may be given up: it is kept. */
    private Known kept(@Nullable Throwable fault) {
        LOG.atWarn().setCause(fault).addKeyValue("domain", domain).log("settings of a domain not found");
        Known last = known;
        Instant now = delivery.runtime.now();
        return last != null
                ? new Known(last.isRelayDomain(), last.retryPolicy(), last.undelivered(), last.route(), now)
                : new Known(
                        true,
                        defaultPolicy,
                        delivery.config.undelivered(),
                        new RelayRoute.Retry("look-up of the domain failed"),
                        now);
    }

    private void note(Known found) {
        String reason = "";
        if (found.route() instanceof RelayRoute.Hold hold) {
            reason = hold.reason();
        } else if (found.route() instanceof RelayRoute.Retry retry && found.isRelayDomain()) {
            reason = retry.reason();
        } else if (found.route() instanceof RelayRoute.NextHops hops && known != null) {
            hops.notes()
                    .forEach(note -> LOG.atDebug()
                            .addKeyValue("domain", domain)
                            .addKeyValue("note", note)
                            .log("route noted"));
        }
        if (reason.isEmpty()) {
            told = "";
        }
        trouble = reason;
    }

    /** Tells whether there is no way, and listeners do not know why: mail that waits is worth telling of. */
    boolean isUntold() {
        return !trouble.isEmpty() && !trouble.equals(told);
    }

    /** Tells listeners why mail is held. */
    void tell() {
        String reason = trouble;
        told = reason;
        delivery.events.post(new RouteHeld(delivery.runtime.now(), domain, reason));
    }
}
