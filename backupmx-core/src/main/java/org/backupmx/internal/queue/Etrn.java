package org.backupmx.internal.queue;

import java.net.InetAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.backupmx.intake.RelayDomain;
import org.backupmx.internal.queue.EtrnOutcome.Kind;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.RelayRoute;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolLane;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a primary ask for its mail (RFC 1985). The primary is whoever has one of the addresses that the domain's mail
 * would be relayed to now. Thread-safe.
 */
final class Etrn {

    private static final Logger LOG = LoggerFactory.getLogger(Etrn.class);

    private final Delivery delivery;
    private final DeliveryScheduler scheduler;

    Etrn(Delivery delivery, DeliveryScheduler scheduler) {
        this.delivery = delivery;
        this.scheduler = scheduler;
    }

    CompletionStage<EtrnOutcome> ask(MailDomain domain, InetAddress client) {
        return delivery.directory.find(domain).thenCompose(settings -> inDomain(settings, domain, client));
    }

    private CompletionStage<EtrnOutcome> inDomain(
            Optional<RelayDomain> settings, MailDomain domain, InetAddress client) {
        return settings.isEmpty()
                ? CompletableFuture.completedFuture(EtrnOutcome.without(Kind.NOT_ALLOWED))
                : new DomainRoute(delivery, domain)
                        .search()
                        .thenCompose(known -> onRoute(known.route(), domain, client));
    }

    private CompletionStage<EtrnOutcome> onRoute(RelayRoute route, MailDomain domain, InetAddress client) {
        if (route instanceof RelayRoute.Retry) {
            return CompletableFuture.completedFuture(EtrnOutcome.without(Kind.PRIMARY_UNKNOWN));
        }
        boolean isPrimary = route instanceof RelayRoute.NextHops hops
                && hops.addresses().stream().anyMatch(hop -> hop.address().equals(client));
        return isPrimary
                ? CompletableFuture.supplyAsync(() -> start(domain, client), delivery.runtime.workers())
                : CompletableFuture.completedFuture(EtrnOutcome.without(Kind.NOT_ALLOWED));
    }

    private EtrnOutcome start(MailDomain domain, InetAddress client) {
        Optional<SpoolLane> queued;
        try {
            queued = delivery.spool.lanes().stream()
                    .filter(lane -> lane.domain().equals(domain))
                    .findAny();
        } catch (SpoolException e) {
            throw new CompletionException(e);
        }
        Kind kind = scheduler.asked(domain);
        long messages = queued.map(lane -> lane.queued() - lane.held()).orElse(0L);
        LOG.atInfo()
                .addKeyValue("domain", domain)
                .addKeyValue("client", client.getHostAddress())
                .addKeyValue("messages", messages)
                .log("primary asks for its mail");
        if (messages == 0) {
            return EtrnOutcome.without(queued.isEmpty() ? Kind.NONE_WAITING : Kind.HELD);
        }
        return new EtrnOutcome(kind, messages);
    }
}
