package org.backupmx.relay;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.SmtpReply;

/**
 * Finds the next hops of a destination (RFC 5321 section 5.1, from where a backup MX stands). Thread-safe; never blocks.
 *
 * <ul>
 *   <li>Fixed next hops come first, and the DNS is asked for host names among them only.
 *   <li>Of the mail exchangers, those with our preference or a higher number are cut, so that mail only moves towards
 *       the primary. A mail exchanger is us if its name is ours or any of its addresses is.
 *   <li>Mail exchangers that exist and cannot be used never make way for the domain's own addresses; these take mail
 *       only where there is no MX record at all.
 *   <li>Mail exchangers of equal preference are shuffled. At most {@value #MAX_HOSTS} hosts are used, and at most
 *       {@value #MAX_HOSTS_EXAMINED} are looked up. Of the addresses at most {@value #MAX_ADDRESSES} are used in all, or
 *       {@value #MIN_ADDRESSES} of each host.
 *   <li>A relay domain without a next hop is held, not bounced, in difference to RFC 5321.
 * </ul>
 */
public final class RelayRouter {

    /** The most hosts of a route: {@value}. */
    public static final int MAX_HOSTS = 5;

    /** The most mail exchangers whose addresses are looked up for a route: {@value}. */
    public static final int MAX_HOSTS_EXAMINED = 20;

    /** The most addresses of a route, unless each host would have less than its {@value #MIN_ADDRESSES}: {@value}. */
    public static final int MAX_ADDRESSES = 10;

    /** How many addresses of a host are used whatever the others have: {@value}, one of each family mostly. */
    public static final int MIN_ADDRESSES = 2;

    private final MxResolver resolver;
    private final OwnIdentity identity;
    private final RandomGenerator random;

    /**
     * Makes a router.
     *
     * @param resolver the DNS
     * @param identity by what we know ourselves
     * @param random shuffles equal preferences; thread-safe
     */
    public RelayRouter(MxResolver resolver, OwnIdentity identity, RandomGenerator random) {
        this.resolver = requireNonNull(resolver, "resolver");
        this.identity = requireNonNull(identity, "identity");
        this.random = requireNonNull(random, "random");
    }

    /**
     * Returns the DNS that is asked.
     *
     * @return the resolver
     */
    public MxResolver resolver() {
        return resolver;
    }

    /**
     * Returns this router with another view of the DNS.
     *
     * @param value the DNS
     * @return a copy
     */
    public RelayRouter withResolver(MxResolver value) {
        return new RelayRouter(value, identity, random);
    }

    /**
     * Finds the way to a destination, as it is now.
     *
     * @param destination the destination
     * @return the route; never fails, a resolver's fault is {@link RelayRoute.Retry}; may complete on a thread of the
     *     resolver
     */
    public CompletionStage<RelayRoute> route(Destination destination) {
        requireNonNull(destination, "destination");
        return CompletableFuture.completedFuture(destination)
                .thenCompose(this::find)
                .exceptionally(fault -> new RelayRoute.Retry("the resolver failed: " + fault));
    }

    private CompletionStage<RelayRoute> find(Destination destination) {
        if (!destination.nextHops().isEmpty()) {
            return fixed(destination);
        }
        if (destination.domain().isAddressLiteral()) {
            return CompletableFuture.completedFuture(literal(destination));
        }
        return resolver.lookup(destination.domain()).thenCompose(lookup -> follow(destination, lookup));
    }

