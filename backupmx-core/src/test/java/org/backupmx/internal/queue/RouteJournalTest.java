package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.BackupMx;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.NextHopAddress;
import org.backupmx.relay.RelayRoute;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.testing.ManualScheduler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RouteJournalTest {

    private static final MailDomain DOMAIN = MailDomain.of("example.test");

    private final ManualScheduler time = new ManualScheduler();
    private final HistoryStore store = HistoryStore.inMemory(1_000_000);
    private final EngineRuntime runtime = new EngineRuntime(time.drive(BackupMx.builder())
            .hostname("mx2.example.net")
            .relayDomains("example.test")
            .intakeServer(new FakeIntakeServer(time))
            .relayClient(new FakeRelayClient())
            .spool(InMemorySpool.create())
            .mxResolver(new FakeMxResolver())
            .build()
            .config());
    private final RouteJournal journal = started();

    private RouteJournal started() {
        RouteJournal made = new RouteJournal(Optional.of(store), runtime);
        made.start();
        return made;
    }

    private Optional<LastGoodRoute> afterRestart() {
        return started().find(DOMAIN);
    }

    private List<HistoryEntry> lines() throws HistoryException {
        return store.read(RouteJournal.SERIES, Instant.MIN, Instant.MAX);
    }

    /** A route by hosts written {@code preference host:port address...}. */
    private LastGoodRoute route(String... hosts) {
        Map<NextHop, Integer> preferences = new HashMap<>();
        List<NextHopAddress> addresses = new ArrayList<>();
        for (String host : hosts) {
            String[] words = host.split(" ", -1);
            NextHop nextHop = NextHop.parse(words[1]);
            preferences.put(nextHop, Integer.parseInt(words[0]));
            for (String address : List.of(words).subList(2, words.length)) {
                addresses.add(new NextHopAddress(nextHop, address(address)));
            }
        }
        return LastGoodRoute.of(new RelayRoute.NextHops(addresses, preferences, List.of()), false, false, time.now());
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void readsWhatItWrote() throws HistoryException {
        LastGoodRoute route = route("10 mx1.test:25 9.9.9.1 2620:fe::1", "10 mx2.test:25", "20 mx3.test:26 9.9.9.3");
        journal.found(DOMAIN, route);
        assertThat(journal.find(DOMAIN)).contains(route);
        time.advance(Duration.ofSeconds(10));
        assertThat(lines()).hasSize(3);
        assertThat(afterRestart()).contains(route);
    }

    @Test
    void fixedNextHopsStayInTheirOrder() {
        LastGoodRoute fixed = new LastGoodRoute(
                time.now(),
                true,
                true,
                route("0 b.test:2500 9.9.9.1", "1 a.test:25 9.9.9.2").hosts());
        journal.found(DOMAIN, fixed);
        journal.write();
        assertThat(afterRestart()).contains(fixed);
        assertThat(fixed.fixed()).containsExactly(NextHop.parse("b.test:2500"), NextHop.parse("a.test:25"));
    }

    @Test
    void whatStaysTheSameIsWrittenOnceADay() throws HistoryException {
        for (int i = 0; i < 3 * 24 * 60; i++) {
            journal.found(
                    DOMAIN, i % 2 == 0 ? route("10 a.test:25 9.9.9.1 9.9.9.2") : route("10 a.test:25 9.9.9.2 9.9.9.1"));
            time.advance(Duration.ofMinutes(1));
        }
        assertThat(lines()).hasSize(3);
        journal.found(DOMAIN, route("10 a.test:25 9.9.9.3"));
        time.advance(Duration.ofMinutes(1));
        assertThat(lines()).hasSize(4);
        assertThat(afterRestart().orElseThrow().addresses("a.test", time.now())).contains(List.of(address("9.9.9.3")));
    }

    @Test
    void aHostThatIsNotUsedOnceKeepsItsAddressesForThirtyDays() {
        journal.found(DOMAIN, route("10 a.test:25 9.9.9.1", "10 b.test:25 9.9.9.2"));
        time.advance(Duration.ofDays(29));
        journal.found(DOMAIN, route("10 a.test:25 9.9.9.1", "10 b.test:25"));
        assertThat(journal.find(DOMAIN).orElseThrow().addresses("b.test", time.now()))
                .contains(List.of(address("9.9.9.2")));
        time.advance(Duration.ofDays(1));
        assertThat(journal.find(DOMAIN).orElseThrow().addresses("b.test", time.now()))
                .isEmpty();
        assertThat(journal.find(DOMAIN).orElseThrow().addresses("a.test", time.now()))
                .isPresent();
    }

    @Test
    void afterThirtyDaysNothingCounts() {
        journal.found(DOMAIN, route("10 a.test:25 9.9.9.1"));
        journal.write();
        time.advance(Duration.ofDays(30));
        assertThat(journal.find(DOMAIN)).isEmpty();
        assertThat(afterRestart()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "example.test",
                "example.test 1/1 10 a.test:25 1795334400",
                "example.test 1/1 ten a.test:25 1795334400 9.9.9.1",
                "example.test 1/1 10 a.test:99999 1795334400 9.9.9.1",
                "example.test 1/1 10 a.test:25 1795334400 host.name",
                "example.test 1/1 10 a.test:25 1795334400 9.9.9.999",
                "example.test 1/2 10 a.test:25 1795334400 9.9.9.1",
                "example.test 2/2 10 a.test:25 1795334400 9.9.9.1",
                "[[[ 1/1 10 a.test:25 1795334400 9.9.9.1",
            })
    void aLineThatIsNoneIsPassedOver(String line) throws HistoryException {
        LastGoodRoute route = route("10 a.test:25 9.9.9.1");
        journal.found(DOMAIN, route);
        journal.write();
        store.append(RouteJournal.SERIES, List.of(new HistoryEntry(time.now(), line)));
        assertThat(afterRestart()).contains(route);
    }

    @Test
    void aLongSeriesIsWrittenAnew() throws HistoryException {
        int most = 0;
        for (int i = 0; i < KeptLines.MOST_EXTRA_LINES + 3000; i++) {
            journal.found(DOMAIN, route("10 a.test:25 9.9." + i / 250 + "." + i % 250));
            journal.write();
            most = Math.max(most, i % 500 == 0 ? lines().size() : 0);
        }
        assertThat(most).isLessThanOrEqualTo(KeptLines.MOST_EXTRA_LINES + 1);
        assertThat(lines()).hasSizeLessThan(3100);
    }

    @Test
    void aStoreThatFailsLosesNothingButTheMemory() throws HistoryException {
        store.close();
        LastGoodRoute route = route("10 a.test:25 9.9.9.1");
        journal.found(DOMAIN, route);
        journal.write();
        assertThat(journal.find(DOMAIN)).contains(route);
        assertThat(afterRestart()).isEmpty();
    }

    @Test
    void anotherNetworkIsOneWithoutAnyHostOfBefore() {
        LastGoodRoute before = route("10 a.test:25 9.9.9.1", "20 b.test:25 2620:fe:0:1::1");
        assertThat(before.isElsewhere(next("9.9.9.77"))).isFalse();
        assertThat(before.isElsewhere(next("2620:fe:0:2::9"))).isFalse();
        assertThat(before.isElsewhere(next("9.9.8.1"))).isTrue();
        assertThat(before.isElsewhere(next("2620:fe:1::1"))).isTrue();
    }

    private static RelayRoute.NextHops next(String address) {
        NextHop best = NextHop.parse("c.test");
        NextHop worse = NextHop.parse("a.test");
        return new RelayRoute.NextHops(
                List.of(new NextHopAddress(best, address(address)), new NextHopAddress(worse, address("9.9.9.1"))),
                Map.of(best, 5, worse, 10),
                List.of());
    }
}
