package org.backupmx.internal.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.backupmx.event.LastGoodRouteUsed;
import org.backupmx.event.RouteHeld;
import org.backupmx.event.RouteRestored;
import org.backupmx.intake.RelayDomain;
import org.backupmx.internal.runtime.DnsUnavailableException;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.Destination;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelayRoute;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.retry.RetryPolicy;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.undelivered.UndeliveredPolicy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to one domain: its settings and its route as found last, found again when they are old. Thread-safe.
 *
 * <p>A domain that was a relay domain within 30 d stays one for the mail that waits, whatever a look-up or the DNS says of
 * it by now: {@link RouteJournal} remembers that.
 */
final class DomainRoute {

    /**
     * What is known of the way.
     *
     * @param isRelayDomain whether we hold mail for the domain; a foreign one has DSNs only
     * @param retryPolicy when its mail is tried again
     * @param undelivered what becomes of its mail that cannot be delivered
     * @param relaySettings how we present ourselves to its primary; to a stranger's without secrets
     * @param isFixed whether its next hops are written down, not found in the DNS, and no operator has put another in their place
     * @param deliveryRate how much its primary is given and when; no bound to others
     * @param drainOrder in which order its mail goes
     * @param route the route
     * @param lastGood what made good for the DNS, empty if it needed nothing
     * @param isElsewhere whether the route leads into networks in which the primary never was, and nobody has taken a
     *     message there yet: one message goes first, and a refusal says nothing about the message
     * @param at when it was found
     */
    record Known(
            boolean isRelayDomain,
            RetryPolicy retryPolicy,
            UndeliveredPolicy undelivered,
            RelaySettings relaySettings,
            boolean isFixed,
            DeliveryRate deliveryRate,
            LeaseOrder drainOrder,
            RelayRoute route,
            Optional<RouteFinder.LastGood> lastGood,
            boolean isElsewhere,
            Instant at) {

        /** Tells whether there is a way, and the DNS says so. */
        boolean isGood() {
            return route instanceof RelayRoute.NextHops && lastGood.isEmpty();
        }

        /**
         * Tells whether the way is as REQUIRETLS asks (RFC 8689 section 4.2.1): to a primary of ours that has to show that it is
         * itself; a host that an operator has put in its place has not.
         */
        boolean isAuthenticated() {
            return isRelayDomain && RequireTls.isAuthenticated(relaySettings.tls(), isFixed);
        }

        private Known asOf(Instant now) {
            return new Known(
                    isRelayDomain,
                    retryPolicy,
                    undelivered,
                    relaySettings,
                    isFixed,
                    deliveryRate,
                    drainOrder,
                    route,
                    lastGood,
                    isElsewhere,
                    now);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(DomainRoute.class);

    static final Duration FRESH = Duration.ofSeconds(60);

    private final Delivery delivery;
    private final MailDomain domain;
    private final RetryPolicy defaultPolicy;
    private final AtomicBoolean searching = new AtomicBoolean();
    private volatile @Nullable Known known;
    private volatile @Nullable RelayDomain lastSettings; // as they were found last
    private volatile boolean outdated;
    private volatile String trouble = ""; // why there is no way now; empty if there is one
    private volatile String told = ""; // the trouble that listeners know of
    private List<String> notes = List.of(); // what was noted of the last route; owned by the search

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

    /** Returns how we present ourselves: never with more than the domain's settings say, once they are known. */
    RelaySettings relaySettings() {
        Known last = known;
        return last == null ? delivery.config.relaySettings().forStrangers() : last.relaySettings();
    }

    /** Returns how we present ourselves to a host that is not the primary. */
    RelaySettings settingsForOthers() {
        return redirected(relaySettings());
    }

    /** Returns in which order mail goes, as far as that is known. */
    LeaseOrder drainOrder() {
        Known last = known;
        return last == null ? LeaseOrder.OLDEST : last.drainOrder();
    }

    /** Returns how much the primary is given and when, as far as that is known. */
    DeliveryRate deliveryRate() {
        Known last = known;
        return last == null ? DeliveryRate.unlimited() : last.deliveryRate();
    }

    /**
     * Looks for the way unless what is known is fresh or somebody is looking already.
     *
     * @param whenFound is told whether there is a way again after there was none
     */
    void refresh(Consumer<Boolean> whenFound) {
        Known last = known;
        if (last != null && !outdated && last.at().plus(FRESH).isAfter(delivery.runtime.now())) {
            return;
        }
        if (searching.compareAndSet(false, true)) {
            outdated = false; // what is ordered from here on, the search may miss
            search().whenCompleteAsync((found, fault) -> found(found, fault, whenFound), delivery.runtime.workers());
        }
    }

    /** An operator changed the way: what is known is not fresh any more. */
    void outdate() {
        outdated = true;
    }

    /** Finds the way as it is now, and keeps nothing of it here. */
    CompletionStage<Known> search() {
        return search(delivery.orders.redirect(domain));
    }

    /** Finds the way as it would be with another next hop. */
    CompletionStage<Known> search(Optional<NextHop> redirect) {
        try {
            return delivery.directory
                    .find(domain)
                    .exceptionallyCompose(fault -> isOfTheDns(fault)
                            ? CompletableFuture.completedFuture(Optional.empty())
                            : CompletableFuture.failedFuture(fault))
                    .thenCompose(settings -> route(settings, redirect));
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /**
     * Tells whether the memory stands in for the DNS, which has no settings to tell. Who failed otherwise may have some, without
     * which mail must not go: TLS, credentials. It waits.
     */
    private boolean isOfTheDns(Throwable fault) {
        Throwable cause = fault instanceof CompletionException && fault.getCause() != null ? fault.getCause() : fault;
        return cause instanceof DnsUnavailableException
                && delivery.journal.find(domain).isPresent();
    }

    private CompletionStage<Known> route(Optional<RelayDomain> settings, Optional<NextHop> redirect) {
        settings.ifPresent(now -> lastSettings = now);
        Optional<LastGoodRoute> before = delivery.journal.find(domain);
        boolean isRelayDomain = settings.isPresent() || before.isPresent();
        boolean allowsPrivate = delivery.config.allowPrivateNextHops()
                || redirect.isPresent()
                || settings.map(RelayDomain::privateNextHops).orElse(false);
        RetryPolicy retry = settings.flatMap(RelayDomain::retryPolicy)
                .<RetryPolicy>map(SteadyRetryPolicy::new)
                .orElse(defaultPolicy);
        UndeliveredPolicy undelivered =
                settings.flatMap(RelayDomain::undelivered).orElse(delivery.config.undelivered());
        RelaySettings own = isRelayDomain || lastSettings != null
                ? relaySettings(before)
                : delivery.config.relaySettings().forStrangers();
        RelaySettings relaySettings = redirect.isEmpty() ? own : redirected(own);
        DeliveryRate rate = isRelayDomain && redirect.isEmpty()
                ? asFound(RelayDomain::deliveryRate, delivery.config.deliveryRate())
                : DeliveryRate.unlimited();
        List<NextHop> nextHops = redirect.map(List::of).orElseGet(() -> nextHops(settings, before));
        Destination destination = new Destination(domain, isRelayDomain, nextHops, allowsPrivate);
        return delivery.routes.find(destination, isInTrouble()).thenApply(found -> {
            boolean isElsewhere = destination.nextHops().isEmpty() // what an operator wrote down he means
                    && found.lastGood().isEmpty()
                    && found.route() instanceof RelayRoute.NextHops hops
                    && before.filter(last -> last.isElsewhere(hops)).isPresent();
            Known now = new Known(
                    isRelayDomain,
                    retry,
                    undelivered,
                    relaySettings,
                    redirect.isEmpty() && !destination.nextHops().isEmpty(),
                    rate,
                    isRelayDomain ? asFound(RelayDomain::drainOrder, delivery.config.drainOrder()) : LeaseOrder.OLDEST,
                    found.route(),
                    found.lastGood(),
                    isElsewhere,
                    delivery.runtime.now());
            if (settings.isPresent() && redirect.isEmpty() && !isElsewhere) {
                keep(now, !destination.nextHops().isEmpty());
            }
            return now;
        });
    }

    /** A domain whose settings are not found any more keeps those it had; after a restart, of a demand for TLS what is left. */
    private RelaySettings relaySettings(Optional<LastGoodRoute> before) {
        RelaySettings own = asFound(RelayDomain::relaySettings, delivery.config.relaySettings());
        boolean isForgotten =
                lastSettings == null && before.filter(LastGoodRoute::demandsTls).isPresent();
        return isForgotten && !own.tls().isDemanded() ? own.withTls(TlsPolicy.encrypt()) : own;
    }

    private <T> T asFound(Function<RelayDomain, Optional<T>> setting, T otherwise) {
        return Optional.ofNullable(lastSettings).flatMap(setting).orElse(otherwise);
    }

    /** Another host is not the primary: it gets no credentials, and cannot have its certificate; TLS may still be asked of it. */
    private static RelaySettings redirected(RelaySettings own) {
        boolean demandsTls = !(own.tls() instanceof TlsPolicy.None || own.tls() instanceof TlsPolicy.May);
        return own.forStrangers().withTls(demandsTls ? TlsPolicy.encrypt() : own.tls());
    }

    private List<NextHop> nextHops(Optional<RelayDomain> settings, Optional<LastGoodRoute> before) {
        if (settings.isPresent()) {
            return settings.get().nextHops();
        }
        List<NextHop> fixed = delivery.config.routes().getOrDefault(domain, List.of());
        return fixed.isEmpty() ? before.map(LastGoodRoute::fixed).orElse(List.of()) : fixed;
    }

    /** Keeps a way to a relay domain for when there is none. */
    private void keep(Known now, boolean isFixed) {
        if (now.isGood() && now.route() instanceof RelayRoute.NextHops hops && !domain.isAddressLiteral()) {
            delivery.journal.found(
                    domain,
                    LastGoodRoute.of(hops, isFixed, now.relaySettings().tls().isDemanded(), now.at()));
        }
    }

    /** Takes that a message was relayed by the route: wherever it leads, that is where the primary is. */
    void confirm() {
        Known last = known;
        if (last != null && last.isElsewhere() && last.route() instanceof RelayRoute.NextHops hops) {
            delivery.journal.found(
                    domain,
                    LastGoodRoute.of(hops, false, last.relaySettings().tls().isDemanded(), delivery.runtime.now()));
            known = new Known(
                    last.isRelayDomain(),
                    last.retryPolicy(),
                    last.undelivered(),
                    last.relaySettings(),
                    last.isFixed(),
                    last.deliveryRate(),
                    last.drainOrder(),
                    hops,
                    last.lastGood(),
                    false,
                    last.at());
        }
    }

    private void found(@Nullable Known found, @Nullable Throwable fault, Consumer<Boolean> whenFound) {
        boolean isRestored = false;
        try {
            Known last = known;
            Known now = found != null ? found : kept(fault);
            known = now;
            note(now);
            isRestored = last != null && !last.isGood() && now.isGood() && !isSameWay(last.route(), now.route());
        } finally {
            searching.set(false);
            whenFound.accept(isRestored);
        }
    }

    private static boolean isSameWay(RelayRoute before, RelayRoute now) {
        return before instanceof RelayRoute.NextHops old
                && now instanceof RelayRoute.NextHops hops
                && Set.copyOf(old.addresses()).equals(Set.copyOf(hops.addresses()));
    }

    /** What was known before, as of now; if that is nothing, not even whether its mail may be given up: it is kept. */
    private Known kept(@Nullable Throwable fault) {
        LOG.atWarn().setCause(fault).addKeyValue("domain", domain).log("settings of a domain not found");
        Known last = known;
        Instant now = delivery.runtime.now();
        return last != null
                ? last.asOf(now)
                : new Known(
                        true,
                        defaultPolicy,
                        delivery.config.undelivered(),
                        delivery.config.relaySettings(),
                        false,
                        delivery.config.deliveryRate(),
                        delivery.config.drainOrder(),
                        new RelayRoute.Retry("look-up of the domain failed"),
                        Optional.empty(),
                        false,
                        now);
    }

    private void note(Known found) {
        String reason = "";
        if (found.route() instanceof RelayRoute.Hold hold) {
            reason = hold.reason();
        } else if (found.route() instanceof RelayRoute.Retry retry && found.isRelayDomain()) {
            reason = retry.reason();
        } else if (found.lastGood().isPresent()) {
            reason = found.lastGood().get().reason();
        } else if (found.route() instanceof RelayRoute.NextHops hops && found.isRelayDomain()) {
            warn(hops.notes());
        } else if (found.route() instanceof RelayRoute.Undeliverable) {
            reason = trouble; // of mail that is kept, if there is any
        }
        trouble = reason;
        if (reason.isEmpty() && !told.isEmpty()) {
            told = "";
            delivery.events.post(new RouteRestored(delivery.runtime.now(), domain));
        }
    }

    /** Tells each note once, as long as it stays. */
    private void warn(List<String> found) {
        found.stream()
                .filter(note -> !notes.contains(note))
                .forEach(note -> LOG.atWarn()
                        .addKeyValue("domain", domain)
                        .addKeyValue("note", note)
                        .log("route noted"));
        notes = found;
    }

    /** Tells whether the DNS did not say where the primary is when it was asked last. */
    boolean isInTrouble() {
        Known last = known;
        return last != null && last.isRelayDomain() && !last.isGood();
    }

    /** Takes that mail of a domain that is not ours any more is kept, although nobody takes it. */
    void keeps(SmtpReply reply) {
        trouble = "no relay domain any more, and mail waits for it: " + reply;
    }

    /** Tells whether there is trouble that listeners do not know of: mail that waits is worth telling of. */
    boolean isUntold() {
        return !trouble.isEmpty() && !trouble.equals(told);
    }

    /** Tells listeners why mail is held, or goes where it went before. */
    void tell() {
        String reason = trouble;
        Known last = known;
        told = reason;
        Instant now = delivery.runtime.now();
        delivery.events.post(
                last != null && last.lastGood().isPresent()
                        ? new LastGoodRouteUsed(
                                now, domain, reason, last.lastGood().get().at())
                        : new RouteHeld(now, domain, reason));
    }
}