    private CompletionStage<RelayRoute> follow(Destination destination, MxLookup lookup) {
        MailDomain domain = destination.domain();
        if (lookup instanceof MxLookup.Found found) {
            return walk(destination, found.exchangers(), false);
        }
        if (lookup instanceof MxLookup.ImplicitMx implicit) {
            return walk(destination, List.of(new MailExchanger(implicit.host(), 0)), true);
        }
        if (lookup instanceof MxLookup.NullMx) {
            return CompletableFuture.completedFuture(without(
                    destination,
                    domain + " has a null MX",
                    SmtpReply.of(556, "5.1.10", "Domain " + domain + " takes no mail")));
        }
        if (lookup instanceof MxLookup.NoSuchDomain) {
            return CompletableFuture.completedFuture(without(
                    destination,
                    domain + " does not exist in the DNS",
                    SmtpReply.of(550, "5.1.2", "Domain " + domain + " does not exist")));
        }
        if (lookup instanceof MxLookup.TemporaryFailure failure) {
            return CompletableFuture.completedFuture(new RelayRoute.Retry("MX of " + domain + ": " + failure.reason()));
        }
        throw new AssertionError(lookup);
    }

    private CompletionStage<RelayRoute> walk(Destination destination, List<MailExchanger> all, boolean isImplicit) {
        int ownPreference = all.stream()
                .filter(exchanger -> identity.isOurs(exchanger.host()))
                .mapToInt(MailExchanger::preference)
                .min()
                .orElse(Integer.MAX_VALUE);
        Set<String> seen = new HashSet<>();
        List<MailExchanger> before = all.stream()
                .filter(exchanger -> exchanger.preference() < ownPreference)
                .sorted(Comparator.comparingInt(MailExchanger::preference).thenComparing(MailExchanger::host))
                .filter(exchanger -> seen.add(exchanger.host()))
                .toList();
        List<MailExchanger> examined = before.subList(0, Math.min(before.size(), MAX_HOSTS_EXAMINED));
        boolean isWhole = examined.size() == before.size()
                || examined.get(examined.size() - 1).preference()
                        != before.get(examined.size()).preference();
        List<List<MailExchanger>> levels = List.copyOf(shuffled(examined).stream()
                .collect(Collectors.groupingBy(MailExchanger::preference, TreeMap::new, Collectors.toList()))
                .values());
        return new MxWalk(destination, identity, resolver, levels, isWhole, ownPreference, isImplicit).start();
    }

    private List<MailExchanger> shuffled(List<MailExchanger> exchangers) {
        List<MailExchanger> shuffled = new ArrayList<>(exchangers);
        for (int i = shuffled.size() - 1; i > 0; i--) {
            Collections.swap(shuffled, i, random.nextInt(i + 1));
        }
        return shuffled;
    }

    private RelayRoute literal(Destination destination) {
        InetAddress address =
                AddressLiteral.parseDomain(destination.domain().toString()).orElseThrow();
        NextHopAddress hop = new NextHopAddress(new NextHop(address.getHostAddress(), NextHop.SMTP_PORT), address);
        // A relay domain was written by the operator, a foreign one by a stranger.
        boolean mayBePrivate = destination.isRelayDomain() || destination.allowsPrivate();
        boolean isOurs = mayBePrivate ? identity.isListed(address) : identity.isOurs(address);
        return isOurs || !(mayBePrivate || PublicAddresses.contains(address))
                ? without(
                        destination,
                        destination.domain() + " is not an address to relay to",
                        SmtpReply.of(550, "5.4.4", "No mail is sent to " + destination.domain()))
                : new RelayRoute.NextHops(List.of(hop), Map.of(hop.nextHop(), 0), List.of());
    }

    private CompletionStage<RelayRoute> fixed(Destination destination) {
        CompletionStage<FixedHops> hops = CompletableFuture.completedFuture(new FixedHops());
        for (NextHop nextHop : destination.nextHops()) {
            Optional<InetAddress> literal = AddressLiteral.parse(nextHop.host());
            if (literal.isPresent()) {
                hops = hops.thenApply(h -> h.add(nextHop, literal.get(), identity));
            } else {
                hops = hops.thenCombine(
                        resolver.addresses(nextHop.host()),
                        (h, answer) -> h.add(nextHop, answer, destination, identity));
            }
        }
        return hops.thenApply(h -> h.route(destination));
    }

