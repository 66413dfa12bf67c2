package org.backupmx.internal.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MailExchanger;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.mail.MailDomain;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

class DnsJavaMxResolverTest {

    private final AtomicLong nanos = new AtomicLong();
    private DnsServer dns;
    private MxResolver resolver;

    @BeforeEach
    void start() throws IOException {
        dns = new DnsServer();
        resolver = resolver(Duration.ofSeconds(5), dns.address());
    }

    @AfterEach
    void stop() throws IOException {
        dns.close();
    }

    private MxResolver resolver(Duration timeout, InetSocketAddress... servers) {
        Ticker ticker = nanos::get;
        return new DnsJavaMxResolver(List.of(servers), timeout.dividedBy(4), timeout, ticker);
    }

    private static MxLookup mx(MxResolver resolver, String domain) {
        return resolver.lookup(MailDomain.of(domain)).toCompletableFuture().join();
    }

    private MxLookup mx(String domain) {
        return mx(resolver, domain);
    }

    private AddressLookup addresses(String host) {
        return resolver.addresses(host).toCompletableFuture().join();
    }

    private static MxLookup found(MailExchanger... exchangers) {
        return new MxLookup.Found(List.of(exchangers));
    }

    @Test
    void exchangersComeMostPreferredFirstInLowerCase() {
        dns.add("example.org", Type.MX, "20 MX2.Example.NET.");
        dns.add("example.org", Type.MX, "10 mx1.example.net.");
        assertThat(mx("Example.ORG"))
                .isEqualTo(found(new MailExchanger("mx1.example.net", 10), new MailExchanger("mx2.example.net", 20)));
    }

    @Test
    void theRootAloneIsTheNullMxAndAmongOthersNothing() {
        dns.add("null.example", Type.MX, "0 .");
        dns.add("mixed.example", Type.MX, "0 .").add("mixed.example", Type.MX, "10 mx1.example.net.");
        assertThat(mx("null.example")).isEqualTo(new MxLookup.NullMx());
        assertThat(mx("mixed.example")).isEqualTo(found(new MailExchanger("mx1.example.net", 10)));
    }

    @Test
    void noDataIsImplicitMxAndNxdomainIsNoSuchDomain() {
        dns.exists("example.org");
        assertThat(mx("example.org")).isEqualTo(new MxLookup.ImplicitMx("example.org"));
        assertThat(mx("gone.example")).isEqualTo(new MxLookup.NoSuchDomain());
    }

    @ParameterizedTest
    @ValueSource(ints = {Rcode.SERVFAIL, Rcode.REFUSED, Rcode.FORMERR, Rcode.NOTIMP})
    void failuresOfTheServerAreTemporary(int rcode) {
        dns.fail("example.org", rcode);
        assertThat(mx("example.org")).isInstanceOf(MxLookup.TemporaryFailure.class);
        assertThat(addresses("example.org")).isInstanceOf(AddressLookup.TemporaryFailure.class);
    }

