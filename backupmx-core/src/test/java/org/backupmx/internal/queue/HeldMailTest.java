package org.backupmx.internal.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backupmx.BackupMx;
import org.backupmx.history.HistoryEntry;
import org.backupmx.history.HistoryException;
import org.backupmx.history.HistoryStore;
import org.backupmx.internal.runtime.EngineRuntime;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.SpooledMessage;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.InMemorySpool;
import org.backupmx.testing.FakeIntakeServer;
import org.backupmx.testing.FakeMxResolver;
import org.backupmx.testing.FakeRelayClient;
import org.backupmx.testing.ManualScheduler;
import org.junit.jupiter.api.Test;

class HeldMailTest {

    private static final Duration DAY = Duration.ofDays(1);

    private final ManualScheduler time = new ManualScheduler();
    private final InMemorySpool spool = InMemorySpool.create();
    private final FailingHistory history = new FailingHistory();
    private final List<HeldMail.Entry> ended = new ArrayList<>();
    private final HeldMail held = started(Optional.of(history));

    /** A store in memory that fails when it is told to. */
    private static final class FailingHistory implements HistoryStore {
        private final HistoryStore store = HistoryStore.inMemory(10_000_000);
        private boolean failing;

        private void check() throws HistoryException {
            if (failing) {
                throw new HistoryException("out of order");
            }
        }

        @Override
        public void append(String series, List<HistoryEntry> entries) throws HistoryException {
            check();
            store.append(series, entries);
        }

        @Override
        public List<HistoryEntry> read(String series, Instant from, Instant to) throws HistoryException {
            check();
            return store.read(series, from, to);
        }

        @Override
        public Optional<HistoryEntry> last(String series) throws HistoryException {
            return store.last(series);
        }

        @Override
        public void replace(String series, Instant before, List<HistoryEntry> entries) throws HistoryException {
            check();
            store.replace(series, before, entries);
        }

        @Override
        public Set<String> series() throws HistoryException {
            return store.series();
        }

        @Override
        public void remove(String series) throws HistoryException {
            store.remove(series);
        }

        @Override
        public void close() {}
    }

    private EngineRuntime runtime() {
        return new EngineRuntime(time.drive(BackupMx.builder())
                .hostname("mx2.example.net")
                .relayDomains("example.test")
                .intakeServer(new FakeIntakeServer(time))
                .relayClient(new FakeRelayClient())
                .spool(spool)
                .mxResolver(new FakeMxResolver())
                .build()
                .config());
    }

    private HeldMail started(Optional<HistoryStore> store) {
        HeldMail made = new HeldMail(spool, store, runtime(), ended::add);
        made.start();
        return made;
    }

