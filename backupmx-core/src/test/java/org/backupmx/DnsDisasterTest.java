package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.dns.AddressLookup;
import org.backupmx.dns.MxLookup;
import org.backupmx.dns.MxResolver;
import org.backupmx.event.LastGoodRouteUsed;
import org.backupmx.event.MessageDeadLettered;
import org.backupmx.event.RecipientExpired;
import org.backupmx.event.RecipientFailed;
import org.backupmx.event.RouteHeld;
import org.backupmx.event.RouteRestored;
import org.backupmx.health.HealthProbe;
import org.backupmx.history.HistoryStore;
import org.backupmx.intake.IpNetwork;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.SmtpReply;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.RecipientOutcome;
import org.backupmx.relay.RelayCredentials;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.relay.RelaySettings;
import org.backupmx.relay.TlsPolicy;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient.Relayed;
import org.backupmx.testing.ManualScheduler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The zone of a relay domain is broken (X10): mail is held or goes where it went before, and is never returned for that. */
class DnsDisasterTest {

    private static final String MAIL = "Subject: x\r\n\r\nbody\r\n";

    /** A way for the zone of {@code byname.test} to be broken. */
    enum Damage {
        SERVFAIL,
        BOGUS,
        TIMEOUT,
        NXDOMAIN,
        HOST_GONE,
        HOST_SERVFAIL,
        // somebody wrote these down
        NULL_MX,
        ONLY_US,
        WE_ARE_BEST,
        PRIVATE_ADDRESS;

        boolean isSilence() {
            return compareTo(NULL_MX) < 0;
        }

        void breakZone(FakeMxResolver dns) {
            switch (this) {
                case SERVFAIL -> dns.lookup("byname.test", new MxLookup.TemporaryFailure("SERVFAIL"));
                case BOGUS -> dns.lookup("byname.test", new MxLookup.TemporaryFailure("SERVFAIL (DNSSEC_BOGUS)"));
                case TIMEOUT -> dns.lookup("byname.test", new MxLookup.TemporaryFailure("TimeoutException"));
                case NXDOMAIN -> dns.lookup("byname.test", new MxLookup.NoSuchDomain());
                case HOST_GONE -> dns.host("mx.byname.test", new AddressLookup.NoSuchHost());
                case HOST_SERVFAIL -> dns.host("mx.byname.test", new AddressLookup.TemporaryFailure("SERVFAIL"));
                case NULL_MX -> dns.lookup("byname.test", new MxLookup.NullMx());
                case ONLY_US -> dns.mx("byname.test", "10 mx2.example.net");
                case WE_ARE_BEST -> dns.mx("byname.test", "10 mx.byname.test", "5 mx2.example.net");
                case PRIVATE_ADDRESS -> dns.host("mx.byname.test", "10.0.0.1");
            }
        }
    }

    private final HistoryStore store = HistoryStore.inMemory(100_000);
    private VirtualEngine engine = engine(new ManualScheduler(), InMemorySpool.create());

    private VirtualEngine engine(ManualScheduler time, InMemorySpool spool) {
        VirtualEngine made = new VirtualEngine(time, spool);
        made.builder.historyStore(store);
        repair(made.resolver);
        return made;
    }

    private static void repair(FakeMxResolver dns) {
        dns.mx("byname.test", "10 mx.byname.test", "20 mx2.example.net").host("mx.byname.test", "9.9.9.10");
    }

    private void send(String recipient) {
        engine.server.connect().send("a@sender.test", MAIL, recipient);
        engine.time.run();
    }

    private List<String> relayed() {
        return engine.client.relayed().stream()
                .map(Relayed::recipient)
                .map(ForwardPath::toString)
                .toList();
    }

    private void assertNothingReturned() {
        assertThat(engine.events.events(RecipientFailed.class)).isEmpty();
        assertThat(engine.events.events(RecipientExpired.class)).isEmpty();
        assertThat(engine.client.relayed())
                .as("DSNs")
                .noneMatch(mail -> mail.reversePath().isNull());
    }

