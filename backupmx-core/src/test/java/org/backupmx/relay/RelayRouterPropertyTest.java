package org.backupmx.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.mail.MailDomain;
import org.backupmx.testing.FakeMxResolver;

/** Whatever the DNS says: mail moves towards the primary, to public addresses, and never comes to us. */
class RelayRouterPropertyTest {

    private static final InetAddress OURS = AddressLiteral.parse("9.9.9.2").orElseThrow();
    private static final OwnIdentity US = OwnIdentity.named("h2.example").withAddresses(Set.of(OURS));

    /** A mail exchanger and what its look-up says. */
    record Exchanger(int host, int preference, AddressLookup answer) {
        MailExchanger mx() {
            return new MailExchanger("h" + host + ".example", preference);
        }

        boolean isUs() {
            return host == 2
                    || (answer instanceof AddressLookup.Found found
                            && found.addresses().stream().anyMatch(US::isOurs));
        }
    }

    @Provide
    Arbitrary<List<Exchanger>> exchangers() {
        Arbitrary<InetAddress> addresses = Arbitraries.of(
                        "9.9.9.1", "9.9.9.2", "9.9.9.3", "10.0.0.1", "127.0.0.1", "192.0.2.7", "2620:fe::9", "fe80::1")
                .map(text -> AddressLiteral.parse(text).orElseThrow());
        Arbitrary<AddressLookup> answers = Arbitraries.frequencyOf(
                Tuple.of(6, addresses.list().ofMinSize(1).ofMaxSize(3).map(AddressLookup.Found::new)),
                Tuple.of(1, Arbitraries.just(new AddressLookup.NoSuchHost())),
                Tuple.of(1, Arbitraries.just(new AddressLookup.TemporaryFailure("SERVFAIL"))));
        return Combinators.combine(
                        Arbitraries.integers().between(0, 30),
                        Arbitraries.integers().between(0, 6),
                        answers)
                .as(Exchanger::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(12)
                .uniqueElements(Exchanger::host);
    }

    @Property(tries = 1000)
    void mailMovesTowardsThePrimary(@ForAll("exchangers") List<Exchanger> exchangers, @ForAll long seed) {
        for (boolean isRelayDomain : new boolean[] {true, false}) {
            Destination destination = new Destination(MailDomain.of("example.org"), isRelayDomain, List.of(), false);
            RelayRoute route = new RelayRouter(zone(exchangers), US, new Random(seed))
                    .route(destination)
                    .toCompletableFuture()
                    .join();
            int cut = exchangers.stream()
                    .filter(Exchanger::isUs)
                    .mapToInt(Exchanger::preference)
                    .min()
                    .orElse(Integer.MAX_VALUE);
            if (route instanceof RelayRoute.NextHops hops) {
                check(hops, exchangers, cut);
            }
            assertThat(route instanceof RelayRoute.Undeliverable && isRelayDomain)
                    .isFalse();
            assertThat(route instanceof RelayRoute.Hold && !isRelayDomain).isFalse();
            boolean allKnown =
                    exchangers.stream().noneMatch(one -> one.answer() instanceof AddressLookup.TemporaryFailure);
            boolean some = exchangers.stream()
                    .anyMatch(one -> one.preference() < cut
                            && one.answer() instanceof AddressLookup.Found found
                            && found.addresses().stream().anyMatch(PublicAddresses::contains));
            if (allKnown) {
                assertThat(route instanceof RelayRoute.NextHops).isEqualTo(some);
            }
        }
    }

    private static void check(RelayRoute.NextHops hops, List<Exchanger> exchangers, int cut) {
        List<Integer> preferences = new ArrayList<>();
        for (NextHopAddress hop : hops.addresses()) {
            assertThat(PublicAddresses.contains(hop.address())).isTrue();
            assertThat(US.isOurs(hop.address())).isFalse();
            assertThat(hop.nextHop().port()).isEqualTo(25);
            preferences.add(exchangers.stream()
                    .filter(one -> one.mx().host().equals(hop.nextHop().host()))
                    .findFirst()
                    .orElseThrow()
                    .preference());
        }
        assertThat(preferences).isSorted().allMatch(preference -> preference < cut);
        assertThat(hops.addresses().stream().map(NextHopAddress::nextHop).distinct())
                .hasSizeLessThanOrEqualTo(RelayRouter.MAX_HOSTS);
    }

    private static FakeMxResolver zone(List<Exchanger> exchangers) {
        FakeMxResolver dns = new FakeMxResolver();
        dns.lookup(
                "example.org",
                new MxLookup.Found(exchangers.stream().map(Exchanger::mx).toList()));
        exchangers.forEach(one -> dns.host(one.mx().host(), one.answer()));
        return dns;
    }
}