    private SpoolId queued() throws SpoolException {
        try (SpoolWriter writer = spool.begin(Envelopes.to("u@example.test"), time.now())) {
            writer.write(ByteBuffer.wrap("Subject: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
            return writer.commit().toCompletableFuture().join();
        }
    }

    private SpooledMessage message(SpoolId id) {
        return new SpooledMessage(id, Envelopes.to("u@example.test"), time.now(), 14);
    }

    private boolean isHeld(SpoolId id) throws SpoolException {
        return spool.find(id).orElseThrow().held();
    }

    private boolean canBeLeased() throws SpoolException {
        return !spool.lease(new LeaseRequest(
                        MailDomain.of("example.test"),
                        time.now(),
                        Instant.MAX,
                        time.now().plus(DAY),
                        1))
                .isEmpty();
    }

    @Test
    void whatIsHeldIsNotDeliveredAndKnownWithItsReason() throws Exception {
        SpoolId id = queued();
        assertThat(held.hold(message(id), HeldMail.Reason.DEAD_LETTER, DAY, "550 5.1.1 Unknown"))
                .isTrue();
        assertThat(canBeLeased()).isFalse();
        assertThat(held.find(id))
                .contains(new HeldMail.Entry(
                        id, HeldMail.Reason.DEAD_LETTER, time.now(), time.now().plus(DAY), "550 5.1.1 Unknown"));
        assertThat(held.count(HeldMail.Reason.DEAD_LETTER)).isOne();
        assertThat(held.count(HeldMail.Reason.RECYCLED)).isZero();

        assertThat(held.release(id)).isTrue();
        assertThat(canBeLeased()).isTrue();
        assertThat(held.find(id)).isEmpty();
        assertThat(held.release(id)).as("no more ours").isFalse();
    }

    @Test
    void whatIsNotQueuedIsNotHeld() throws Exception {
        SpoolId id = queued();
        spool.delete(id);
        assertThat(held.hold(message(id), HeldMail.Reason.EXPIRED, DAY, "")).isFalse();
        assertThat(held.find(id)).isEmpty();
    }

    @Test
    void whatAnOperatorHeldIsNotOurs() throws Exception {
        SpoolId id = queued();
        spool.hold(id);
        assertThat(held.release(id)).isFalse();
        assertThat(isHeld(id)).isTrue();
    }

    @Test
    void atTheEndOfItsTimeItIsDeletedAndTold() throws Exception {
        SpoolId first = queued();
        SpoolId second = queued();
        held.hold(message(first), HeldMail.Reason.RECYCLED, DAY, "");
        held.hold(message(second), HeldMail.Reason.EXPIRED, DAY.multipliedBy(2), "451 4.4.7 Late");
        time.advance(DAY.minus(HeldMail.BEAT));
        assertThat(spool.find(first)).isPresent();
        time.advance(HeldMail.BEAT.multipliedBy(2));
        assertThat(spool.find(first)).isEmpty();
        assertThat(spool.find(second)).isPresent();
        assertThat(ended).extracting(HeldMail.Entry::id).containsExactly(first);
        time.advance(DAY);
        assertThat(ended).extracting(HeldMail.Entry::id).containsExactly(first, second);
        assertThat(held.entries(Optional.empty(), Optional.empty(), 10)).isEmpty();
    }

    @Test
    void whatWasReleasedPastUsIsNotDeleted() throws Exception {
        SpoolId id = queued();
        held.hold(message(id), HeldMail.Reason.DEAD_LETTER, Duration.ZERO, "");
        spool.release(id);
        time.advance(DAY);
        assertThat(spool.find(id)).isPresent();
        assertThat(held.find(id)).isEmpty();
        assertThat(ended).isEmpty();
    }

    @Test
    void whatIsGoneIsForgottenLongBeforeItsEnd() throws Exception {
        SpoolId gone = queued();
        SpoolId there = queued();
        held.hold(message(gone), HeldMail.Reason.DEAD_LETTER, DAY, "");
        held.hold(message(there), HeldMail.Reason.DEAD_LETTER, DAY, "");
        spool.delete(gone);
        time.advance(HeldMail.COMPARE_BEAT.multipliedBy(2));
        assertThat(held.entries(Optional.empty(), Optional.empty(), 10))
                .extracting(HeldMail.Entry::id)
                .containsExactly(there);
    }

    @Test
    void holdingAgainChangesWhyAndUntilWhen() throws Exception {
        SpoolId id = queued();
        held.hold(message(id), HeldMail.Reason.DEAD_LETTER, DAY, "");
        held.hold(message(id), HeldMail.Reason.RECYCLED, DAY.multipliedBy(3), "");
        time.advance(DAY.multipliedBy(2));
        assertThat(isHeld(id)).isTrue();
        assertThat(held.find(id)).map(HeldMail.Entry::reason).contains(HeldMail.Reason.RECYCLED);
    }

    @Test
    void isKnownAfterARestart() throws Exception {
        SpoolId kept = queued();
        SpoolId released = queued();
        held.hold(message(kept), HeldMail.Reason.DEAD_LETTER, DAY, "550 with  two spaces\tand a tab");
        held.hold(message(released), HeldMail.Reason.EXPIRED, DAY, "");
        held.release(released);
        HeldMail next = started(Optional.of(history));
        assertThat(next.entries(Optional.empty(), Optional.empty(), 10))
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.id()).isEqualTo(kept);
                    assertThat(entry.detail())
                            .startsWith("550 with  two spaces")
                            .endsWith("and a tab");
                    assertThat(entry.until()).isEqualTo(time.now().plus(DAY));
                });
    }

    @Test
    void withoutAStoreItStaysHeldAfterARestart() throws Exception {
        HeldMail forgetful = started(Optional.empty());
        SpoolId id = queued();
        forgetful.hold(message(id), HeldMail.Reason.DEAD_LETTER, DAY, "");
        HeldMail next = started(Optional.empty());
        assertThat(next.find(id)).isEmpty();
        next.sweep();
        assertThat(isHeld(id)).isTrue();
    }

    @Test
    void aStoreThatCannotBeReadAtTheStartIsReadLaterAndNotOverwritten() throws Exception {
        SpoolId before = queued();
        SpoolId endedMeanwhile = queued();
        held.hold(message(before), HeldMail.Reason.DEAD_LETTER, DAY, "");
        held.hold(message(endedMeanwhile), HeldMail.Reason.DEAD_LETTER, DAY, "");
        history.failing = true;
        HeldMail next = started(Optional.of(history));
        SpoolId meanwhile = queued();
        next.hold(message(meanwhile), HeldMail.Reason.EXPIRED, DAY, "");
        next.hold(message(endedMeanwhile), HeldMail.Reason.EXPIRED, DAY, "");
        next.release(endedMeanwhile);
        assertThat(next.find(before)).isEmpty();
        history.failing = false;
        next.sweep();
        assertThat(next.entries(Optional.empty(), Optional.empty(), 10))
                .extracting(HeldMail.Entry::id)
                .containsExactlyInAnyOrder(before, meanwhile);
    }

    @Test
    void theSeriesDoesNotGrowWithWhatIsOver() throws Exception {
        SpoolId kept = queued();
        held.hold(message(kept), HeldMail.Reason.DEAD_LETTER, DAY, "kept");
        SpoolId id = queued();
        for (int i = 0; i < 1_000; i++) {
            held.hold(message(id), HeldMail.Reason.DEAD_LETTER, DAY, "");
            held.release(id);
        }
        held.sweep();
        assertThat(history.read(HeldJournal.SERIES, Instant.MIN, Instant.MAX)).hasSize(1);
        assertThat(started(Optional.of(history)).find(kept))
                .map(HeldMail.Entry::detail)
                .contains("kept");
    }

    @Test
    void aLineThatIsNotUnderstoodIsLeftOut() throws Exception {
        SpoolId id = queued();
        held.hold(message(id), HeldMail.Reason.DEAD_LETTER, DAY, "");
        for (String line : List.of("", "held", "held " + id + " WHY 2026-11-22T10:00:00Z x", "lost " + id, "gone ä")) {
            history.append(HeldJournal.SERIES, List.of(new HistoryEntry(time.now(), line)));
        }
        assertThat(started(Optional.of(history)).find(id)).isPresent();
    }

    private HeldPlaces.Sum sum(HeldMail of, String domain, HeldMail.Reason reason) {
        return of.places().sum(MailDomain.of(domain), reason);
    }

    @Test
    void whatIsHeldIsCountedByDomainAndReason() throws Exception {
        SpoolId first = queued();
        SpoolId second = queued();
        held.hold(message(first), HeldMail.Reason.DEAD_LETTER, DAY, "");
        held.hold(message(second), HeldMail.Reason.DEAD_LETTER, DAY.multipliedBy(2), "");
        held.hold(message(second), HeldMail.Reason.DEAD_LETTER, DAY.multipliedBy(2), "again");
        assertThat(sum(held, "example.test", HeldMail.Reason.DEAD_LETTER)).isEqualTo(new HeldPlaces.Sum(2, 28));
        assertThat(sum(held, "other.test", HeldMail.Reason.DEAD_LETTER)).isEqualTo(HeldPlaces.Sum.NOTHING);
        held.hold(message(first), HeldMail.Reason.RECYCLED, DAY, "");
        assertThat(sum(held, "example.test", HeldMail.Reason.DEAD_LETTER).messages())
                .isOne();
        assertThat(sum(held, "example.test", HeldMail.Reason.RECYCLED).messages())
                .isOne();
        held.release(first);
        assertThat(sum(held, "example.test", HeldMail.Reason.RECYCLED)).isEqualTo(HeldPlaces.Sum.NOTHING);
        time.advance(DAY.multipliedBy(3));
        assertThat(sum(held, "example.test", HeldMail.Reason.DEAD_LETTER)).isEqualTo(HeldPlaces.Sum.NOTHING);
    }

    @Test
    void whatWasHeldBeforeTheStartIsLocatedOnce() throws Exception {
        SpoolId id = queued();
        SpoolId unheld = queued();
        held.hold(message(id), HeldMail.Reason.EXPIRED, DAY, "");
        held.hold(message(unheld), HeldMail.Reason.EXPIRED, DAY, "");
        spool.release(unheld);
        HeldMail next = started(Optional.of(history));
        assertThat(sum(next, "example.test", HeldMail.Reason.EXPIRED)).isEqualTo(HeldPlaces.Sum.NOTHING);
        next.places().locate();
        assertThat(sum(next, "example.test", HeldMail.Reason.EXPIRED).messages())
                .isOne();
        next.places().locate();
        assertThat(sum(next, "example.test", HeldMail.Reason.EXPIRED).messages())
                .isOne();
    }

    @Test
    void pagesAreInOrderAndByReason() throws Exception {
        List<SpoolId> ids = new ArrayList<>();
        for (int i = 0; i < 25; i++) {
            SpoolId id = queued();
            held.hold(message(id), i % 5 == 0 ? HeldMail.Reason.RECYCLED : HeldMail.Reason.DEAD_LETTER, DAY, "");
            ids.add(id);
        }
        List<SpoolId> paged = new ArrayList<>();
        Optional<SpoolId> after = Optional.empty();
        for (List<HeldMail.Entry> page = held.entries(Optional.empty(), after, 7);
                !page.isEmpty();
                page = held.entries(Optional.empty(), after, 7)) {
            page.forEach(entry -> paged.add(entry.id()));
            after = Optional.of(paged.get(paged.size() - 1));
        }
        assertThat(paged).isSorted().containsExactlyInAnyOrderElementsOf(ids);
        assertThat(held.entries(Optional.of(HeldMail.Reason.RECYCLED), Optional.empty(), 100))
                .hasSize(5);
    }

    @Test
    void aSpoolThatCannotHoldIsRefused() throws Exception {
        Spool bare = (Spool) Proxy.newProxyInstance(
                Spool.class.getClassLoader(), new Class<?>[] {Spool.class}, (proxy, method, args) -> {
                    throw new AssertionError(method);
                });
        HeldMail none = new HeldMail(bare, Optional.empty(), runtime(), entry -> {});
        assertThat(none.canHold()).isFalse();
        assertThat(held.canHold()).isTrue();
        assertThatThrownBy(() -> none.hold(message(new SpoolId("1")), HeldMail.Reason.EXPIRED, DAY, ""))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageEndingWith("(expected: a HoldableSpool)");
    }
}