    @ParameterizedTest
    @EnumSource(Damage.class)
    void aZoneThatIsBrokenForTenDaysReturnsNothing(Damage damage) throws Exception {
        damage.breakZone(engine.resolver);
        engine.start();
        send("first@byname.test");
        engine.time.advance(Duration.ofDays(10));
        send("last@byname.test");
        assertThat(relayed()).isEmpty();
        assertNothingReturned();
        assertThat(engine.events.events(RouteHeld.class)).hasSize(1);

        repair(engine.resolver);
        engine.time.advance(Duration.ofSeconds(60));
        assertThat(relayed()).containsExactlyInAnyOrder("first@byname.test", "last@byname.test");
        assertNothingReturned();
        assertThat(engine.events.events(RouteRestored.class)).hasSize(1);
        assertThat(engine.mx.snapshot().queued()).isZero();
    }

    @ParameterizedTest
    @EnumSource(Damage.class)
    void aPrimaryThatWasKnownGetsItsMailUnlessSomebodySaidOtherwise(Damage damage) throws Exception {
        engine.start();
        engine.time.advance(Duration.ofMinutes(5));
        damage.breakZone(engine.resolver);
        engine.time.advance(Duration.ofHours(1));
        send("first@byname.test");
        engine.time.advance(Duration.ofMinutes(2));
        if (damage.isSilence()) {
            assertThat(relayed()).containsExactly("first@byname.test");
            assertThat(engine.client.relayed().get(0).nextHop()).hasToString("mx.byname.test:25[9.9.9.10]");
        } else {
            assertThat(relayed()).isEmpty();
            assertThat(engine.events.events(RouteHeld.class)).hasSize(1);
        }
        engine.time.advance(Duration.ofDays(1));
        assertNothingReturned();

        repair(engine.resolver);
        engine.time.advance(Duration.ofSeconds(60));
        assertThat(relayed()).containsExactly("first@byname.test");
        assertNothingReturned();
    }