    /** What fixed next hops come to; filled one after the other. */
    private static final class FixedHops {
        private final List<List<NextHopAddress>> usable = new ArrayList<>(); // by next hop
        private final List<String> reasons = new ArrayList<>();
        private boolean isUncertain;

        FixedHops add(NextHop nextHop, InetAddress address, OwnIdentity identity) {
            return addAll(nextHop, List.of(address), identity);
        }

        FixedHops add(NextHop nextHop, AddressLookup answer, Destination destination, OwnIdentity identity) {
            if (answer instanceof AddressLookup.Found found) {
                List<InetAddress> allowed = allowed(found.addresses(), destination);
                if (allowed.isEmpty()) {
                    reasons.add(nextHop + ": no public address");
                }
                addAll(nextHop, allowed, identity);
            } else if (answer instanceof AddressLookup.TemporaryFailure failure) {
                isUncertain = true;
                reasons.add(nextHop + ": " + failure.reason());
            } else {
                reasons.add(nextHop + ": no address");
            }
            return this;
        }

        private FixedHops addAll(NextHop nextHop, List<InetAddress> addresses, OwnIdentity identity) {
            List<NextHopAddress> hops = new ArrayList<>(addresses.size());
            for (InetAddress address : addresses) {
                NextHopAddress hop = new NextHopAddress(nextHop, address);
                if (!identity.isListener(hop.socketAddress())) {
                    hops.add(hop);
                }
            }
            if (hops.size() < addresses.size()) {
                reasons.add(nextHop + ": we, or a peer of ours, listen there");
            }
            if (!hops.isEmpty()) {
                usable.add(hops);
            }
            return this;
        }

        RelayRoute route(Destination destination) {
            if (!usable.isEmpty()) {
                return new RelayRoute.NextHops(share(usable), inOrder(destination.nextHops()), reasons);
            }
            String reason = "no fixed next hop of " + destination.domain() + " can be used ("
                    + String.join("; ", reasons) + ")";
            // The operator's mistake is no reason to bounce a foreign domain's mail either.
            return destination.isRelayDomain() && !isUncertain
                    ? new RelayRoute.Hold(reason)
                    : new RelayRoute.Retry(reason);
        }
    }

    /** The order in which an operator wrote them down is their preference. */
    private static Map<NextHop, Integer> inOrder(List<NextHop> nextHops) {
        Map<NextHop, Integer> preferences = new LinkedHashMap<>();
        nextHops.forEach(nextHop -> preferences.putIfAbsent(nextHop, preferences.size()));
        return preferences;
    }

    /** Returns the addresses of all hosts in one row, cut so that no host with many keeps those behind it waiting. */
    static List<NextHopAddress> share(List<List<NextHopAddress>> hosts) {
        int most = MIN_ADDRESSES;
        while (most < MAX_ADDRESSES && count(hosts, most + 1) <= MAX_ADDRESSES) {
            most++;
        }
        List<NextHopAddress> shared = new ArrayList<>();
        for (List<NextHopAddress> host : hosts) {
            shared.addAll(host.subList(0, Math.min(host.size(), most)));
        }
        return shared;
    }

    private static int count(List<List<NextHopAddress>> hosts, int most) {
        int count = 0;
        for (List<NextHopAddress> host : hosts) {
            count += Math.min(host.size(), most);
        }
        return count;
    }

    /** Returns those addresses out of the DNS to which this destination's mail may go. */
    static List<InetAddress> allowed(List<InetAddress> addresses, Destination destination) {
        return addresses.stream()
                .filter(address -> !address.isAnyLocalAddress() && !address.isMulticastAddress())
                .filter(address -> !PublicAddresses.isBroadcast(address))
                .filter(address -> destination.allowsPrivate() || PublicAddresses.contains(address))
                .toList();
    }

    /** Returns the route to a destination that has no next hop: held or refused. */
    static RelayRoute without(Destination destination, String reason, SmtpReply reply) {
        return destination.isRelayDomain() ? new RelayRoute.Hold(reason) : new RelayRoute.Undeliverable(reply);
    }
}
