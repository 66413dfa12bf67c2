package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.everything;
import static org.backupmx.spool.testkit.SpoolActions.indexes;
import static org.backupmx.spool.testkit.SpoolActions.later;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.never;
import static org.backupmx.spool.testkit.SpoolActions.ok;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.junit.jupiter.api.Test;

/** S4, renewing and settling. */
public interface SpoolSettleContract extends SpoolFixture {

    @Test
    default void s4_1_renewMovesTheEnd() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            Instant until = lease.until().plusSeconds(30);

            SpoolLease renewed = spool.renew(lease, lease.until().minusMillis(1), until);
            assertThat(renewed.until()).isEqualTo(until);
            assertThat(renewed.id()).isEqualTo(lease.id());
            assertThat(renewed.recipients()).isEqualTo(lease.recipients());
            assertThat(renewed.due()).isEqualTo(lease.due());
            assertThat(renewed.attempts()).isZero();
            assertThat(spool.nextDue(lease.domain())).contains(until);
            assertThat(spool.lease(everything("a.example", until.minusMillis(1))))
                    .isEmpty();

            SpoolLease again = spool.renew(renewed, until.minusMillis(1), until.plusSeconds(30));
            spool.settle(again, deferred(again, until.plusSeconds(1), until.plusSeconds(40)));
            assertThat(leaseOne(spool, "a.example", until.plusSeconds(40)).attempts())
                    .isEqualTo(1);
        }
    }

    @Test
    default void s4_2_renewedLeaseEndsAtItsNewEnd() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            SpoolLease renewed = spool.renew(lease, START, START.plusSeconds(10));

            assertLost(() -> spool.settle(renewed, relayed(renewed, START.plusSeconds(10))));
            assertThat(lease(spool, "a.example", START.plusSeconds(10))).hasSize(1);
        }
    }

    @Test
    default void s4_3_renewOfALostLeaseIsRefused() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease ended = leaseOne(spool, "a.example", START);
            Instant end = ended.until();
            assertLost(() -> spool.renew(ended, end, end.plusSeconds(5)));

            SpoolLease taken = leaseOne(spool, "a.example", end);
            assertLost(() -> spool.renew(ended, START, end.plusSeconds(5)));
            spool.settle(taken, deferred(taken, end, end));
            assertLost(() -> spool.renew(taken, end, end.plusSeconds(5)));

            SpoolLease last = leaseOne(spool, "a.example", end);
            spool.settle(last, relayed(last, end));
            assertLost(() -> spool.renew(last, end, end.plusSeconds(5)));
            assertThat(scan(spool)).isEmpty();
        }
    }

    @Test
    default void s4_4_recipientsAreSettledOneByOne() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "p@a.example", "q@a.example", "other@b.example", "r@a.example", "s@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            assertThat(indexes(lease)).containsExactly(0, 1, 3, 4);
            Instant next = START.plusSeconds(60);
            RecipientState.Deferred deferred = new RecipientState.Deferred(later(), START);
            spool.settle(
                    lease,
                    Settlement.attempted(
                            START,
                            Map.of(
                                    0, new RecipientState.Relayed(ok(), START),
                                    1, deferred,
                                    4, new RecipientState.Failed(never(), START)),
                            next));

            assertThat(lease(spool, "a.example", next.minusMillis(1))).isEmpty();
            SpoolLease second = leaseOne(spool, "a.example", next);
            assertThat(second.recipients())
                    .containsExactly(
                            new QueuedRecipient(1, recipient(second, 1), deferred),
                            new QueuedRecipient(3, recipient(second, 3), RecipientState.Pending.INSTANCE));
            assertThat(second.message()).isEqualTo(lease.message());

            spool.settle(
                    second, Settlement.attempted(next, Map.of(1, new RecipientState.Expired(later(), next)), next));
            SpoolLease third = leaseOne(spool, "a.example", next);
            assertThat(indexes(third)).containsExactly(3);
            assertThat(indexes(leaseOne(spool, "b.example", START))).containsExactly(2);
            assertThat(queued(spool, id).lanes()).hasSize(2);
        }
    }

    private static Recipient recipient(SpoolLease lease, int index) {
        return lease.message().envelope().recipients().get(index);
    }

    @Test
    default void s4_5_messageIsGoneWhenEveryRecipientIsFinal() throws Exception {
        List<RecipientState> finals = List.of(
                new RecipientState.Relayed(ok(), START),
                new RecipientState.Failed(never(), START),
                new RecipientState.Expired(later(), START));
        try (Spool spool = newSpool()) {
            for (RecipientState last : finals) {
                SpoolId id = store(spool, "x@a.example", "y@b.example");
                SpoolLease a = leaseOne(spool, "a.example", START);
                spool.settle(a, Settlement.attempted(START, Map.of(0, last), START));
                assertThat(lease(spool, "a.example", START)).isEmpty();
                assertThat(queued(spool, id).lanes()).hasSize(1);
                SpoolLease b = leaseOne(spool, "b.example", START);
                spool.settle(b, Settlement.attempted(START, Map.of(1, last), START));

                assertThat(scan(spool)).isEmpty();
                assertThat(spool.lanes()).isEmpty();
                assertThatThrownBy(() -> read(spool, id)).isInstanceOf(SpoolException.class);
            }
        }
    }

    @Test
    default void s4_6_attemptsAreCountedLaneByLane() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            Instant now = START;
            for (int attempts = 0; attempts < 4; attempts++) {
                SpoolLease lease = leaseOne(spool, "a.example", now);
                assertThat(lease.attempts()).isEqualTo(attempts);
                now = now.plusSeconds(10);
                spool.settle(lease, deferred(lease, now, now));
            }

            assertThat(leaseOne(spool, "b.example", now).attempts()).isZero();
            assertThat(queued(spool, id).lanes())
                    .extracting(MessageLane::attempts)
                    .containsExactly(4, 0);
        }
    }

    @Test
    default void s4_7_settlingAtOrAfterTheEndIsRefusedAndChangesNothing() throws Exception {
        for (Duration late : List.of(Duration.ZERO, Duration.ofMillis(1), Duration.ofDays(1))) {
            try (Spool spool = newSpool()) {
                SpoolId id = store(spool, "x@a.example", "y@a.example");
                SpoolLease lease = leaseOne(spool, "a.example", START);
                QueuedMessage before = queued(spool, id);
                Instant at = lease.until().plus(late);

                assertLost(() -> spool.settle(lease, relayed(lease, at)));
                assertLost(() -> spool.settle(lease, deferred(lease, at, at.plusSeconds(99))));
                assertThat(queued(spool, id)).isEqualTo(before);
                assertThat(leaseOne(spool, "a.example", at).attempts()).isZero();
            }
        }
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, relayed(lease, lease.until().minusMillis(1)));
            assertThat(scan(spool)).isEmpty();
        }
    }

    @Test
    default void s4_8_leaseIsSettledOnce() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, deferred(lease, START, START.plusSeconds(1)));
            QueuedMessage before = queued(spool, id);

            assertLost(() -> spool.settle(lease, relayed(lease, START)));
            assertThat(queued(spool, id)).isEqualTo(before);

            SpoolLease last = leaseOne(spool, "a.example", START.plusSeconds(1));
            spool.settle(last, relayed(last, START.plusSeconds(1)));
            assertLost(() -> spool.settle(last, relayed(last, START.plusSeconds(1))));
        }
    }

    @Test
    default void s4_9_settlingALeaseThatAnotherHoldsNowIsRefused() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            SpoolLease lost = leaseOne(spool, "a.example", START);
            SpoolLease taken = leaseOne(spool, "a.example", lost.until());

            assertLost(() -> spool.settle(lost, relayed(lost, START)));
            assertThat(queued(spool, id).lanes().get(0).recipients().get(0).state())
                    .isEqualTo(RecipientState.Pending.INSTANCE);
            spool.settle(taken, relayed(taken, lost.until()));
            assertThat(scan(spool)).isEmpty();
        }
    }

    @Test
    default void s4_10_settlementOfARecipientNotLeasedIsABug() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example", "z@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            QueuedMessage before = queued(spool, id);
            RecipientState state = new RecipientState.Relayed(ok(), START);

            for (int index : new int[] {1, 3, -1}) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> spool.settle(
                                lease, Settlement.attempted(START, Map.of(0, state, index, state), START)));
            }
            assertThat(queued(spool, id)).isEqualTo(before);
            spool.settle(lease, Settlement.attempted(START, Map.of(0, state), START));
            SpoolLease rest = leaseOne(spool, "a.example", START);
            assertThatIllegalArgumentException()
                    .as("a final recipient is not leased")
                    .isThrownBy(() -> spool.settle(rest, Settlement.attempted(START, Map.of(0, state), START)));
        }
    }

    @Test
    default void s4_11_unusedLeaseGivesTheMessageBackUncounted() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START.plusSeconds(3));
            spool.settle(lease, Settlement.unused(START.plusSeconds(4), lease.due()));

            SpoolLease again = leaseOne(spool, "a.example", START);
            assertThat(again.attempts()).isZero();
            assertThat(again.due()).isEqualTo(START);
            assertThat(again.recipients()).isEqualTo(lease.recipients());
        }
    }

    @Test
    default void s4_12_nextDueHasNoMeaningWhenAllIsFinal() throws Exception {
        try (Spool spool = newSpool()) {
            for (Instant nextDue : List.of(Instant.MAX, Instant.MIN, Instant.EPOCH)) {
                store(spool, "x@a.example");
                SpoolLease lease = leaseOne(spool, "a.example", START);
                Map<Integer, RecipientState> relayed = Map.of(0, new RecipientState.Relayed(ok(), START));
                spool.settle(lease, Settlement.attempted(START, relayed, nextDue));
                assertThat(scan(spool)).isEmpty();
            }
        }
    }

    @Test
    default void s4_13_statesAreGivenBackAsSettled() throws Exception {
        Instant at = START.plusMillis(77);
        List<SmtpReply> replies = List.of(
                later(),
                SmtpReply.of(421, List.of("")),
                SmtpReply.of(554, "5.4.7", "Given up, kept for an operator"),
                SmtpReply.of(450, "4.7.1", "Gr\u00fc\u00dfe \u7528\u6237 \ud83d\udcee"),
                SmtpReply.of(499, List.of("first line", "", "a\tb", "x".repeat(2000))),
                SmtpReply.of(452, later().enhanced(), Collections.nCopies(SmtpReply.MAX_LINES, "line")));
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            for (SmtpReply reply : replies) {
                RecipientState state = new RecipientState.Deferred(reply, at);
                SpoolLease lease = leaseOne(spool, "a.example", at);
                spool.settle(lease, Settlement.attempted(at, Map.of(0, state), at));

                SpoolLease next = leaseOne(spool, "a.example", at);
                assertThat(next.recipients().get(0).state()).isEqualTo(state);
                assertThat(queued(spool, id).lanes().get(0).recipients().get(0).state())
                        .isEqualTo(state);
                spool.settle(next, Settlement.unused(at, at));
            }
            SpoolLease lease = leaseOne(spool, "a.example", at);
            spool.settle(lease, Settlement.attempted(at, Map.of(0, RecipientState.Pending.INSTANCE), at));
            assertThat(leaseOne(spool, "a.example", at.plus(LEASE))
                            .recipients()
                            .get(0)
                            .state())
                    .isEqualTo(RecipientState.Pending.INSTANCE);
        }
    }

    private static void assertLost(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(SpoolLeaseLostException.class);
    }
}
