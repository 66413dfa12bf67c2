package org.backupmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.backupmx.event.BackupMxListener;
import org.backupmx.event.MessageAccepted;
import org.backupmx.health.HealthProbe;
import org.backupmx.intake.Greeting;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.intake.Verdict;
import org.backupmx.internal.engine.Engine;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.relay.ProbeRequest;
import org.backupmx.relay.ProbeResult;
import org.backupmx.relay.RelayClient;
import org.backupmx.relay.RelayRequest;
import org.backupmx.relay.RelayResult;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Start, end and threads of engines, on real time. */
@Timeout(60)
class EngineLifeTest {

    private static final String MAIL = "Subject: hello\r\n\r\nbody\r\n";

    private final InMemorySpool spool = InMemorySpool.create();
    private final FakeIntakeServer server = new FakeIntakeServer();
    private final FakeRelayClient client = new FakeRelayClient();

    private static BackupMxBuilder builder(InMemorySpool spool, FakeIntakeServer server, FakeRelayClient client) {
        return BackupMx.builder()
                .hostname("mx2.example.net")
                .relayDomains(RelayDomains.of(List.of(
                        RelayDomain.of("example.test").withNextHops(List.of(NextHop.parse("127.0.0.50:2500"))))))
                .intakeServer(server)
                .relayClient(client)
                .spool(spool)
                .mxResolver(new FakeMxResolver())
                .healthProbe(
                        HealthProbe.recipient().every(Duration.ofMillis(200)).everyWhileDown(Duration.ofMillis(100)))
                .workers(4);
    }

    private BackupMx started() {
        BackupMx mx = builder(spool, server, client).build();
        mx.start().toCompletableFuture().join();
        return mx;
    }

