package org.backupmx;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import org.backupmx.intake.RelayDomain;
import org.backupmx.intake.RelayDomains;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.NextHop;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.testing.ManualScheduler;
import org.backupmx.testing.RecordingListener;

/** An engine on virtual time with everything around it in memory. */
final class VirtualEngine {

    /** The seed of all engines of this JVM, to be had again by {@code -Dengine.seed=N}. */
    private static final long SEED =
            Long.getLong("engine.seed", ThreadLocalRandom.current().nextLong());

    static {
        System.out.println("VirtualEngine seed " + SEED);
    }

    final ManualScheduler time;
    final InMemorySpool spool;
    final FakeIntakeServer server;
    final FakeRelayClient client = new FakeRelayClient();
    final FakeMxResolver resolver = new FakeMxResolver();
    final RecordingListener events = new RecordingListener();
    final BackupMxBuilder builder;
    BackupMx mx;

    VirtualEngine() {
        this(new ManualScheduler(), InMemorySpool.create());
    }

    VirtualEngine(ManualScheduler time, InMemorySpool spool) {
        this.time = time;
        this.spool = spool;
        this.server = new FakeIntakeServer(time);
        List<NextHop> primary = List.of(NextHop.parse("127.0.0.50:2500"));
        builder = time.drive(BackupMx.builder())
                .hostname("mx2.example.net")
                .relayDomains(RelayDomains.of(List.of(
                        RelayDomain.of("example.test").withNextHops(primary),
                        RelayDomain.of("second.test").withNextHops(primary),
                        RelayDomain.of("byname.test"))))
                .routes(Map.of(MailDomain.of("sender.test"), List.of(NextHop.parse("sender.test"))))
                .intakeServer(server)
                .relayClient(client)
                .spool(spool)
                .mxResolver(resolver)
                .random(new SplittableRandom(SEED))
                .breaker(false) // a test of one refusal means it
                .listener(events);
        resolver.host("sender.test", "9.9.9.9");
        resolver.mx("byname.test", "10 mx.byname.test").host("mx.byname.test", "9.9.9.10");
        mx = builder.build();
    }

    /** Another engine over the same storage and time. */
    VirtualEngine restarted() {
        return new VirtualEngine(time, spool.another());
    }

    void start() {
        mx = builder.build();
        CompletionStage<Void> started = mx.start();
        time.run();
        started.toCompletableFuture().getNow(null);
    }

    void stop() {
        CompletionStage<Void> stopped = mx.stop();
        time.run();
        if (!stopped.toCompletableFuture().isDone()) {
            throw new AssertionError("the engine did not end");
        }
    }
}
