package org.backupmx.internal.queue;

import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelayRoute;

/**
 * Where the primary of a relay domain was when it could be found last. Immutable and thread-safe.
 *
 * @param at when the way was found
 * @param isFixed whether an operator wrote its next hops down; else they are mail exchangers
 * @param demandsTls whether the domain's settings had mail go by TLS or not at all
 * @param hosts its hosts, the most preferred first
 */
record LastGoodRoute(Instant at, boolean isFixed, boolean demandsTls, List<Host> hosts) {

    /** The most addresses of a host that are kept. */
    static final int MOST_ADDRESSES = 8;

    /**
     * One host of it.
     *
     * @param nextHop its name and port
     * @param preference lower is preferred
     * @param at when it had these addresses
     * @param addresses its addresses in the order to try them; empty if it was not used
     */
    record Host(NextHop nextHop, int preference, Instant at, List<InetAddress> addresses) {

        Host {
            addresses = List.copyOf(addresses);
        }

        private Host orOld(LastGoodRoute before, Instant now) {
            return !addresses.isEmpty()
                    ? this
                    : before.hosts().stream()
                            .filter(old -> old.nextHop.equals(nextHop)
                                    && old.at.plus(KeptLines.KEEP).isAfter(now))
                            .map(old -> new Host(nextHop, preference, old.at, old.addresses))
                            .findFirst()
                            .orElse(this);
        }

        private boolean isSame(Host other) {
            return nextHop.equals(other.nextHop)
                    && preference == other.preference
                    && addresses.size() == other.addresses.size()
                    && addresses.containsAll(other.addresses);
        }
    }

    LastGoodRoute {
        hosts = List.copyOf(hosts);
    }

    static LastGoodRoute of(RelayRoute.NextHops hops, boolean isFixed, boolean demandsTls, Instant at) {
        Map<NextHop, List<InetAddress>> addresses = new HashMap<>();
        for (NextHopAddress hop : hops.addresses()) {
            List<InetAddress> known = addresses.computeIfAbsent(hop.nextHop(), unknown -> new ArrayList<>());
            if (known.size() < MOST_ADDRESSES) {
                known.add(hop.address());
            }
        }
        return new LastGoodRoute(
                at,
                isFixed,
                demandsTls,
                hops.preferences().entrySet().stream()
                        .map(entry -> new Host(
                                entry.getKey(),
                                entry.getValue(),
                                at,
                                addresses.getOrDefault(entry.getKey(), List.of())))
                        .sorted(Comparator.comparingInt(Host::preference)
                                .thenComparing(host -> host.nextHop().toString()))
                        .toList());
    }

    /** Returns this with what was known before of hosts that are still there and were not used this time. */
    LastGoodRoute with(LastGoodRoute before) {
        return new LastGoodRoute(
                at,
                isFixed,
                demandsTls,
                hosts.stream().map(host -> host.orOld(before, at)).toList());
    }

    /** Tells whether it is the same way, whenever it was found and in whatever order its addresses came. */
    boolean isSame(LastGoodRoute other) {
        if (isFixed != other.isFixed || demandsTls != other.demandsTls || hosts.size() != other.hosts.size()) {
            return false;
        }
        for (int i = 0; i < hosts.size(); i++) {
            if (!hosts.get(i).isSame(other.hosts.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** Returns its hosts as the domain's mail exchangers. */
    MxLookup exchangers() {
        return new MxLookup.Found(hosts.stream()
                .map(host -> new MailExchanger(host.nextHop().host(), host.preference()))
                .toList());
    }

    /** Returns its hosts as fixed next hops, none if they are mail exchangers. */
    List<NextHop> fixed() {
        return isFixed ? hosts.stream().map(Host::nextHop).toList() : List.of();
    }

    /** Returns the addresses that a host had, if that is not too long ago. */
    Optional<List<InetAddress>> addresses(String host, Instant now) {
        return hosts.stream()
                .filter(known -> known.nextHop().host().equals(host)
                        && !known.addresses().isEmpty()
                        && known.at().plus(KeptLines.KEEP).isAfter(now))
                .map(Host::addresses)
                .findFirst();
    }

    /** Tells whether the most preferred hosts of a route are all in networks in which this one has no host. */
    boolean isElsewhere(RelayRoute.NextHops hops) {
        int best = hops.addresses().stream().mapToInt(hops::preference).min().orElseThrow();
        return hops.addresses().stream()
                .filter(hop -> hops.preference(hop) == best)
                .noneMatch(hop -> hosts.stream()
                        .flatMap(host -> host.addresses().stream())
                        .anyMatch(known -> isNear(known, hop.address())));
    }

    /** Tells whether two addresses are in one /24, or one /48. */
    private static boolean isNear(InetAddress one, InetAddress other) {
        byte[] a = one.getAddress();
        byte[] b = other.getAddress();
        int octets = a.length == 4 ? 3 : 6;
        return a.length == b.length && Arrays.equals(a, 0, octets, b, 0, octets);
    }
}