    @Test
    void mailByTheLastGoodAddressesIsToldOfOnceAndSoIsTheEnd() {
        engine.start();
        Damage.NXDOMAIN.breakZone(engine.resolver);
        engine.time.advance(Duration.ofHours(1));
        assertThat(engine.events.events(LastGoodRouteUsed.class))
                .as("nothing waits")
                .isEmpty();
        engine.client.allDown();
        send("u@byname.test");
        engine.time.advance(Duration.ofHours(5));
        assertThat(engine.events.events(LastGoodRouteUsed.class))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.domain()).hasToString("byname.test");
                    assertThat(event.reason()).isEqualTo("byname.test does not exist in the DNS");
                    assertThat(event.lastGood())
                            .isBetween(ManualScheduler.START, ManualScheduler.START.plusSeconds(60));
                });
        assertThat(engine.events.events(RouteHeld.class)).isEmpty();
        assertThat(engine.events.events(RouteRestored.class)).isEmpty();
        repair(engine.resolver);
        engine.time.advance(Duration.ofMinutes(2));
        assertThat(engine.events.events(RouteRestored.class)).hasSize(1);
    }

    @Test
    void theLastGoodAddressesOutliveTheEngine() {
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.stop();
        engine.time.advance(Duration.ofDays(28));

        engine = engine(engine.time, engine.spool.another());
        Damage.TIMEOUT.breakZone(engine.resolver);
        engine.start();
        send("u@byname.test");
        assertThat(relayed()).containsExactly("u@byname.test");
    }

    @Test
    void afterThirtyDaysTheyCountNoMore() {
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.stop();
        engine.time.advance(Duration.ofDays(31));

        engine = engine(engine.time, engine.spool.another());
        Damage.TIMEOUT.breakZone(engine.resolver);
        engine.start();
        send("u@byname.test");
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(relayed()).isEmpty();
        assertNothingReturned();
    }

    @Test
    void aFixedNextHopByNameKeepsItsAddress() {
        engine.builder.relayDomains(RelayDomains.of(
                List.of(RelayDomain.of("fixed.test").withNextHops(List.of(NextHop.parse("relay.fixed.test:2525"))))));
        engine.resolver.host("relay.fixed.test", "9.9.9.20");
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.resolver.host("relay.fixed.test", new AddressLookup.NoSuchHost());
        engine.time.advance(Duration.ofMinutes(10));
        send("u@fixed.test");
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(relayed()).containsExactly("u@fixed.test");
        assertThat(engine.client.relayed().get(0).nextHop()).hasToString("relay.fixed.test:2525[9.9.9.20]");
        assertThat(engine.events.events(LastGoodRouteUsed.class)).hasSize(1);
    }

    @Test
    void whatWasDeferredGoesAtOnceWhenThereIsAWayAgainWheneverItIsDue() throws Exception {
        ForwardPath recipient = ForwardPath.parse("u@byname.test");
        engine.client.reply(recipient, SmtpReply.of(451, "4.2.0", "Not now"));
        engine.builder.healthProbe(HealthProbe.off()); // no probe that tells
        engine.start();
        send("u@byname.test");
        Instant soon = engine.time.now().plus(Duration.ofMinutes(40));
        while (!due().isAfter(soon)) {
            engine.time.advance(Duration.ofMinutes(1));
            soon = engine.time.now().plus(Duration.ofMinutes(40));
        }
        Damage.NULL_MX.breakZone(engine.resolver);
        engine.time.advance(Duration.ofMinutes(10));
        engine.client.reply(recipient, SmtpReply.of(250, "2.0.0", "Ok"));
        assertThat(relayed()).isEmpty();
        repair(engine.resolver);
        engine.time.advance(Duration.ofSeconds(60));
        assertThat(relayed()).containsExactly("u@byname.test");
    }

    private Instant due() throws Exception {
        return engine.mx.snapshot().domains().stream()
                .filter(queued -> queued.domain().toString().equals("byname.test"))
                .findAny()
                .orElseThrow()
                .nextDue()
                .orElseThrow();
    }

    @Test
    void repairIsNotHiddenByWhatTheResolverRemembers() {
        FakeMxResolver dns = engine.resolver;
        engine.builder.mxResolver(new MxResolver() {
            @Override
            public CompletionStage<MxLookup> lookup(MailDomain domain) {
                return CompletableFuture.completedFuture(new MxLookup.NoSuchDomain());
            }

            @Override
            public CompletionStage<AddressLookup> addresses(String host) {
                return CompletableFuture.completedFuture(new AddressLookup.NoSuchHost());
            }

            @Override
            public MxResolver afresh() {
                return dns;
            }
        });
        Damage.NXDOMAIN.breakZone(dns);
        engine.start();
        send("u@byname.test");
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(dns.queries()).as("not more often than it helps").hasSizeBetween(9, 11);
        repair(dns);
        engine.time.advance(Duration.ofSeconds(60));
        assertThat(relayed()).containsExactly("u@byname.test");
    }

    @Test
    void aLookUpThatTakesItsTimeKeepsNobodyBusy() {
        AtomicInteger lookUps = new AtomicInteger();
        engine.builder.mxResolver(new MxResolver() {
            @Override
            public CompletionStage<MxLookup> lookup(MailDomain domain) {
                return lookUps.incrementAndGet() == 1
                        ? CompletableFuture.completedFuture(new MxLookup.TemporaryFailure("SERVFAIL"))
                        : new CompletableFuture<>();
            }

            @Override
            public CompletionStage<AddressLookup> addresses(String host) {
                return new CompletableFuture<>();
            }
        });
        engine.start();
        send("u@byname.test");
        engine.time.advance(Duration.ofMinutes(10));
        assertThat(lookUps).hasValue(2);
    }

    @Test
    void aHostThatIsNotNamedAnyMoreIsNotUsed() {
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.resolver.mx("byname.test", "10 new.byname.test", "20 mx2.example.net");
        engine.time.advance(Duration.ofMinutes(10)); // a probe, and with it a look-up
        send("u@byname.test");
        engine.time.advance(Duration.ofMinutes(5));
        assertThat(relayed()).isEmpty();
        engine.resolver.host("new.byname.test", "9.9.9.11");
        engine.time.advance(Duration.ofSeconds(60));
        assertThat(relayed()).containsExactly("u@byname.test");
    }

    @Test
    void aDomainThatALookUpForgetsKeepsItsMailAndItsNextHop() {
        AtomicBoolean forgotten = new AtomicBoolean();
        RelayDomain home = RelayDomain.of("home.test").withNextHops(List.of(NextHop.parse("127.0.0.60:2500")));
        engine.builder
                .relayDomains(RelayDomains.lookup(
                        domain -> forgotten.get() || !home.covers(domain) ? Optional.empty() : Optional.of(home)))
                .postmaster(Mailbox.parse("postmaster@home.test"));
        engine.client.allDown();
        engine.start();
        send("u@home.test");
        forgotten.set(true);
        engine.resolver.lookup("home.test", new MxLookup.NullMx());
        engine.time.advance(Duration.ofDays(3));
        assertNothingReturned();
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(relayed()).containsExactly("u@home.test");
        assertThat(engine.client.relayed().get(0).nextHop()).hasToString("127.0.0.60:2500[127.0.0.60]");
    }

    /** Whose look-up knows {@code home.test}, and is asked to fail or to forget it. */
    private final class Settings {
        private final RelayDomain home;
        private boolean fails;
        private boolean forgets;

        Settings(RelaySettings own) {
            home = RelayDomain.of("home.test")
                    .withNextHops(List.of(NextHop.parse("127.0.0.60:2500")))
                    .withRelaySettings(own);
        }

        private Optional<RelayDomain> find(MailDomain domain) {
            if (fails) {
                throw new IllegalStateException("planned");
            }
            return forgets || !home.covers(domain) ? Optional.empty() : Optional.of(home);
        }

        void engine() {
            engine.builder
                    .relayDomains(RelayDomains.lookup(this::find))
                    .postmaster(Mailbox.parse("postmaster@home.test"));
        }

        /** Has a message wait for a primary that is away, and the engine restart. */
        void waitAndRestart() {
            engine();
            engine.client.allDown();
            engine.start();
            send("u@home.test");
            engine.time.advance(Duration.ofMinutes(30));
            engine.stop();
            DnsDisasterTest.this.engine = DnsDisasterTest.this.engine(engine.time, engine.spool.another());
            engine();
        }
    }

    private static final RelaySettings VERIFIED = RelaySettings.defaults()
            .withTls(TlsPolicy.verify())
            .withCredentials(RelayCredentials.of("backup", "secret".toCharArray()));

    private List<RelaySettings> settingsOfAttempts() {
        return engine.client.attempts().stream().map(RelayRequest::settings).toList();
    }

    @Test
    void mailWaitsForSettingsThatCannotBeLookedUpAtTheStart() {
        Settings settings = new Settings(VERIFIED);
        settings.waitAndRestart();
        settings.fails = true;
        engine.start();
        engine.time.advance(Duration.ofDays(1));
        assertThat(settingsOfAttempts()).isEmpty();
        assertThat(engine.events.events(RouteHeld.class)).hasSize(1);
        settings.fails = false;
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(relayed()).containsExactly("u@home.test");
        assertThat(settingsOfAttempts()).containsExactly(VERIFIED);
    }

    @Test
    void aDomainThatIsForgottenOverARestartStillHasTls() {
        Settings settings = new Settings(VERIFIED);
        settings.waitAndRestart();
        settings.forgets = true;
        engine.start();
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(relayed()).containsExactly("u@home.test");
        assertThat(settingsOfAttempts())
                .containsExactly(RelaySettings.defaults().withTls(TlsPolicy.encrypt()));
    }

    @Test
    void aDomainThatIsForgottenInARedirectionHasItsSettingsAfterIt() throws Exception {
        Settings settings = new Settings(VERIFIED);
        settings.engine();
        engine.client.allDown();
        engine.start();
        send("u@home.test");
        engine.mx.queue().redirect(MailDomain.of("home.test"), NextHop.parse("127.0.0.61:2500"), "me");
        engine.time.advance(Duration.ofMinutes(30));
        settings.forgets = true;
        engine.time.advance(Duration.ofMinutes(30));
        engine.mx.queue().endRedirect(MailDomain.of("home.test"), "me");
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(1));
        assertThat(relayed()).containsExactly("u@home.test");
        List<RelaySettings> all = settingsOfAttempts();
        assertThat(all.get(all.size() - 1)).isEqualTo(VERIFIED);
    }

    @Test
    void withoutAnyMemoryMailThatIsNoDsnOfOursIsKeptAsWell() {
        AtomicBoolean forgotten = new AtomicBoolean();
        engine.builder
                .relayDomains(RelayDomains.lookup(
                        domain -> forgotten.get() ? Optional.empty() : Optional.of(RelayDomain.of(domain.toString()))))
                .postmaster(Mailbox.parse("postmaster@home.test"));
        engine.resolver.lookup("home.test", new MxLookup.NullMx()); // no route is ever found, so none is remembered
        engine.start();
        send("u@home.test");
        forgotten.set(true);
        engine.time.advance(Duration.ofDays(3));
        assertNothingReturned();
        assertThat(engine.events.events(RouteHeld.class)).hasSize(2);
        engine.resolver.mx("home.test", "10 mx.home.test").host("mx.home.test", "9.9.9.12");
        engine.time.advance(Duration.ofHours(2));
        assertThat(relayed()).containsExactly("u@home.test");
    }

    @Test
    void aDomainByDestinationThatVanishesKeepsItsMail() {
        engine.builder
                .relayDomains(RelayDomains.of("byname.test").withByDestination(Set.of(IpNetwork.of("9.9.7.0/24"))))
                .postmaster(Mailbox.parse("postmaster@byname.test"));
        engine.resolver.mx("dest.test", "10 mx.dest.test", "20 mx2.example.net").host("mx.dest.test", "9.9.7.1");
        engine.client.allDown();
        engine.start();
        send("u@dest.test");
        engine.resolver.lookup("dest.test", new MxLookup.NoSuchDomain());
        engine.time.advance(Duration.ofDays(3));
        assertNothingReturned();
        engine.client.allUp();
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(relayed()).containsExactly("u@dest.test");
    }

    @Test
    void aPrimaryInAnotherNetworkGetsOneMessageFirst() {
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.allDown();
        engine.time.advance(Duration.ofMinutes(2));
        for (int i = 0; i < 30; i++) {
            send("u" + i + "@byname.test");
        }
        engine.resolver.host("mx.byname.test", "8.8.8.8");
        engine.time.advance(Duration.ofMinutes(5));
        engine.client.allUp();
        engine.client.stall();
        engine.time.advance(Duration.ofMinutes(20));
        assertThat(engine.client.attempts()).filteredOn(this::isAtTheNewPlace).hasSize(1);
        engine.client.resume();
        engine.client.stall();
        engine.time.run();
        assertThat(engine.client.attempts())
                .filteredOn(this::isAtTheNewPlace)
                .as("the first, and as many as a slow start has next")
                .hasSizeGreaterThan(2);
        engine.client.resume();
        engine.time.advance(Duration.ofMinutes(1));
        assertThat(relayed()).hasSize(30);
    }

    @Test
    void whoAnswersAtANewPlaceIsNotBelievedBeforeItHasTakenSomething() {
        engine.builder.breaker(true);
        engine.start();
        engine.time.advance(Duration.ofMinutes(1));
        engine.client.allDown();
        engine.time.advance(Duration.ofMinutes(2));
        for (int i = 0; i < 30; i++) {
            send("u" + i + "@byname.test");
        }
        engine.resolver.host("mx.byname.test", "8.8.8.8");
        engine.client.script(request -> CompletableFuture.completedFuture(new RelayResult.Attempted(List.of(
                new RecipientOutcome.PermanentFailure(SmtpReply.of(550, "5.1.1", "No such user at this web host"))))));
        engine.client.allUp();
        engine.time.advance(Duration.ofHours(6));
        assertThat(engine.events.events(MessageDeadLettered.class)).isEmpty();
        assertThat(engine.client.attempts()).filteredOn(this::isAtTheNewPlace).isNotEmpty();
        engine.client.script(engine.client::answer);
        engine.time.advance(Duration.ofHours(2));
        assertThat(relayed()).hasSize(30);
    }

    private boolean isAtTheNewPlace(RelayRequest request) {
        return request.nextHop().address().getHostAddress().equals("8.8.8.8");
    }
}
