package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.everything;
import static org.backupmx.spool.testkit.SpoolActions.later;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.ok;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** S7, what outlives a close and a loss of power. */
public interface SpoolRecoveryContract extends SpoolFixture {

    @Test
    default void s7_1_closedSpoolHoldsEveryCommittedMessage() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        Map<SpoolId, Envelope> envelopes = new HashMap<>();
        int size = 0;
        for (Envelope envelope : Envelopes.ofEveryKind()) {
            envelopes.put(store(spool, envelope, START.plusMillis(size), octets(size, size)), envelope);
            size += 30_011;
        }
        List<QueuedMessage> before = scan(spool);
        List<SpoolLane> lanes = spool.lanes();
        spool.close();

        try (Spool again = reopen(spool)) {
            assertThat(scan(again)).containsExactlyInAnyOrderElementsOf(before);
            assertThat(again.lanes()).containsExactlyInAnyOrderElementsOf(lanes);
            for (QueuedMessage message : before) {
                assertThat(message.message().envelope()).isEqualTo(envelopes.get(message.id()));
                int length = (int) message.message().sizeBytes();
                assertThat(read(again, message.id())).isEqualTo(octets(length, length));
            }
            assertThat(again.lease(everything("a.example", START))).hasSize(before.size());
        }
    }

    @Test
    default void s7_2_lastCommitBeforeTheCloseIsThere() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        for (int round = 0; round < 5; round++) {
            SpoolId id = store(spool, "x@a.example");
            spool.close();
            spool = reopen(spool);
            assertThat(scan(spool)).extracting(QueuedMessage::id).contains(id).hasSize(round + 1);
        }
        spool.close();
    }

    @Test
    default void s7_3_settledOutcomesAreThereAfterAClose() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        SpoolId gone = store(spool, "x@c.example");
        SpoolLease last = leaseOne(spool, "c.example", START);
        spool.settle(last, relayed(last, START));
        SpoolId id = store(spool, "x@a.example", "y@b.example", "z@a.example", "v@a.example");
        SpoolLease lease = leaseOne(spool, "a.example", START);
        Map<Integer, RecipientState> states =
                Map.of(0, new RecipientState.Relayed(ok(), START), 2, new RecipientState.Deferred(later(), START));
        spool.settle(lease, Settlement.attempted(START, states, START.plusSeconds(50)));
        List<QueuedMessage> before = scan(spool);
        spool.close();

        try (Spool again = reopen(spool)) {
            assertThat(scan(again)).isEqualTo(before).hasSize(1);
            assertThatThrownBy(() -> read(again, gone)).isInstanceOf(SpoolException.class);
            assertThat(again.nextDue(lease.domain())).contains(START.plusSeconds(50));
            SpoolLease next = leaseOne(again, "a.example", START.plusSeconds(50));
            assertThat(next.id()).isEqualTo(id);
            assertThat(next.attempts()).isEqualTo(1);
            assertThat(SpoolActions.indexes(next)).containsExactly(2, 3);
        }
    }

    @Test
    default void s7_4_closeAbandonsOpenWriters() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
        writer.write(ByteBuffer.wrap(octets(100_000, 1)));
        spool.close();
        writer.close();

        try (Spool again = reopen(spool)) {
            assertThat(scan(again)).isEmpty();
            assertThat(again.lanes()).isEmpty();
        }
    }

    @Test
    default void s7_5_closeCompletesCommitsUnderWay() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        List<CompletionStage<SpoolId>> commits = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START);
            writer.write(ByteBuffer.wrap(octets(1000, i)));
            commits.add(writer.commit());
            writer.close();
        }
        spool.close();

        Set<SpoolId> committed = new HashSet<>();
        for (CompletionStage<SpoolId> commit : commits) {
            committed.add(SpoolActions.await(commit));
        }
        try (Spool again = reopen(spool)) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactlyInAnyOrderElementsOf(committed);
        }
    }

    @Test
    default void s7_6_closeGivesUpLeases() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        store(spool, "x@a.example");
        SpoolLease old = leaseOne(spool, "a.example", START);
        spool.close();

        try (Spool again = reopen(spool)) {
            assertThat(again.nextDue(old.domain())).contains(START);
            assertThatThrownBy(() -> again.settle(old, relayed(old, START)))
                    .isInstanceOf(SpoolLeaseLostException.class);
            SpoolLease lease = leaseOne(again, "a.example", START);
            assertThat(lease.attempts()).isZero();
            assertThatThrownBy(() -> again.settle(old, relayed(old, START)))
                    .as("the lease of before the close")
                    .isInstanceOf(SpoolLeaseLostException.class);
            again.settle(lease, relayed(lease, START));
        }
    }

    @Test
    default void s7_7_identitiesAreNotUsedAgainAfterAClose() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Set<SpoolId> ids = new HashSet<>();
        Spool spool = newSpool();
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 3; i++) {
                SpoolId id = store(spool, "x@a.example");
                assertThat(ids.add(id)).as("%s is new in round %d", id, round).isTrue();
                SpoolLease lease = leaseOne(spool, "a.example", START);
                spool.settle(lease, relayed(lease, START));
            }
            spool.close();
            spool = reopen(spool);
            assertThat(scan(spool)).isEmpty();
        }
        spool.close();
    }

    @Test
    default void s7_8_lossOfPowerTakesNoCommittedMessageAndInventsNone() throws Exception {
        needs(SpoolAbility.CRASHABLE);
        Spool spool = newSpool();
        Map<SpoolId, byte[]> committed = new HashMap<>();
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 5; i++) {
                byte[] mailData = octets(17_000 * i, i);
                committed.put(store(spool, Envelopes.to("x@a.example", "y@b.example"), START, mailData), mailData);
            }
            SpoolWriter open = spool.begin(Envelopes.to("never@a.example"), START);
            open.write(ByteBuffer.wrap(octets(90_000, 9)));
            spool = crash(spool);

            assertThat(scan(spool))
                    .extracting(QueuedMessage::id)
                    .containsExactlyInAnyOrderElementsOf(committed.keySet());
            for (Map.Entry<SpoolId, byte[]> message : committed.entrySet()) {
                assertThat(read(spool, message.getKey())).isEqualTo(message.getValue());
            }
        }
        spool.close();
    }

    @Test
    default void s7_9_lossOfPowerRepeatsAnAttemptAtWorst() throws Exception {
        needs(SpoolAbility.CRASHABLE);
        Spool spool = newSpool();
        SpoolId settled = store(spool, "x@a.example");
        SpoolLease lease = leaseOne(spool, "a.example", START);
        spool.settle(lease, relayed(lease, START));
        SpoolId put = store(spool, "x@b.example");
        SpoolLease other = leaseOne(spool, "b.example", START);
        spool.settle(other, deferred(other, START, START.plusSeconds(60)));
        SpoolId leased = store(spool, "x@c.example");
        leaseOne(spool, "c.example", START);

        try (Spool again = crash(spool)) {
            Instant later = START.plus(LEASE);
            assertThat(scan(again))
                    .extracting(QueuedMessage::id)
                    .contains(put, leased)
                    .isSubsetOf(settled, put, leased);
            SpoolLease repeated = leaseOne(again, "b.example", later);
            assertThat(repeated.attempts()).isBetween(0, 1);
            assertThat(repeated.recipients()).hasSize(1);
            assertThat(leaseOne(again, "c.example", later).attempts()).isZero();
        }
    }

    @Test
    default void s7_10_abilitiesAreStatedTruly() throws Exception {
        if (!abilities().contains(SpoolAbility.PERSISTENT)) {
            try (Spool spool = newSpool()) {
                assertThatThrownBy(() -> reopen(spool))
                        .as("a spool that can be opened again is PERSISTENT")
                        .isInstanceOf(UnsupportedOperationException.class);
            }
            assertThat(abilities()).doesNotContain(SpoolAbility.CRASHABLE, SpoolAbility.DAMAGEABLE);
        }
    }
}