    @Test
    void aServerThatIsNotThereOrSaysNothingIsATemporaryFailure() throws IOException {
        InetSocketAddress dead;
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            dead = (InetSocketAddress) socket.getLocalSocketAddress();
        }
        assertThat(mx(resolver(Duration.ofSeconds(5), dead), "example.org"))
                .isInstanceOf(MxLookup.TemporaryFailure.class);
        dns.silent("example.org");
        assertThat(mx(resolver(Duration.ofMillis(400), dns.address()), "example.org"))
                .isInstanceOf(MxLookup.TemporaryFailure.class);
    }

    @Test
    void theNextServerIsAskedWhenOneIsSilent() throws IOException {
        try (DnsServer first = new DnsServer()) {
            first.silent("example.org");
            dns.add("example.org", Type.MX, "10 mx1.example.net.");
            assertThat(mx(resolver(Duration.ofSeconds(2), first.address(), dns.address()), "example.org"))
                    .isEqualTo(found(new MailExchanger("mx1.example.net", 10)));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Rcode.SERVFAIL, Rcode.REFUSED, Rcode.FORMERR, Rcode.NOTIMP})
    void theNextServerIsAskedWhenOneFails(int rcode) throws IOException {
        try (DnsServer first = new DnsServer()) {
            first.fail("example.org", rcode);
            dns.add("example.org", Type.MX, "10 mx1.example.net.");
            MxResolver two = resolver(Duration.ofSeconds(5), first.address(), dns.address());
            assertThat(mx(two, "example.org")).isEqualTo(found(new MailExchanger("mx1.example.net", 10)));
            assertThat(mx(two, "gone.example"))
                    .as("what one server says is not asked of another")
                    .isEqualTo(new MxLookup.NoSuchDomain());
            assertThat(first.queries().size() + dns.queries().size()).isEqualTo(3);
        }
    }

    @Test
    void whenAllServersFailTheReasonOfOneIsNamed() throws IOException {
        try (DnsServer other = new DnsServer()) {
            other.bogus("example.org");
            dns.bogus("example.org");
            assertThat(mx(resolver(Duration.ofSeconds(5), other.address(), dns.address()), "example.org"))
                    .isInstanceOfSatisfying(
                            MxLookup.TemporaryFailure.class,
                            failure -> assertThat(failure.reason()).contains("DNSSEC_BOGUS"));
        }
    }

    @Test
    void eightCnamesAreFollowedAndNoMore() {
        for (int i = 0; i < 12; i++) {
            dns.add("c" + i + ".example", Type.CNAME, "c" + (i + 1) + ".example.");
        }
        dns.add("c12.example", Type.MX, "10 mx1.example.net.");
        assertThat(mx("c4.example")).isEqualTo(found(new MailExchanger("mx1.example.net", 10)));
        assertThat(mx("c3.example")).isInstanceOf(MxLookup.TemporaryFailure.class);
        dns.add("loop.example", Type.CNAME, "pool.example.").add("pool.example", Type.CNAME, "loop.example.");
        assertThat(mx("loop.example")).isInstanceOf(MxLookup.TemporaryFailure.class);
    }

    @Test
    void aCnameToNothing() {
        dns.add("alias.example", Type.CNAME, "real.example.").exists("real.example");
        assertThat(mx("alias.example")).isEqualTo(new MxLookup.ImplicitMx("alias.example"));
        dns.add("dangling.example", Type.CNAME, "gone.example.");
        assertThat(mx("dangling.example")).isEqualTo(new MxLookup.NoSuchDomain());
    }

    @Test
    void aTruncatedAnswerIsAskedForOverTcpAndKeptWhole() {
        for (int i = 0; i < MxLookup.MAX_EXCHANGERS; i++) {
            dns.add("many.example", Type.MX, (3000 - i) + " h" + i + ".example.");
        }
        MxLookup.Found many = (MxLookup.Found) mx("many.example");
        assertThat(many.exchangers()).hasSize(MxLookup.MAX_EXCHANGERS);
        assertThat(many.exchangers().get(0)).isEqualTo(new MailExchanger("h499.example", 2501));
        assertThat(dns.queries()).containsExactly("udp many.example MX", "tcp many.example MX");
    }

    @Test
    void anAnswerOfTooManyRecordsIsNone() {
        for (int i = 0; i <= MxLookup.MAX_EXCHANGERS; i++) {
            dns.add("many.example", Type.MX, "10 h" + i + ".example.");
        }
        assertThat(mx("many.example")).isEqualTo(new MxLookup.TemporaryFailure("IOException: answer of 501 records"));
    }

    @Test
    void anAnswerThatIsTruncatedOverTcpAsWellIsNone() {
        for (int i = 0; i < 5000; i++) {
            dns.add("many.example", Type.MX, "10 h" + i + ".example.");
        }
        MxResolver patient =
                resolver(Duration.ofMinutes(2), dns.address()); // the server's work is not to look like loss
        assertThat(mx(patient, "many.example"))
                .isEqualTo(new MxLookup.TemporaryFailure("IOException: answer truncated over TCP"));
        assertThat(mx(patient, "many.example"))
                .isEqualTo(new MxLookup.TemporaryFailure("IOException: answer truncated over TCP"));
        // a connection that the server has just closed costs one more question by UDP
        assertThat(dns.queries())
                .as("a failure is not remembered")
                .filteredOn(query -> query.startsWith("tcp"))
                .containsExactly("tcp many.example MX", "tcp many.example MX");
    }

    @Test
    void udpAnswersAreAskedForInASizeThatNeedsNoFragments() {
        mx("example.org");
        assertThat(dns.payloads()).containsExactly(1232);
    }

    @Test
    void aBogusSignatureIsNamed() {
        dns.bogus("example.org");
        assertThat(mx("example.org"))
                .isInstanceOfSatisfying(
                        MxLookup.TemporaryFailure.class,
                        failure -> assertThat(failure.reason()).contains("DNSSEC_BOGUS"));
    }

    @Test
    void theAnswerToAnotherQuestionIsNone() {
        dns.add("evil.example", Type.MX, "10 mx.evil.example.").confused("example.org", "evil.example");
        assertThat(mx(resolver(Duration.ofMillis(400), dns.address()), "example.org"))
                .isInstanceOf(MxLookup.TemporaryFailure.class);
    }

    @Test
    void anAnswerWithAnotherIdIsNone() {
        dns.add("example.org", Type.MX, "10 mx1.example.net.").damage(wire -> {
            wire[0] ^= 0x55;
            return wire;
        });
        assertThat(mx(resolver(Duration.ofMillis(400), dns.address()), "example.org"))
                .isInstanceOf(MxLookup.TemporaryFailure.class);
    }

    @Test
    void addressesOfBothFamiliesComeInTurn() throws IOException {
        dns.add("h.example", Type.A, "9.9.9.1").add("h.example", Type.A, "9.9.9.2");
        dns.add("h.example", Type.AAAA, "2620:fe::1").add("h.example", Type.AAAA, "2620:fe::2");
        assertThat(((AddressLookup.Found) addresses("H.example"))
                        .addresses().stream().map(InetAddress::getHostAddress))
                .containsExactly("2620:fe:0:0:0:0:0:1", "9.9.9.1", "2620:fe:0:0:0:0:0:2", "9.9.9.2");
    }

    @Test
    void addressesAreBoundedInTurnOfBothFamilies() {
        for (int i = 1; i <= 150; i++) {
            dns.add("big.example", Type.A, "9.9.9." + i).add("big.example", Type.AAAA, "2620:fe::" + i);
        }
        List<InetAddress> kept = ((AddressLookup.Found) addresses("big.example")).addresses();
        assertThat(kept).hasSize(AddressLookup.MAX_ADDRESSES);
        assertThat(kept.stream().filter(Inet4Address.class::isInstance)).hasSize(AddressLookup.MAX_ADDRESSES / 2);
    }

    @Test
    void aHostWithoutAddressIsNoSuchHost() {
        dns.exists("bare.example");
        for (String host : List.of("bare.example", "gone.example", "a..b", "x".repeat(64), "\\")) {
            assertThat(addresses(host)).as(host).isEqualTo(new AddressLookup.NoSuchHost());
        }
    }

    @Test
    void aV4MappedAddressIsTheV4OneAndCountsOnce() throws IOException {
        dns.add("mapped.example", Type.AAAA, "::ffff:9.9.9.9").add("mapped.example", Type.A, "9.9.9.9");
        assertThat(addresses("mapped.example"))
                .isEqualTo(new AddressLookup.Found(List.of(InetAddress.getByName("9.9.9.9"))));
    }

    @Test
    void oneFamilyIsEnough() {
        dns.add("six.example", Type.AAAA, "2620:fe::1").add("four.example", Type.A, "9.9.9.1");
        assertThat(addresses("six.example")).isInstanceOf(AddressLookup.Found.class);
        assertThat(addresses("four.example")).isInstanceOf(AddressLookup.Found.class);
        dns.add("alias.example", Type.CNAME, "four.example.");
        assertThat(addresses("alias.example"))
                .isEqualTo(
                        new AddressLookup.Found(((AddressLookup.Found) addresses("four.example")).addresses(), true));
    }

    @Test
    void anAddressLiteralIsNotLookedUp() {
        assertThat(mx("[192.0.2.1]")).isEqualTo(new MxLookup.NoSuchDomain());
        assertThat(dns.queries()).isEmpty();
    }

    private long queriesWhenAskedAfter(Duration age) {
        long before = dns.queries().size();
        nanos.addAndGet(age.toNanos());
        mx("example.org");
        return dns.queries().size() - before;
    }

    @Test
    void answersServeForTheirTimeToLiveWithinBounds() {
        dns.add("example.org", 100, Type.MX, "10 mx1.example.net.");
        assertThat(queriesWhenAskedAfter(Duration.ZERO)).isEqualTo(1);
        assertThat(queriesWhenAskedAfter(Duration.ofSeconds(99))).isZero();
        assertThat(queriesWhenAskedAfter(Duration.ofSeconds(2))).isEqualTo(1);
    }

    @Test
    void aShortTimeToLiveIsSixtySecondsAndALongOneADay() {
        dns.add("example.org", 0, Type.MX, "10 mx1.example.net.");
        assertThat(queriesWhenAskedAfter(Duration.ZERO)).isEqualTo(1);
        assertThat(queriesWhenAskedAfter(Duration.ofSeconds(59))).isZero();
        dns.add("example.org", 1_000_000, Type.MX, "20 mx2.example.net.");
        dns.add("long.example", 1_000_000, Type.MX, "10 mx1.example.net.");
        mx("long.example");
        nanos.addAndGet(Duration.ofHours(23).toNanos());
        mx("long.example");
        assertThat(Collections.frequency(dns.queries(), "udp long.example MX")).isEqualTo(1);
        nanos.addAndGet(Duration.ofHours(2).toNanos());
        mx("long.example");
        assertThat(Collections.frequency(dns.queries(), "udp long.example MX")).isEqualTo(2);
    }

    @Test
    void thatThereIsNothingServesByTheSoaForAnHourAtMost() {
        dns.negativeTtl(100);
        assertThat(queriesWhenAskedAfter(Duration.ZERO)).isEqualTo(1);
        assertThat(queriesWhenAskedAfter(Duration.ofSeconds(99))).isZero();
        dns.negativeTtl(100_000);
        assertThat(queriesWhenAskedAfter(Duration.ofSeconds(2))).isEqualTo(1);
        assertThat(queriesWhenAskedAfter(Duration.ofMinutes(59))).isZero();
        assertThat(queriesWhenAskedAfter(Duration.ofMinutes(2))).isEqualTo(1);
    }

    @Test
    void anAliasThatLeadsToNothingIsRememberedAsNothing() {
        dns.add("example.org", 86_400, Type.CNAME, "real.example.")
                .exists("real.example")
                .negativeTtl(100);
        assertThat(queriesWhenAskedAfter(Duration.ZERO)).isPositive();
        dns.add("real.example", Type.MX, "10 mx1.example.net.");
        assertThat(queriesWhenAskedAfter(Duration.ofSeconds(101))).isPositive();
        assertThat(mx("example.org")).isInstanceOf(MxLookup.Found.class);
    }

    @Test
    void whoAsksAfreshGetsWhatTheServerSaysNowAndSoDoOthersThen() {
        dns.negativeTtl(3600);
        assertThat(mx("example.org")).isEqualTo(new MxLookup.NoSuchDomain());
        dns.add("example.org", Type.MX, "10 mx1.example.net.");
        assertThat(mx("example.org")).isEqualTo(new MxLookup.NoSuchDomain());
        assertThat(mx(resolver.afresh(), "example.org")).isInstanceOf(MxLookup.Found.class);
        long queries = dns.queries().size();
        assertThat(mx("example.org")).isInstanceOf(MxLookup.Found.class);
        assertThat(dns.queries()).hasSize((int) queries);
    }

    @Test
    void aFailureIsNotRemembered() {
        dns.add("example.org", Type.MX, "10 mx1.example.net.").fail("example.org", Rcode.SERVFAIL);
        assertThat(mx("example.org")).isInstanceOf(MxLookup.TemporaryFailure.class);
        dns.heal("example.org");
        assertThat(mx("example.org")).isInstanceOf(MxLookup.Found.class);
    }

    @Test
    void manyWhoAskAtOnceAskTheServerOnce() {
        dns.add("example.org", Type.MX, "10 mx1.example.net.").hold();
        List<CompletableFuture<MxLookup>> all = Stream.generate(() -> resolver.lookup(MailDomain.of("example.org")))
                .limit(50)
                .map(stage -> stage.toCompletableFuture())
                .toList();
        assertThat(all).noneMatch(CompletableFuture::isDone);
        dns.release();
        all.forEach(one -> assertThat(one.join()).isInstanceOf(MxLookup.Found.class));
        assertThat(dns.queries()).hasSize(1);
    }

    @Test
    void damagedAnswersEndInAnOutcome() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        MxResolver quick = resolver(Duration.ofMillis(80), dns.address());
        dns.damage(wire -> {
            // Behind id and flags, where a change makes the answer nonsense rather than somebody else's.
            byte[] damaged = wire.clone();
            for (int i = random.nextInt(4); i >= 0; i--) {
                damaged[4 + random.nextInt(damaged.length - 4)] ^= (byte) (1 << random.nextInt(8));
            }
            return damaged;
        });
        for (int i = 0; i < 60; i++) {
            String domain = "d" + i + ".example";
            dns.add(domain, Type.MX, "10 mx1.example.net.").add(domain, Type.MX, "20 mx2.example.net.");
            CompletableFuture<MxLookup> lookup =
                    quick.lookup(MailDomain.of(domain)).toCompletableFuture();
            assertThat(lookup).as("seed " + seed).succeedsWithin(Duration.ofSeconds(20));
        }
    }

    @Test
    void serversAreChecked() {
        assertThatIllegalArgumentException().isThrownBy(() -> MxResolver.of(List.of()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MxResolver.of(List.of(InetSocketAddress.createUnresolved("ns.example", 53))))
                .withMessageContaining("expected: resolved");
        assertThat(MxResolver.system()).isNotNull();
    }
}
