package org.backupmx.internal.queue;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.Destination;
import org.backupmx.relay.RelayRoute;
import org.backupmx.relay.RelayRouter;

/**
 * Finds the way to a domain; where the DNS does not say where the primary of a relay domain is, by what it said last.
 *
 * <p>Silence is made good, statements are not: no answer, a failure (a bogus signature is one), NXDOMAIN and hosts without
 * addresses are answered from memory, name by name, and the rules of {@link RelayRouter} apply to that as to a fresh
 * answer. A null MX, and MX records that lead to nobody but us, are what somebody wrote down. Thread-safe.
 */
final class RouteFinder {

    /**
     * A way, as it is now.
     *
     * @param route the route
     * @param lastGood what made good for the DNS, empty if it needed nothing
     */
    record Found(RelayRoute route, Optional<LastGood> lastGood) {}

    /**
     * What made good for the DNS.
     *
     * @param reason what is wrong with it, for operators
     * @param at when all was well last
     */
    record LastGood(String reason, Instant at) {}

    private final RelayRouter router;
    private final RouteJournal journal;
    private final EngineRuntime runtime;

    RouteFinder(RelayRouter router, RouteJournal journal, EngineRuntime runtime) {
        this.router = router;
        this.journal = journal;
        this.runtime = runtime;
    }

    /**
     * Finds a way.
     *
     * @param afresh whether to ask the DNS whatever is remembered of its answers
     */
    CompletionStage<Found> find(Destination destination, boolean afresh) {
        Answers answers = new Answers(afresh ? router.resolver().afresh() : router.resolver());
        return router.withResolver(answers)
                .route(destination)
                .thenCompose(route -> orLastGood(destination, route, answers));
    }

    /** Finds the way to next hops that are not the domain's own: nothing that is known of the domain makes good for the DNS. */
    CompletionStage<RelayRoute> asWritten(Destination destination) {
        return router.route(destination);
    }

    private CompletionStage<Found> orLastGood(Destination destination, RelayRoute route, Answers answers) {
        Optional<LastGoodRoute> known = destination.isRelayDomain() && !(route instanceof RelayRoute.NextHops)
                ? journal.find(destination.domain())
                : Optional.empty();
        Found found = new Found(route, Optional.empty());
        return known.isEmpty()
                ? CompletableFuture.completedFuture(found)
                : router.withResolver(new MadeGood(answers, known.get(), runtime.now()))
                        .route(destination)
                        .thenApply(again -> again instanceof RelayRoute.NextHops
                                ? new Found(
                                        again,
                                        Optional.of(new LastGood(
                                                reason(route), known.get().at())))
                                : found);
    }

    private static String reason(RelayRoute route) {
        if (route instanceof RelayRoute.Hold hold) {
            return hold.reason();
        }
        if (route instanceof RelayRoute.Retry retry) {
            return retry.reason();
        }
        throw new AssertionError(route);
    }

    /** What the DNS answers during one search: each question is asked once. */
    private static final class Answers implements MxResolver {

        private final MxResolver resolver;
        private final Map<MailDomain, CompletionStage<MxLookup>> domains = new ConcurrentHashMap<>();
        private final Map<String, CompletionStage<AddressLookup>> hosts = new ConcurrentHashMap<>();

        Answers(MxResolver resolver) {
            this.resolver = resolver;
        }

        @Override
        public CompletionStage<MxLookup> lookup(MailDomain domain) {
            return domains.computeIfAbsent(
                    domain, asked -> calm(() -> resolver.lookup(asked), fault -> new MxLookup.TemporaryFailure(fault)));
        }

        @Override
        public CompletionStage<AddressLookup> addresses(String host) {
            return hosts.computeIfAbsent(
                    host,
                    asked -> calm(() -> resolver.addresses(asked), fault -> new AddressLookup.TemporaryFailure(fault)));
        }

        /** A resolver's fault is no answer that counts. */
        private static <T> CompletionStage<T> calm(Supplier<CompletionStage<T>> question, Function<String, T> failure) {
            return CompletableFuture.completedFuture(question)
                    .thenCompose(Supplier::get)
                    .exceptionally(fault -> failure.apply("the resolver failed: " + fault));
        }
    }

    /** Those answers, with what is known from before in place of those that say nothing. */
    private record MadeGood(MxResolver answers, LastGoodRoute known, Instant now) implements MxResolver {

        @Override
        public CompletionStage<MxLookup> lookup(MailDomain domain) {
            return answers.lookup(domain).thenApply(answer -> {
                boolean isSilent = !known.isFixed()
                        && (answer instanceof MxLookup.TemporaryFailure || answer instanceof MxLookup.NoSuchDomain);
                if (isSilent) {
                    // all at once, for each may take as long as the DNS has patience
                    known.hosts()
                            .forEach(host -> answers.addresses(host.nextHop().host()));
                }
                return isSilent ? known.exchangers() : answer;
            });
        }

        @Override
        public CompletionStage<AddressLookup> addresses(String host) {
            return answers.addresses(host)
                    .thenApply(answer -> answer instanceof AddressLookup.Found
                            ? answer
                            : known.addresses(host, now)
                                    .<AddressLookup>map(AddressLookup.Found::new)
                                    .orElse(answer));
        }
    }
}
