package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.everything;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFullException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** S6, health, close and threads. */
public interface SpoolLifeContract extends SpoolFixture {

    @Test
    default void s6_1_freshSpoolAccepts() throws Exception {
        try (Spool spool = newSpool()) {
            assertThat(spool.health().isAccepting()).isTrue();
            assertThat(spool.nonBlockingBytes()).isNotNegative();
        }
    }

    @Test
    default void s6_2_closedSpoolIsUnavailable() throws Exception {
        Spool spool = newSpool();
        SpoolId id = store(spool, "x@a.example");
        SpoolLease lease = leaseOne(spool, "a.example", START);
        spool.close();

        List<ThrowingCallable> calls = List.of(
                () -> spool.begin(Envelopes.to("x@a.example"), START),
                spool::lanes,
                () -> spool.nextDue(MailDomain.of("a.example")),
                () -> spool.lease(everything("a.example", START)),
                () -> spool.renew(lease, START, START.plus(LEASE)),
                () -> spool.read(id),
                () -> spool.settle(lease, Settlement.unused(START, START)),
                () -> spool.scan(entry -> {}));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call).isInstanceOf(SpoolUnavailableException.class);
        }
        assertThat(spool.health().isAccepting()).isFalse();
    }

    @Test
    default void s6_3_secondCloseDoesNothing() throws Exception {
        Spool spool = newSpool();
        store(spool, "x@a.example");
        spool.close();
        spool.close();
    }

    @Test
    default void s6_4_writerOfAClosedSpoolCannotCommit() throws Exception {
        Spool spool = newSpool();
        SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
        writer.write(ByteBuffer.wrap(octets(10, 1)));
        spool.close();

        assertThatThrownBy(() -> SpoolActions.await(writer.commit()))
                .isInstanceOfAny(SpoolException.class, IllegalStateException.class);
        writer.close();
    }

    @Test
    default void s6_5_fullSpoolRefusesNewMessagesAndServesTheOthers() throws Exception {
        needs(SpoolAbility.BOUNDED);
        byte[] mailData = octets(20_000, 1);
        try (Spool spool = newSpool(200_000)) {
            List<SpoolId> ids = new ArrayList<>();
            assertThatThrownBy(() -> {
                        while (ids.size() < 1000) {
                            ids.add(store(spool, Envelopes.to("x@a.example"), START, mailData));
                        }
                    })
                    .isInstanceOf(SpoolFullException.class);

            assertThat(ids).isNotEmpty();
            for (SpoolId id : ids) {
                assertThat(read(spool, id)).isEqualTo(mailData);
            }
            List<SpoolLease> leases = spool.lease(everything("a.example", START));
            assertThat(leases).extracting(SpoolLease::id).containsExactlyInAnyOrderElementsOf(ids);
            for (SpoolLease lease : leases) {
                spool.settle(lease, relayed(lease, START));
            }
            assertThat(spool.lanes()).isEmpty();
        }
    }

    @Test
    default void s6_6_writersAndLeasersWorkAtOnce() throws Exception {
        try (Spool spool = newSpool()) {
            writeAndLeaseAtOnce(List.of(spool));
        }
    }

    @Test
    default void s6_7_sharersWorkAtOnce() throws Exception {
        needs(SpoolAbility.SHAREABLE);
        try (Spool one = newSpool();
                Spool other = share(one)) {
            writeAndLeaseAtOnce(List.of(one, other));
        }
    }

    /** Writers and leasers on every spool; two lanes; each lane of each message may be held by one leaser only. */
    private static void writeAndLeaseAtOnce(List<Spool> sharers) throws Exception {
        int threads = 4;
        int messagesEach = 40;
        int places = threads * messagesEach * 2;
        Map<String, Thread> holders = new ConcurrentHashMap<>();
        Map<SpoolId, byte[]> written = new ConcurrentHashMap<>();
        AtomicInteger done = new AtomicInteger();
        Instant until = START.plus(LEASE);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);

        List<Callable<Void>> work = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int number = t;
            Spool spool = sharers.get(t % sharers.size());
            work.add(() -> {
                for (int i = 0; i < messagesEach; i++) {
                    byte[] mailData = octets(500 * i, number);
                    try (SpoolWriter writer = spool.begin(Envelopes.to("x@a.example", "y@b.example"), START)) {
                        written.put(writer.id(), mailData);
                        writer.write(ByteBuffer.wrap(mailData));
                        SpoolActions.await(writer.commit());
                    }
                }
                return null;
            });
            work.add(() -> {
                for (int round = number; done.get() < places && System.nanoTime() < deadline; round++) {
                    MailDomain lane = MailDomain.of(round % 2 == 0 ? "a.example" : "b.example");
                    for (SpoolLease lease : spool.lease(new LeaseRequest(lane, START, START, until, 3))) {
                        String place = lease.id() + " in " + lease.domain();
                        Thread holder = holders.put(place, Thread.currentThread());
                        if (holder != null) {
                            throw new AssertionError(place + " leased twice, first by " + holder);
                        }
                        byte[] expected = written.get(lease.id());
                        if (!Arrays.equals(expected, read(spool, lease.id()))) {
                            throw new AssertionError(place + " has other octets");
                        }
                        spool.settle(lease, relayed(lease, START));
                        done.incrementAndGet();
                    }
                    spool.nextDue(lane);
                    spool.lanes();
                }
                return null;
            });
        }
        runAll(work);

        assertThat(done).hasValue(places);
        assertThat(sharers.get(0).lanes()).isEmpty();
        assertThat(SpoolActions.scan(sharers.get(0))).isEmpty();
    }

    private static void runAll(List<Callable<Void>> work) throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(work.size());
        try {
            List<Future<Void>> futures = new ArrayList<>();
            work.forEach(each -> futures.add(workers.submit(each)));
            for (Future<Void> future : futures) {
                future.get(90, TimeUnit.SECONDS);
            }
        } finally {
            workers.shutdownNow();
        }
    }
}