    private static Set<String> threads() {
        Set<String> names = ConcurrentHashMap.newKeySet();
        Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("backupmx-"))
                .forEach(names::add);
        return names;
    }

    @Test
    void twoEnginesThatShareASpoolDeliverEachMessageOnce() throws Exception {
        client.allDown();
        FakeIntakeServer otherServer = new FakeIntakeServer();
        FakeRelayClient otherClient = new FakeRelayClient();
        otherClient.allDown();
        int messages = 2000;
        try (InMemorySpool otherSpool = spool.another();
                BackupMx mx = started();
                BackupMx other = builder(otherSpool, otherServer, otherClient).build()) {
            other.start().toCompletableFuture().join();
            for (int i = 0; i < messages; i++) {
                FakeIntakeServer intake = i % 2 == 0 ? server : otherServer;
                assertThat(intake.connect().send("a@b.test", MAIL, "u" + i + "@example.test"))
                        .isInstanceOf(Verdict.Accept.class);
            }
            client.allUp();
            otherClient.allUp();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> client.relayed().size() + otherClient.relayed().size() >= messages);
            await().atMost(Duration.ofSeconds(10)).until(() -> mx.snapshot().queued() == 0);
        }
        Map<String, Integer> counts = new HashMap<>();
        client.relayed().forEach(mail -> counts.merge(mail.recipient().toString(), 1, Integer::sum));
        otherClient.relayed().forEach(mail -> counts.merge(mail.recipient().toString(), 1, Integer::sum));
        assertThat(counts).hasSize(messages);
        assertThat(counts.values()).containsOnly(1);
    }

    @Test
    void anEndUnderLoadLosesNothing() throws Exception {
        Set<String> acknowledged = ConcurrentHashMap.newKeySet();
        AtomicBoolean sending = new AtomicBoolean(true);
        List<Thread> clients = new ArrayList<>();
        BackupMx mx = started();
        CountDownLatch underWay = new CountDownLatch(500);
        for (int t = 0; t < 3; t++) {
            int number = t;
            Thread thread = new Thread(() -> {
                for (int i = 0; sending.get(); i++) {
                    String recipient = "u" + number + "-" + i + "@example.test";
                    try {
                        if (server.connect().send("a@b.test", MAIL, recipient) instanceof Verdict.Accept) {
                            acknowledged.add(recipient);
                        }
                    } catch (IllegalStateException e) {
                        return; // refused with 421
                    }
                    underWay.countDown();
                }
            });
            thread.start();
            clients.add(thread);
        }
        assertThat(underWay.await(20, TimeUnit.SECONDS)).isTrue();
        mx.close();
        sending.set(false);
        for (Thread thread : clients) {
            thread.join();
        }
        Set<String> known = ConcurrentHashMap.newKeySet();
        client.relayed().forEach(mail -> known.add(mail.recipient().toString()));
        spool.find(SpoolFilter.all(), Optional.empty(), 1_000_000)
                .forEach(message -> known.add(
                        message.message().envelope().recipients().get(0).toString()));
        assertThat(known).containsAll(acknowledged);
        // what is queued can be leased at once: every lease was given back
        FakeRelayClient nextClient = new FakeRelayClient();
        try (BackupMx next =
                builder(spool.another(), new FakeIntakeServer(), nextClient).build()) {
            next.start().toCompletableFuture().join();
            await().atMost(Duration.ofSeconds(20)).until(() -> next.snapshot().queued() == 0);
        }
    }

    /** A client that ends nothing, not even itself. */
    private static final class StuckClient implements RelayClient {
        final CountDownLatch attempted = new CountDownLatch(1);

        @Override
        public CompletionStage<Void> start() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<RelayResult> relay(RelayRequest request) {
            attempted.countDown();
            return new CompletableFuture<>();
        }

        @Override
        public CompletionStage<ProbeResult> probe(ProbeRequest request) {
            return new CompletableFuture<>();
        }

        @Override
        public CompletionStage<Void> stop(Duration grace) {
            return new CompletableFuture<>();
        }
    }

    @Test
    void theEndIsBoundedThoughNothingEnds() throws Exception {
        StuckClient stuck = new StuckClient();
        VirtualEngine engine = new VirtualEngine();
        engine.builder.relayClient(stuck).shutdownGrace(Duration.ofSeconds(10));
        engine.start();
        engine.server.connect().send("a@b.test", MAIL, "u@example.test");
        engine.time.run();
        assertThat(stuck.attempted.getCount()).isZero();
        CompletableFuture<Void> end = engine.mx.stop().toCompletableFuture();
        engine.time.advance(Duration.ofSeconds(13));
        assertThat(end).isNotDone();
        engine.time.advance(Duration.ofSeconds(2));
        assertThat(end).isCompleted();
        assertThat(engine.spool.lanes())
                .singleElement()
                .satisfies(lane -> assertThat(lane.queued()).isEqualTo(1));
    }

    @Test
    void anAbortEndsThreadsAndWaiting() throws Exception {
        StuckClient stuck = new StuckClient();
        Engine engine = new Engine(
                builder(spool, server, client).relayClient(stuck).build().config());
        engine.start().toCompletableFuture().join();
        server.connect().send("a@b.test", MAIL, "u@example.test");
        assertThat(stuck.attempted.await(10, TimeUnit.SECONDS)).isTrue();
        engine.stop();
        engine.abort();
        engine.awaitTermination();
        await().until(() -> threads().isEmpty());
        assertThat(spool.lanes())
                .singleElement()
                .satisfies(lane -> assertThat(lane.queued()).isEqualTo(1));
    }

    @Test
    void aStartThatFailsReleasesAll() {
        server.failStart(new IllegalStateException("address in use"));
        BackupMx mx = builder(spool, server, client).build();
        assertThatThrownBy(() -> mx.start().toCompletableFuture().join()).hasRootCauseMessage("address in use");
        assertThat(client.isRunning()).isFalse();
        await().until(() -> threads().isEmpty());
        assertThatThrownBy(mx::start).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(mx::queue).isInstanceOf(IllegalStateException.class);
        mx.close();
    }

    @Test
    void aStartWithAFailingSpoolReleasesAll() {
        spool.failNext(InMemorySpool.Call.LANES, new SpoolUnavailableException("gone"));
        BackupMx mx = builder(spool, server, client).build();
        assertThatThrownBy(() -> mx.start().toCompletableFuture().join())
                .hasRootCauseInstanceOf(SpoolUnavailableException.class);
        assertThat(client.isRunning()).isFalse();
        assertThat(server.isRunning()).isFalse();
        await().until(() -> threads().isEmpty());
    }

    @Test
    void closeEndsTheThreadsAndLeavesTheSpoolOpen() throws Exception {
        BackupMx mx = started();
        assertThat(threads()).contains("backupmx-timer").anyMatch(name -> name.startsWith("backupmx-work-"));
        CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> {
            try {
                mx.awaitTermination();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        mx.close();
        mx.close();
        waiting.get(5, TimeUnit.SECONDS);
        await().until(() -> threads().isEmpty());
        assertThat(server.isRunning()).isFalse();
        assertThat(client.isRunning()).isFalse();
        assertThat(server.greeting()).isInstanceOf(Greeting.Refusal.class);
        assertThat(spool.lanes()).isEmpty();
    }

    @Test
    void threeEnginesLiveInOneProcess() throws Exception {
        List<BackupMx> engines = new ArrayList<>();
        AtomicInteger arrived = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            FakeIntakeServer own = new FakeIntakeServer();
            FakeRelayClient ownClient = new FakeRelayClient();
            ownClient.script(request -> {
                arrived.incrementAndGet();
                return ownClient.answer(request);
            });
            BackupMx mx = builder(InMemorySpool.create(), own, ownClient).build();
            mx.start().toCompletableFuture().join();
            own.connect().send("a@b.test", MAIL, "u@example.test");
            engines.add(mx);
        }
        await().untilAsserted(() -> assertThat(arrived).hasValue(3));
        engines.forEach(BackupMx::close);
        await().until(() -> threads().isEmpty());
    }

    @Test
    void neverStartedItClosesAtOnce() throws Exception {
        BackupMx mx = builder(spool, server, client).build();
        assertThat(threads()).isEmpty();
        mx.close();
        mx.awaitTermination();
        assertThatThrownBy(mx::start).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }

    @Test
    void aListenerThatThrowsHarmsNothing() {
        BackupMx mx = builder(spool, server, client)
                .listener(new BackupMxListener() {
                    @Override
                    public void onAccepted(MessageAccepted event) {
                        throw new IllegalStateException("planned");
                    }
                })
                .build();
        mx.start().toCompletableFuture().join();
        server.connect().send("a@b.test", MAIL, "u@example.test");
        await().until(() -> client.relayed().size() == 1);
        mx.close();
    }

    @Test
    void buildTellsAllThatIsMissing() {
        assertThatThrownBy(() -> BackupMx.builder().build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("hostname", "relayDomains", "intakeServer", "relayClient", "spool");
        assertThatThrownBy(() -> builder(spool, server, client)
                        .relayDomains(RelayDomains.of("*.example.test"))
                        .maxDeliveries(5)
                        .build())
                .hasMessageContainingAll("postmaster", "maxDeliveriesPerPrimary: 10");
    }

    @Test
    void aConfigurationCanBeCopied() {
        BackupMxConfig config = builder(spool, server, client).build().config();
        BackupMxConfig copy =
                BackupMx.builder(config).maxRecipients(200).build().config();
        assertThat(copy.hostname()).isEqualTo("mx2.example.net");
        assertThat(copy.relayDomains().find(MailDomain.of("example.test"))).isPresent();
        assertThat(copy.postmaster()).hasToString("postmaster@example.test");
        assertThat(copy.maxRecipients()).isEqualTo(200);
        assertThat(config.maxRecipients()).isEqualTo(1000);
    }
}
