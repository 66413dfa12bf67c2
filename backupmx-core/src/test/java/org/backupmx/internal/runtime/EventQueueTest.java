package org.backupmx.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.backupmx.BackupMx;
import org.backupmx.BackupMxConfig;
import org.backupmx.event.BackupMxListener;
import org.backupmx.event.RouteHeld;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.testing.ManualScheduler;
import org.junit.jupiter.api.Test;

class EventQueueTest {

    private final ManualScheduler time = new ManualScheduler();
    private final List<String> told = new ArrayList<>();

    private EventQueue queue(BackupMxListener... listeners) {
        BackupMxConfig config = time.drive(BackupMx.builder())
                .hostname("mx2.example.net")
                .relayDomains("example.test")
                .intakeServer(new FakeIntakeServer(time))
                .relayClient(new FakeRelayClient())
                .spool(InMemorySpool.create())
                .mxResolver(new FakeMxResolver())
                .build()
                .config();
        return new EventQueue(new EngineRuntime(config), List.of(listeners));
    }

    private BackupMxListener recording() {
        return new BackupMxListener() {
            @Override
            public void onRouteHeld(RouteHeld event) {
                told.add(event.reason());
            }
        };
    }

    private void post(EventQueue queue, int from, int to) {
        for (int i = from; i < to; i++) {
            queue.post(new RouteHeld(time.now(), MailDomain.of("example.test"), "" + i));
        }
    }

    @Test
    void whatIsTooMuchIsDroppedAndTheRestComesInOrder() {
        EventQueue queue = queue(recording());
        post(queue, 0, EventQueue.CAPACITY + 1000);
        time.run();
        assertThat(told).hasSize(EventQueue.CAPACITY);
        for (int i = 0; i < told.size(); i++) {
            assertThat(told.get(i)).isEqualTo("" + i);
        }
        post(queue, 0, 1);
        time.run();
        assertThat(told).hasSize(EventQueue.CAPACITY + 1);
        assertThat(queue.drain().toCompletableFuture()).isCompleted();
    }

    @Test
    void theEndWaitsForWhatWaits() {
        EventQueue queue = queue(recording());
        post(queue, 0, 1000);
        var drained = queue.drain().toCompletableFuture();
        assertThat(drained).isNotDone();
        time.run();
        assertThat(drained).isCompleted();
        assertThat(told).hasSize(1000);
    }

    @Test
    void anErrorOfAListenerStopsNobodyElse() {
        EventQueue queue = queue(
                new BackupMxListener() {
                    @Override
                    public void onRouteHeld(RouteHeld event) {
                        throw new NoClassDefFoundError("planned");
                    }
                },
                recording());
        post(queue, 0, 3);
        try {
            time.run();
        } catch (NoClassDefFoundError escaped) {
            throw new AssertionError("the listener's error reached the worker", escaped);
        }
        post(queue, 3, 4);
        time.run();
        assertThat(told).containsExactly("0", "1", "2", "3");
        assertThat(queue.drain().toCompletableFuture()).isCompleted();
    }
}
