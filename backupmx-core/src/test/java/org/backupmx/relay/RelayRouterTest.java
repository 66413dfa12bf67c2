package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.MailDomain;
import org.backupmx.testing.FakeMxResolver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RelayRouterTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.org");

    /** What we are: two names, a public IPv4 and IPv6 address, and the private one behind the NAT. */
    private static final OwnIdentity US = OwnIdentity.named("mx2.example", "MX2-old.example.")
            .withAddresses(Set.of(address("9.9.9.2"), address("2620:fe::2"), address("10.9.9.2")))
            .withListeners(List.of(new InetSocketAddress(address("10.9.9.2"), 25)));

    /**
     * Mail exchangers as {@code preference host address...}, {@code !} for a host whose look-up fails and no address for
     * one that does not exist; then the route if the domain is ours to back up, then if it is foreign: hosts in order,
     * or the kind of outcome.
     */
    @ParameterizedTest(name = "{0} -> {1} | {2}")
    @CsvSource(delimiter = '|', textBlock = """
            # the primary and us
            10 p.example 9.9.9.1; 20 mx2.example 9.9.9.2                       | p            | p
            20 mx2.example 9.9.9.2; 10 p.example 9.9.9.1                       | p            | p
            0 p.example 9.9.9.1; 65535 mx2.example 9.9.9.2                     | p            | p
            10 p.example 9.9.9.1; 20 MX2.EXAMPLE 9.9.9.2                       | p            | p
            10 p.example 9.9.9.1; 20 mx2-old.example 9.9.9.77                  | p            | p
            # known by an address only
            10 p.example 9.9.9.1; 20 nick.example 9.9.9.2                      | p            | p
            10 p.example 9.9.9.1; 20 nick.example 9.9.9.7 9.9.9.2              | p            | p
            10 p.example 9.9.9.1; 20 nick.example 2620:fe::2                   | p            | p
            10 p.example 9.9.9.1; 20 nick.example 10.9.9.2                     | p            | p
            10 p.example 9.9.9.1; 20 nick.example 127.0.0.1                    | p            | p
            10 p.example 9.9.9.1; 20 nick.example 127.8.8.8                    | p            | p
            10 p.example 9.9.9.1; 20 nick.example 0.0.0.0                      | p            | p
            10 p.example 9.9.9.1; 20 nick.example ::                           | p            | p
            10 p.example 9.9.9.1; 20 nick.example ::1                          | p            | p
            # worse ones and equals are cut
            10 p.example 9.9.9.1; 20 mx2.example 9.9.9.2; 30 w.example 9.9.9.3 | p            | p
            10 p.example 9.9.9.1; 20 mx2.example 9.9.9.2; 20 e.example 9.9.9.3 | p            | p
            10 p.example 9.9.9.1; 20 nick.example 9.9.9.2; 20 e.example 9.9.9.3 | p           | p
            10 p.example 9.9.9.1; 20 nick.example 9.9.9.2; 30 w.example 9.9.9.3 | p           | p
            10 p.example 9.9.9.1; 20 nick.example 9.9.9.2; 30 mx2.example 9.9.9.2; 25 w.example 9.9.9.3 | p | p
            5 p.example 9.9.9.1; 7 q.example 9.9.9.4; 20 mx2.example 9.9.9.2; 30 w.example 9.9.9.3 | p q | p q
            10 p.example 9.9.9.1; 10 q.example 9.9.9.4; 20 mx2.example 9.9.9.2 | {p q}        | {p q}
            10 p.example 9.9.9.1; 20 mx2.example; 30 w.example 9.9.9.3         | p            | p
            # we are the best, or the only one
            10 mx2.example 9.9.9.2                                             | Hold         | 550 5.4.6
            10 nick.example 9.9.9.2                                            | Hold         | 550 5.4.6
            10 mx2.example 9.9.9.2; 20 w.example 9.9.9.3                       | Hold         | 550 5.4.6
            10 nick.example 9.9.9.2; 10 e.example 9.9.9.3                      | Hold         | 550 5.4.6
            10 mx2.example 9.9.9.2; 10 mx2-old.example 9.9.9.2                 | Hold         | 550 5.4.6
            10 p.example 9.9.9.1; 5 mx2.example 9.9.9.2                        | Hold         | 550 5.4.6
            10 p.example; 20 mx2.example 9.9.9.2                               | Hold         | 550 5.4.6
            10 loop.example 127.0.0.1                                          | Hold         | 550 5.4.6
            # we are not among them
            10 p.example 9.9.9.1                                               | p +note      | p
            10 p.example 9.9.9.1; 20 q.example 9.9.9.4                         | p q +note    | p q
            # exchangers that cannot be used never make way for the domain's own address
            10 p.example                                                       | Hold         | 550 5.4.4
            10 p.example 10.0.0.1                                              | Hold         | 550 5.4.4
            10 p.example 192.168.1.1; 20 mx2.example 9.9.9.2                   | Hold         | 550 5.4.6
            10 p.example 169.254.169.254                                       | Hold         | 550 5.4.4
            10 p.example 192.0.2.1                                             | Hold         | 550 5.4.4
            10 p.example 224.0.0.1 255.255.255.255 2001:db8::1 fe80::1 fd00::1 | Hold         | 550 5.4.4
            10 p.example 64:ff9b::a00:1                                        | Hold         | 550 5.4.4
            10 p.example 10.0.0.1 9.9.9.1; 20 mx2.example 9.9.9.2              | p            | p
            10 *.example 9.9.9.1                                               | Hold         | 550 5.4.4
            10 p.example; 15 q.example 9.9.9.4; 20 mx2.example 9.9.9.2         | q            | q
            # an exchanger that is an address is tolerated
            10 9.9.9.1; 20 mx2.example 9.9.9.2                                 | 9.9.9.1 +note | 9.9.9.1 +note
            10 9.9.9.2; 20 w.example 9.9.9.3                                   | Hold         | 550 5.4.6
            # trouble with look-ups
            10 p.example !; 20 mx2.example 9.9.9.2                             | Retry        | Retry
            10 p.example !                                                     | Retry        | Retry
            10 p.example !; 15 q.example 9.9.9.4; 20 mx2.example 9.9.9.2       | q            | q
            10 p.example 9.9.9.1; 20 u.example !; 30 w.example 9.9.9.3         | p            | p w
            10 u.example !; 20 w.example 9.9.9.3                               | Retry        | w
            10 u.example !; 10 e.example 9.9.9.3                               | Retry        | e
            10 p.example 9.9.9.1; 20 mx2.example !; 30 w.example 9.9.9.3       | p            | p
            10 p.example 9.9.9.1; 20 nick.example 9.9.9.2; 30 u.example !      | p            | p
            # many
            1 a.example 9.9.8.1; 2 b.example 9.9.8.2; 3 c.example 9.9.8.3; 4 d.example 9.9.8.4; 5 e.example 9.9.8.5; 6 f.example 9.9.8.6; 9 mx2.example | a b c d e | a b c d e
            1 a.example; 2 b.example; 3 c.example; 4 d.example; 5 e.example; 6 f.example 9.9.8.6; 9 mx2.example | f | f
            """)
    void tableOfMxSets(String set, String relayed, String foreign) {
        FakeMxResolver dns = zone(set);
        assertThat(describe(route(dns, Destination.relayDomain(DOMAIN)), relayed))
                .isEqualTo(relayed);
        assertThat(describe(route(dns, Destination.foreignDomain(DOMAIN)), foreign))
                .isEqualTo(foreign);
        assertThat(dns.queries()).as("the domain's own addresses").doesNotContain("A example.org");
    }

    private static FakeMxResolver zone(String set) {
        FakeMxResolver dns = new FakeMxResolver().host("example.org", "9.9.9.99");
        List<String> records = new ArrayList<>();
        for (String entry : set.split("; ", -1)) {
            String[] parts = entry.trim().split(" ");
            records.add(parts[0] + " " + parts[1]);
            if (parts.length == 3 && parts[2].equals("!")) {
                dns.host(parts[1], new AddressLookup.TemporaryFailure("SERVFAIL"));
            } else if (parts.length > 2) {
                dns.host(parts[1], List.of(parts).subList(2, parts.length).toArray(String[]::new));
            }
        }
        return dns.mx("example.org", records.toArray(String[]::new));
    }

    /** Writes a route as the table does; {@code {p q}} is what equal ones are written as, in either order. */
    private static String describe(RelayRoute route, String expected) {
        if (route instanceof RelayRoute.Undeliverable undeliverable) {
            return undeliverable.reply().code() + " "
                    + undeliverable.reply().enhanced().orElseThrow();
        }
        if (!(route instanceof RelayRoute.NextHops hops)) {
            return route.getClass().getSimpleName();
        }
        List<String> hosts = hops.addresses().stream()
                .map(hop -> hop.nextHop().host().replace(".example", ""))
                .distinct()
                .toList();
        boolean isEqual = expected.startsWith("{");
        String text =
                isEqual ? hosts.stream().sorted().collect(Collectors.joining(" ", "{", "}")) : String.join(" ", hosts);
        return text + (hops.notes().isEmpty() ? "" : " +note");
    }

    @Test
    void nextHopsAreOnPort25InTurnOfFamilies() {
        FakeMxResolver dns = zone("10 p.example 9.9.9.1 9.9.9.4 2620:fe::9 2620:fe::10; 20 mx2.example");
        assertThat(addresses(route(dns, Destination.relayDomain(DOMAIN))))
                .containsExactly(
                        "p.example:25[2620:fe:0:0:0:0:0:9]",
                        "p.example:25[9.9.9.1]",
                        "p.example:25[2620:fe:0:0:0:0:0:10]",
                        "p.example:25[9.9.9.4]");
    }

    @Test
    void withoutMxTheDomainItselfTakesMail() {
        FakeMxResolver dns = new FakeMxResolver().noMx("example.org").host("example.org", "9.9.9.1");
        assertThat(addresses(route(dns, Destination.relayDomain(DOMAIN)))).containsExactly("example.org:25[9.9.9.1]");
        dns.host("example.org", "9.9.9.2");
        assertThat(route(dns, Destination.relayDomain(DOMAIN))).isInstanceOf(RelayRoute.Hold.class);
        assertThat(describe(route(dns, Destination.foreignDomain(DOMAIN)), "")).isEqualTo("550 5.4.6");
        dns.host("example.org", new AddressLookup.NoSuchHost());
        assertThat(route(dns, Destination.relayDomain(DOMAIN))).isInstanceOf(RelayRoute.Hold.class);
        assertThat(describe(route(dns, Destination.foreignDomain(DOMAIN)), "")).isEqualTo("550 5.4.4");
        dns.host("example.org", new AddressLookup.TemporaryFailure("timeout"));
        assertThat(route(dns, Destination.relayDomain(DOMAIN))).isInstanceOf(RelayRoute.Retry.class);
    }

    @Test
    void whatTheDnsSaysOfADomainBouncesForeignMailOnly() {
        FakeMxResolver dns = new FakeMxResolver();
        assertThat(route(dns, Destination.relayDomain(DOMAIN)))
                .isEqualTo(new RelayRoute.Hold("example.org does not exist in the DNS"));
        assertThat(describe(route(dns, Destination.foreignDomain(DOMAIN)), "")).isEqualTo("550 5.1.2");
        dns.lookup("example.org", new MxLookup.NullMx());
        assertThat(route(dns, Destination.relayDomain(DOMAIN)))
                .isEqualTo(new RelayRoute.Hold("example.org has a null MX"));
        assertThat(describe(route(dns, Destination.foreignDomain(DOMAIN)), "")).isEqualTo("556 5.1.10");
        dns.lookup("example.org", new MxLookup.TemporaryFailure("SERVFAIL"));
        assertThat(route(dns, Destination.relayDomain(DOMAIN)))
                .isEqualTo(new RelayRoute.Retry("MX of example.org: SERVFAIL"));
        assertThat(route(dns, Destination.foreignDomain(DOMAIN))).isInstanceOf(RelayRoute.Retry.class);
    }

    @Test
    void privateAddressesFromTheDnsNeedLeave() {
        FakeMxResolver dns = zone("10 p.example 127.0.0.50 10.0.0.5; 20 nick.example 10.9.9.2; 30 w.example 9.9.9.3");
        assertThat(addresses(route(dns, Destination.relayDomain(DOMAIN).withPrivate(true))))
                .containsExactly("p.example:25[127.0.0.50]", "p.example:25[10.0.0.5]");
    }

    @Test
    void fixedNextHopsNeedNoDnsIfTheyAreAddresses() {
        MxResolver dns = new BrokenResolver();
        Destination destination = Destination.relayDomain(DOMAIN)
                .withNextHops(List.of(NextHop.parse("127.0.0.50:2500"), NextHop.parse("[fd00::1]:2501")));
        assertThat(addresses(route(dns, destination)))
                .containsExactly("127.0.0.50:2500[127.0.0.50]", "[fd00::1]:2501[fd00:0:0:0:0:0:0:1]");
    }

    @Test
    void fixedNextHopsByNameAreLookedUpAsHostsInTheOrderGiven() {
        FakeMxResolver dns = new FakeMxResolver()
                .host("b.example", "9.9.9.5")
                .host("a.example", "9.9.9.4", "10.0.0.4")
                .mx("example.org", "10 p.example");
        Destination destination = Destination.relayDomain(DOMAIN)
                .withNextHops(List.of(
                        NextHop.parse("b.example:26"), NextHop.parse("gone.example"), NextHop.parse("a.example")));
        RelayRoute route = route(dns, destination);
        assertThat(addresses(route)).containsExactly("b.example:26[9.9.9.5]", "a.example:25[9.9.9.4]");
        assertThat(((RelayRoute.NextHops) route).notes()).containsExactly("gone.example:25: no address");
        assertThat(dns.queries()).containsExactly("A b.example", "A gone.example", "A a.example");
    }

    @Test
    void fixedNextHopsThatFailHoldOrRetry() {
        FakeMxResolver dns = new FakeMxResolver().host("lan.example", "10.0.0.4");
        for (String host : List.of("lan.example", "gone.example", "10.9.9.2:25")) {
            List<NextHop> hops = List.of(NextHop.parse(host));
            assertThat(route(dns, Destination.relayDomain(DOMAIN).withNextHops(hops)))
                    .as(host)
                    .isInstanceOf(RelayRoute.Hold.class);
            assertThat(route(dns, Destination.foreignDomain(DOMAIN).withNextHops(hops)))
                    .as(host)
                    .isInstanceOf(RelayRoute.Retry.class);
        }
        dns.host("gone.example", new AddressLookup.TemporaryFailure("SERVFAIL"));
        assertThat(route(dns, Destination.relayDomain(DOMAIN).withNextHops(List.of(NextHop.parse("gone.example")))))
                .isInstanceOf(RelayRoute.Retry.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:2525", "10.9.9.2:2525", "[::1]:2525"})
    void aFixedNextHopIsNeverOurOwnListener(String hop) {
        OwnIdentity everywhere = US.withListeners(List.of(new InetSocketAddress(address("0.0.0.0"), 2525)));
        RelayRouter router = new RelayRouter(new FakeMxResolver(), everywhere, new Random(1));
        Destination destination = Destination.relayDomain(DOMAIN).withNextHops(List.of(NextHop.parse(hop)));
        assertThat(router.route(destination).toCompletableFuture().join()).isInstanceOf(RelayRoute.Hold.class);
        Destination otherPort =
                Destination.relayDomain(DOMAIN).withNextHops(List.of(NextHop.parse(hop.replace("2525", "2526"))));
        assertThat(router.route(otherPort).toCompletableFuture().join()).isInstanceOf(RelayRoute.NextHops.class);
    }

    @Test
    void addressLiterals() {
        FakeMxResolver dns = new FakeMxResolver();
        assertThat(addresses(route(dns, Destination.foreignDomain(MailDomain.of("[9.9.9.1]")))))
                .containsExactly("9.9.9.1:25[9.9.9.1]");
        assertThat(describe(route(dns, Destination.foreignDomain(MailDomain.of("[10.0.0.1]"))), ""))
                .isEqualTo("550 5.4.4");
        assertThat(addresses(route(dns, Destination.relayDomain(MailDomain.of("[IPv6:fd00::1]")))))
                .hasSize(1);
        assertThat(route(dns, Destination.relayDomain(MailDomain.of("[9.9.9.2]"))))
                .isInstanceOf(RelayRoute.Hold.class);
        assertThat(dns.queries()).isEmpty();
    }

    @Test
    void equalPreferencesAreShuffledAndHostsStayTogether() {
        FakeMxResolver dns = zone("10 a.example 9.9.8.1 9.9.8.2; 10 b.example 9.9.8.3 9.9.8.4; 20 mx2.example");
        RelayRouter router = new RelayRouter(dns, US, new Random(42));
        Set<String> orders = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            RelayRoute route = router.route(Destination.relayDomain(DOMAIN))
                    .toCompletableFuture()
                    .join();
            orders.add(((RelayRoute.NextHops) route)
                    .addresses().stream().map(hop -> hop.nextHop().host()).collect(Collectors.joining(" ")));
        }
        assertThat(orders)
                .containsExactlyInAnyOrder(
                        "a.example a.example b.example b.example", "b.example b.example a.example a.example");
    }

    @Test
    void aHugeSetCostsABoundedNumberOfLookUps() {
        FakeMxResolver dns = new FakeMxResolver();
        List<MailExchanger> many = new ArrayList<>();
        for (int i = 0; i < MxLookup.MAX_EXCHANGERS; i++) {
            many.add(new MailExchanger("h" + i + ".example", 10));
        }
        dns.lookup("example.org", new MxLookup.Found(many));
        assertThat(route(dns, Destination.foreignDomain(DOMAIN))).isInstanceOf(RelayRoute.Undeliverable.class);
        assertThat(dns.queries()).hasSize(1 + RelayRouter.MAX_HOSTS_EXAMINED);
    }

    @Test
    void amongMoreEqualsThanAreLookedUpWeMayBeOne() {
        FakeMxResolver dns = new FakeMxResolver();
        List<MailExchanger> many = new ArrayList<>();
        for (int i = 0; i <= RelayRouter.MAX_HOSTS_EXAMINED; i++) {
            many.add(new MailExchanger("h" + i + ".example", 10));
            dns.host("h" + i + ".example", "9.9.8." + i);
        }
        dns.lookup("example.org", new MxLookup.Found(many));
        assertThat(route(dns, Destination.relayDomain(DOMAIN)))
                .isEqualTo(new RelayRoute.Hold("no mail exchanger of example.org can be used"
                        + " (too many mail exchangers of preference 10 to find ourselves among them)"));
        many.add(new MailExchanger("mx2.example", 20));
        dns.lookup("example.org", new MxLookup.Found(many));
        assertThat(route(dns, Destination.relayDomain(DOMAIN))).isInstanceOf(RelayRoute.NextHops.class);
        many.add(new MailExchanger("best.example", 5));
        many.remove(many.size() - 2);
        dns.lookup("example.org", new MxLookup.Found(many)).host("best.example", "9.9.9.1");
        assertThat(addresses(route(dns, Destination.relayDomain(DOMAIN)))).containsExactly("best.example:25[9.9.9.1]");
    }

    @Test
    void thePrimaryIsTheSameWhicheverOfItsHostsAreUsed() {
        FakeMxResolver dns = new FakeMxResolver();
        List<MailExchanger> many = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            many.add(new MailExchanger("h" + i + ".example", 10));
            dns.host("h" + i + ".example", "9.9.8." + i);
        }
        many.add(new MailExchanger("gone.example", 10));
        many.add(new MailExchanger("mx2.example", 20));
        many.add(new MailExchanger("worse.example", 30));
        dns.lookup("example.org", new MxLookup.Found(many));
        Set<List<NextHop>> primaries = new HashSet<>();
        Set<List<NextHopAddress>> ways = new HashSet<>();
        RelayRouter router = new RelayRouter(dns, US, new Random(42));
        for (int i = 0; i < 50; i++) {
            RelayRoute.NextHops route = (RelayRoute.NextHops) router.route(Destination.relayDomain(DOMAIN))
                    .toCompletableFuture()
                    .join();
            ways.add(route.addresses());
            primaries.add(route.primary());
            assertThat(route.equalsOf(route.addresses().get(0))).hasSize(RelayRouter.MAX_HOSTS - 1);
        }
        assertThat(ways).hasSizeGreaterThan(10);
        assertThat(primaries).hasSize(1);
        assertThat(primaries.iterator().next())
                .hasSize(9)
                .extracting(NextHop::host)
                .doesNotContain("mx2.example");
    }

    @ParameterizedTest(name = "hosts of {0} addresses -> {1}")
    @CsvSource({
        "12, 10",
        "1 12, 1 9",
        "12 12, 5 5",
        "12 1 12, 4 1 4",
        "12 12 12 12 12, 2 2 2 2 2",
        "1 1 1 1 12, 1 1 1 1 6"
    })
    void tenAddressesAreSharedAmongHosts(String has, String used) {
        FakeMxResolver dns = new FakeMxResolver();
        List<String> records = new ArrayList<>();
        for (String count : has.split(" ", -1)) {
            String host = "h" + records.size() + ".example";
            records.add(records.size() + " " + host);
            String network = "9.9." + records.size() + ".";
            dns.host(
                    host,
                    IntStream.range(0, Integer.parseInt(count))
                            .mapToObj(i -> network + i)
                            .toArray(String[]::new));
        }
        records.add("99 mx2.example");
        dns.mx("example.org", records.toArray(String[]::new));
        RelayRoute.NextHops route = (RelayRoute.NextHops) route(dns, Destination.relayDomain(DOMAIN));
        Map<String, Long> counts = route.addresses().stream()
                .collect(Collectors.groupingBy(hop -> hop.nextHop().host(), LinkedHashMap::new, Collectors.counting()));
        assertThat(counts.values().stream().map(String::valueOf).collect(Collectors.joining(" ")))
                .isEqualTo(used);
    }

    @Test
    void nobodyMayAllowBroadcastOrWildcard() {
        FakeMxResolver dns = zone("10 p.example 255.255.255.255 0.0.0.0 :: 224.0.0.1; 20 w.example 10.0.0.5");
        assertThat(addresses(route(dns, Destination.relayDomain(DOMAIN).withPrivate(true))))
                .containsExactly("w.example:25[10.0.0.5]");
    }

    @Test
    void aBrokenResolverIsTriedAgain() {
        assertThat(route(new BrokenResolver(), Destination.relayDomain(DOMAIN))).isInstanceOf(RelayRoute.Retry.class);
        MxResolver failing = new BrokenResolver() {
            @Override
            public CompletionStage<MxLookup> lookup(MailDomain domain) {
                return CompletableFuture.failedFuture(new IllegalStateException("broken"));
            }
        };
        assertThat(route(failing, Destination.foreignDomain(DOMAIN))).isInstanceOf(RelayRoute.Retry.class);
    }

    private static class BrokenResolver implements MxResolver {
        @Override
        public CompletionStage<MxLookup> lookup(MailDomain domain) {
            throw new IllegalStateException("asked for " + domain);
        }

        @Override
        public CompletionStage<AddressLookup> addresses(String host) {
            throw new IllegalStateException("asked for " + host);
        }
    }

    private static RelayRoute route(MxResolver dns, Destination destination) {
        RandomGenerator random = new Random(7);
        return new RelayRouter(dns, US, random)
                .route(destination)
                .toCompletableFuture()
                .join();
    }

    private static List<String> addresses(RelayRoute route) {
        assertThat(route).isInstanceOf(RelayRoute.NextHops.class);
        return ((RelayRoute.NextHops) route)
                .addresses().stream().map(Object::toString).toList();
    }

    private static InetAddress address(String text) {
        return AddressLiteral.parse(text).orElseThrow();
    }
}
