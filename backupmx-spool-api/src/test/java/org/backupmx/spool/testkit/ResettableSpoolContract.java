package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ResettableSpool;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** O6, {@link ResettableSpool}. */
public interface ResettableSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default ResettableSpool resettable(Spool spool) {
        return (ResettableSpool) spool;
    }

    @Test
    default void o6_1_attemptsBeginAnewAndTheMessageIsDueInAllItsLanes() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@a.example", "z@b.example", "u@c.example");
            SpoolId other = store(spool, "x@a.example");
            attempt(spool, "a.example", 3);
            attempt(spool, "b.example", 1);
            QueuedMessage before = queued(spool, id);
            QueuedMessage beforeOther = queued(spool, other);

            Instant due = START.plusSeconds(77);
            assertThat(resettable(spool).resetAttempts(id, due)).isTrue();

            List<MessageLane> expected = before.lanes().stream()
                    .map(lane -> new MessageLane(lane.domain(), lane.recipients(), 0, due))
                    .toList();
            assertThat(queued(spool, id)).isEqualTo(new QueuedMessage(before.message(), expected, false));
            assertThat(queued(spool, other)).isEqualTo(beforeOther);
            assertThat(lease(spool, "b.example", due.minusMillis(1))).isEmpty();
            for (String domain : List.of("b.example", "c.example")) {
                SpoolLease lease = leaseOne(spool, domain, due);
                assertThat(lease.attempts()).isZero();
                assertThat(lease.due()).isEqualTo(due);
            }
        }
    }

    @Test
    default void o6_2_leaseUnderWayGoesOnAndItsSettlementCountsFromZero() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            attempt(spool, "a.example", 2);
            SpoolLease lease = leaseOne(spool, "a.example", START);
            assertThat(lease.attempts()).isEqualTo(2);
            assertThat(resettable(spool).resetAttempts(id, START.minusSeconds(60)))
                    .isTrue();
            assertThat(lease(spool, "a.example", START)).isEmpty();

            SpoolLease renewed = spool.renew(lease, START, START.plusSeconds(80));
            spool.settle(renewed, deferred(renewed, START, START.plusSeconds(90)));
            assertThat(queued(spool, id).lanes()).singleElement().satisfies(lane -> {
                assertThat(lane.attempts()).isEqualTo(1);
                assertThat(lane.due()).isEqualTo(START.plusSeconds(90));
            });
            SpoolLease last = leaseOne(spool, "a.example", START.plusSeconds(90));
            assertThat(last.attempts()).isEqualTo(1);
            assertThat(resettable(spool).resetAttempts(id, START)).isTrue();
            spool.settle(last, relayed(last, START.plusSeconds(91)));
            assertThat(resettable(spool).resetAttempts(id, START)).isFalse();
        }
    }

    @Test
    default void o6_3_leaseThatIsGivenBackOrEndsLeavesNoAttempts() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            attempt(spool, "a.example", 2);
            SpoolLease unused = leaseOne(spool, "a.example", START);
            resettable(spool).resetAttempts(id, START);
            spool.settle(unused, Settlement.unused(START, START.plusSeconds(5)));
            SpoolLease ending = leaseOne(spool, "a.example", START.plusSeconds(5));
            assertThat(ending.attempts()).isZero();

            SpoolId second = store(spool, "y@b.example");
            attempt(spool, "b.example", 2);
            leaseOne(spool, "b.example", START);
            resettable(spool).resetAttempts(second, START);
            assertThat(leaseOne(spool, "b.example", START.plus(SpoolActions.LEASE))
                            .attempts())
                    .isZero();
        }
    }

    @Test
    default void o6_4_messageThatIsNotQueuedCannotBeReset() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter open = spool.begin(Envelopes.to("x@a.example"), START)) {
            for (SpoolId id : List.of(open.id(), new SpoolId("1"))) {
                assertThat(resettable(spool).resetAttempts(id, START)).isFalse();
            }
        }
    }

    @Test
    default void o6_5_resetOutlivesAClose() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        SpoolId id = store(spool, "x@a.example", "y@b.example");
        attempt(spool, "a.example", 2);
        SpoolLease leased = leaseOne(spool, "a.example", START);
        resettable(spool).resetAttempts(id, START.plusSeconds(5));
        assertThat(leased.attempts()).isEqualTo(2);
        QueuedMessage before = queued(spool, id);
        spool.close();
        assertThatThrownBy(() -> resettable(spool).resetAttempts(id, START))
                .isInstanceOf(SpoolUnavailableException.class);

        try (Spool again = reopen(spool)) {
            assertThat(queued(again, id)).isEqualTo(before);
            assertThat(again.nextDue(MailDomain.of("a.example"))).contains(START.plusSeconds(5));
            assertThat(again.nextDue(MailDomain.of("b.example"))).contains(START.plusSeconds(5));
        }
    }

    private static void attempt(Spool spool, String domain, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            for (SpoolLease lease : lease(spool, domain, START)) {
                spool.settle(lease, deferred(lease, START, START));
            }
        }
    }
}
