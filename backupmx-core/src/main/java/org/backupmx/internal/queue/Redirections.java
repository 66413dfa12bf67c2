package org.backupmx.internal.queue;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.MailDomain;
import org.backupmx.queue.RedirectPreview;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelayRoute;

/** Next hops that an operator puts in the place of a domain's own. Thread-safe. */
final class Redirections {

    private final Delivery delivery;
    private final Optional<OrderJournal> journal;

    Redirections(Delivery delivery, Optional<OrderJournal> journal) {
        this.delivery = delivery;
        this.journal = journal;
    }

    void begin(MailDomain domain, NextHop to) {
        delivery.orders.redirect(domain, Optional.of(to));
        journal.ifPresent(OrderJournal::changed);
    }

    boolean end(MailDomain domain) {
        boolean was = delivery.orders.redirect(domain).isPresent();
        if (was) {
            delivery.orders.redirect(domain, Optional.empty());
            journal.ifPresent(OrderJournal::changed);
        }
        return was;
    }

    /** Looks the next hop up and probes its first address. */
    CompletionStage<RedirectPreview> preview(MailDomain domain, NextHop to, long messages) {
        return new DomainRoute(delivery, domain)
                .search(Optional.of(to))
                .thenComposeAsync(known -> preview(domain, to, messages, known), delivery.runtime.workers());
    }

    private CompletionStage<RedirectPreview> preview(
            MailDomain domain, NextHop to, long messages, DomainRoute.Known known) {
        if (!(known.route() instanceof RelayRoute.NextHops hops)) {
            return CompletableFuture.completedFuture(
                    new RedirectPreview(domain, to, messages, List.of(), trouble(known.route())));
        }
        List<String> addresses =
                hops.addresses().stream().map(NextHopAddress::toString).toList();
        if (delivery.config.healthProbe().depth().isEmpty()) {
            return CompletableFuture.completedFuture(
                    new RedirectPreview(domain, to, messages, addresses, "not probed"));
        }
        return new PrimaryProbe(
                        delivery,
                        domain,
                        known.relaySettings(),
                        List.of(hops.addresses().get(0)))
                .run()
                .handleAsync(
                        (result, fault) -> new RedirectPreview(
                                domain, to, messages, addresses, fault == null ? trouble(result) : "not probed"),
                        delivery.runtime.workers());
    }

    private static String trouble(RelayRoute route) {
        if (route instanceof RelayRoute.Hold hold) {
            return hold.reason();
        }
        return route instanceof RelayRoute.Retry retry ? retry.reason() : route.toString();
    }

    private static String trouble(ProbeResult result) {
        if (result instanceof ProbeResult.Refused refused) {
            return "refused: " + refused.reply();
        }
        return result instanceof ProbeResult.Unreachable unreachable ? unreachable.reason() : "";
    }
}
