package org.backupmx.examples;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.backupmx.intake.DomainMode;
import org.backupmx.intake.RecipientPolicy;
import org.backupmx.intake.RelayDomain;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.relay.DeliveryRate;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.spool.LeaseOrder;
import org.jspecify.annotations.Nullable;

/**
 * One relay domain of the reference server's configuration: its fixed next hops, empty for «by MX», its mode, absent for
 * that of all, its recipients, absent for «any», whether its mail must come by TLS, its size limit, how we present ourselves to
 * its primary, how much that is given, in which order, and its schedule, each absent for that of all.
 */
record ServerDomain(
        List<NextHop> primary,
        Optional<DomainMode> mode,
        Optional<Set<Mailbox>> recipients,
        boolean requiresTls,
        OptionalLong messageBytes,
        Optional<RelaySettings> relay,
        Optional<DeliveryRate> rate,
        Optional<LeaseOrder> drainOrder,
        Optional<ServerSchedule> schedule) {

    static final ServerDomain DEFAULT = new ServerDomain(
            List.of(),
            Optional.empty(),
            Optional.empty(),
            false,
            OptionalLong.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());

    private static final Set<String> KEYS = Set.of(
            "primary",
            "mode",
            "recipients",
            "tls",
            "message-size",
            "relay",
            "rate",
            "drain-order",
            "retry",
            "lifetime",
            "undelivered");
    private static final String NEXT_HOP = "host, host:port, [address] or [address]:port, or a list of them";

    /** Reads {@code domains}. */
    static Map<MailDomain, ServerDomain> all(
            ConfigNode node,
            ServerLimits limits,
            boolean offersTls,
            RelaySettings relay,
            DeliveryRate rate,
            ServerSchedule schedule,
            boolean hasHistory)
            throws ConfigException {
        Map<MailDomain, ServerDomain> domains = new LinkedHashMap<>();
        for (Map.Entry<String, ConfigNode> entry : node.map().entrySet()) {
            ConfigNode child = entry.getValue();
            MailDomain name = name(child, entry.getKey());
            ServerDomain domain =
                    child.isEmpty() ? DEFAULT : of(child, limits, offersTls, relay, rate, schedule, hasHistory);
            if (domains.put(name, domain) != null) {
                throw child.fault("given twice", "each domain once");
            }
        }
        if (domains.isEmpty()) {
            throw node.fault("empty", "at least one domain");
        }
        return domains;
    }

    static MailDomain name(ConfigNode node, String text) throws ConfigException {
        try {
            MailDomain domain = MailDomain.of(text);
            if (!domain.isAddressLiteral()) {
                return domain;
            }
        } catch (IllegalArgumentException e) {
            // told below, like the literal
        }
        throw node.fault("not a domain", "a domain such as example.org");
    }

    private static ServerDomain of(
            ConfigNode node,
            ServerLimits limits,
            boolean offersTls,
            RelaySettings relay,
            DeliveryRate rate,
            ServerSchedule schedule,
            boolean hasHistory)
            throws ConfigException {
        Map<String, ConfigNode> map = node.map(KEYS);
        Optional<Set<Mailbox>> recipients = Optional.empty();
        if (map.containsKey("recipients")) {
            Set<Mailbox> mailboxes = new LinkedHashSet<>();
            for (ConfigNode item : map.get("recipients").list()) {
                mailboxes.add(item.value("an address such as user@example.org", Mailbox::parse));
            }
            recipients = Optional.of(mailboxes);
        }
        List<NextHop> primary = map.containsKey("primary") ? nextHops(map.get("primary")) : List.of();
        return new ServerDomain(
                primary,
                map.containsKey("mode") ? Optional.of(mode(map.get("mode"))) : Optional.empty(),
                recipients,
                map.containsKey("tls") && requiresTls(map.get("tls"), offersTls),
                messageBytes(map.get("message-size"), limits),
                relay(map.get("relay"), relay, primary),
                map.containsKey("rate") ? Optional.of(ServerRate.of(map.get("rate"), rate)) : Optional.empty(),
                map.containsKey("drain-order") ? Optional.of(drainOrder(map.get("drain-order"))) : Optional.empty(),
                ServerSchedule.KEYS.stream().anyMatch(map::containsKey)
                        ? Optional.of(ServerSchedule.of(map, schedule, hasHistory))
                        : Optional.empty());
    }

    /** Reads how we present ourselves to this primary; what it does not say is as for all. */
    private static Optional<RelaySettings> relay(@Nullable ConfigNode node, RelaySettings relay, List<NextHop> primary)
            throws ConfigException {
        if (node == null) {
            return Optional.empty();
        }
        RelaySettings settings = ServerRelay.of(node, relay);
        boolean needsName = settings.tls() instanceof TlsPolicy.Verify verify
                && verify.names().isEmpty()
                && primary.stream().anyMatch(hop -> hop.host().matches("[0-9.]+|.*:.*"));
        if (needsName) {
            throw node.missing("tls-names", "the name in the certificate, as primary is an address");
        }
        return Optional.of(settings);
    }

    /** Reads when mail is accepted. */
    static DomainMode mode(ConfigNode node) throws ConfigException {
        return node.value("always or monitoring", text -> switch (text) {
            case "always" -> DomainMode.ALWAYS;
            case "monitoring" -> DomainMode.MONITORING;
            default -> throw new IllegalArgumentException(text);
        });
    }

    /** Reads in which order waiting mail goes. */
    static LeaseOrder drainOrder(ConfigNode node) throws ConfigException {
        return node.value("oldest, newest or smallest", text -> switch (text) {
            case "oldest" -> LeaseOrder.OLDEST;
            case "newest" -> LeaseOrder.NEWEST;
            case "smallest" -> LeaseOrder.SMALLEST;
            default -> throw new IllegalArgumentException(text);
        });
    }

    private static boolean requiresTls(ConfigNode node, boolean offersTls) throws ConfigException {
        boolean required = node.value("required or opportunistic", text -> switch (text) {
            case "required" -> true;
            case "opportunistic" -> false;
            default -> throw new IllegalArgumentException(text);
        });
        if (required && !offersTls) {
            throw node.fault("required without STARTTLS", "tls.certificate and tls.key");
        }
        return required;
    }

    private static OptionalLong messageBytes(@Nullable ConfigNode node, ServerLimits limits) throws ConfigException {
        if (node == null) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(node.value(Units.SIZE + ", from 64kB to limits.message-size", text -> {
            long bytes = Units.bytes(text);
            if (bytes < 64 << 10 || bytes > limits.messageBytes()) {
                throw new IllegalArgumentException(text);
            }
            return bytes;
        }));
    }

    static List<NextHop> nextHops(ConfigNode node) throws ConfigException {
        List<NextHop> hops = new ArrayList<>();
        for (ConfigNode item : node.isList() ? node.list() : List.of(node)) {
            hops.add(item.value(NEXT_HOP, NextHop::parse));
        }
        if (hops.isEmpty()) {
            throw node.fault("empty", NEXT_HOP);
        }
        return List.copyOf(hops);
    }

    /** Returns it as the engine takes it. */
    RelayDomain relayDomain(MailDomain name) {
        RelayDomain domain =
                RelayDomain.of(name.toString()).withNextHops(primary).withTlsRequired(requiresTls);
        if (mode.isPresent()) {
            domain = domain.withMode(mode.get());
        }
        if (messageBytes.isPresent()) {
            domain = domain.withMaxMessageBytes(messageBytes.getAsLong());
        }
        if (relay.isPresent()) {
            domain = domain.withRelaySettings(relay.get());
        }
        if (rate.isPresent()) {
            domain = domain.withDeliveryRate(rate.get());
        }
        if (drainOrder.isPresent()) {
            domain = domain.withDrainOrder(drainOrder.get());
        }
        if (schedule.isPresent()) {
            domain = domain.withRetryPolicy(schedule.get().retryPolicy())
                    .withUndelivered(schedule.get().undelivered());
        }
        return recipients.isPresent() ? domain.withRecipients(RecipientPolicy.only(recipients.get())) : domain;
    }
}
