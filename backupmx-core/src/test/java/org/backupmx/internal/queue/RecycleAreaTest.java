package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.BackupMx;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.queue.QueueOrder;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.testing.ManualScheduler;
import org.junit.jupiter.api.Test;

/** Deleted messages when there is room for no more of them; the room is small here. */
class RecycleAreaTest {

    private static final int MOST = 5;
    private static final Duration KEEP = Duration.ofDays(3);
    private static final QueueOrder DELETE =
            QueueOrder.of(QueueOrder.Kind.DELETE).by("alice");

    private final ManualScheduler time = new ManualScheduler();
    private final InMemorySpool spool = InMemorySpool.create();
    private final HistoryStore history = HistoryStore.inMemory(10_000);
    private final HeldMail held = started();
    private final RecycleArea area = new RecycleArea(spool, held, KEEP);

    private HeldMail started() {
        EngineRuntime runtime = new EngineRuntime(time.drive(BackupMx.builder())
                .hostname("mx2.example.net")
                .relayDomains("example.test")
                .intakeServer(new FakeIntakeServer(time))
                .relayClient(new FakeRelayClient())
                .spool(spool)
                .mxResolver(new FakeMxResolver())
                .build()
                .config());
        HeldMail made = new HeldMail(spool, Optional.of(history), runtime, entry -> {}, MOST);
        made.start();
        return made;
    }

    private SpoolId queued() throws SpoolException {
        try (SpoolWriter writer = spool.begin(Envelopes.to("u@example.test"), time.now())) {
            writer.write(ByteBuffer.wrap("Subject: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
            return writer.commit().toCompletableFuture().join();
        }
    }

    private List<SpoolId> full() throws SpoolException {
        List<SpoolId> ids = new ArrayList<>();
        for (int i = 0; i < MOST; i++) {
            ids.add(queued());
            assertThat(area.put(ids.get(i), DELETE)).isTrue();
        }
        return ids;
    }

    private void isRefused(SpoolId id) {
        assertThatThrownBy(() -> area.put(id, DELETE))
                .isInstanceOf(SpoolFullException.class)
                .hasMessage("recycle area: full, 5 messages are held by the engine (expected: delete some for good, or"
                        + " restore some)");
    }

    @Test
    void aDeletionForWhichThereIsNoRoomIsRefusedAndTheMessageStaysAsItWas() throws Exception {
        full();
        SpoolId next = queued();
        isRefused(next);
        assertThat(spool.find(next))
                .hasValueSatisfying(message -> assertThat(message.held())
                        .as("it is delivered as before")
                        .isFalse());
        assertThat(held.find(next)).isEmpty();
        assertThat(area.counted(spool.lanes()))
                .singleElement()
                .satisfies(lane -> assertThat(lane.queued()).isOne());
    }

    @Test
    void whatIsDeletedTwiceOrWasHeldWithAReasonNeedsNoRoom() throws Exception {
        List<SpoolId> ids = full();
        area.restore(ids.get(0));
        SpoolId deadLetter = ids.get(0);
        held.hold(spool.find(deadLetter).orElseThrow().message(), HeldMail.Reason.DEAD_LETTER, KEEP, "550 no");
        isRefused(queued());
        assertThat(area.put(ids.get(1), DELETE)).as("it is there already").isFalse();
        assertThat(area.put(deadLetter, DELETE)).isTrue();
        assertThat(held.find(deadLetter)).map(HeldMail.Entry::reason).contains(HeldMail.Reason.RECYCLED);
    }

    @Test
    void thereIsRoomAgainWhenSomethingIsRestoredOrDeletedForGoodOrOver() throws Exception {
        List<SpoolId> ids = full();
        SpoolId next = queued();
        area.restore(ids.get(0));
        assertThat(area.put(next, DELETE)).isTrue();
        isRefused(ids.get(0));
        area.deleteForGood(ids.get(1));
        assertThat(area.put(ids.get(0), DELETE)).isTrue();
        SpoolId last = queued();
        isRefused(last);
        time.advance(KEEP.plusMinutes(2));
        assertThat(area.put(last, DELETE)).isTrue();
    }

    @Test
    void deletingForGoodNeedsNoRoom() throws Exception {
        full();
        SpoolId next = queued();
        assertThat(area.deleteForGood(next)).isTrue();
        assertThat(spool.find(next)).isEmpty();
    }

    @Test
    void anAreaThatIsFullIsFullAfterARestart() throws Exception {
        full();
        SpoolId next = queued();
        RecycleArea restarted = new RecycleArea(spool, started(), KEEP);
        assertThatThrownBy(() -> restarted.put(next, DELETE)).isInstanceOf(SpoolFullException.class);
    }
}
