package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.everything;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.HoldableSpool;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** O2, {@link HoldableSpool}. */
public interface HoldableSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default HoldableSpool holdable(Spool spool) {
        return (HoldableSpool) spool;
    }

    @Test
    default void o2_1_heldMessageIsNotLeasedInAnyLane() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId held = store(spool, "x@a.example", "y@b.example");
            SpoolId other = store(spool, "x@a.example");
            assertThat(holdable(spool).hold(held)).isTrue();
            assertThat(holdable(spool).hold(held)).as("held already").isTrue();

            assertThat(spool.lease(everything("b.example", START))).isEmpty();
            assertThat(spool.lease(everything("a.example", START)))
                    .extracting(SpoolLease::id)
                    .containsExactly(other);
            assertThat(queued(spool, held).held()).isTrue();
            assertThat(queued(spool, other).held()).isFalse();
        }
    }

    @Test
    default void o2_2_heldMessageIsCountedAndHasNoNextDue() throws Exception {
        MailDomain domain = MailDomain.of("a.example");
        try (Spool spool = newSpool()) {
            holdable(spool).hold(store(spool, "x@a.example"));
            assertThat(spool.nextDue(domain)).isEmpty();
            assertThat(spool.lanes()).containsExactly(new SpoolLane(domain, 1, 1, 100, START));
            store(spool, Envelopes.to("x@a.example"), START.plusSeconds(3), new byte[5]);

            assertThat(spool.nextDue(domain)).contains(START.plusSeconds(3));
            assertThat(spool.lanes()).containsExactly(new SpoolLane(domain, 2, 1, 105, START));
        }
    }

    @Test
    default void o2_3_releasedMessageIsDueAsBefore() throws Exception {
        Instant due = START.plusSeconds(77);
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, deferred(lease, START, due));
            holdable(spool).hold(id);
            assertThat(holdable(spool).release(id)).isTrue();
            assertThat(holdable(spool).release(id)).as("released already").isTrue();

            assertThat(spool.nextDue(MailDomain.of("a.example"))).contains(due);
            assertThat(spool.nextDue(MailDomain.of("b.example"))).contains(START);
            assertThat(leaseOne(spool, "a.example", due).attempts()).isEqualTo(1);
            assertThat(spool.lanes()).allMatch(lane -> lane.held() == 0);
        }
    }

    @Test
    default void o2_4_leaseUnderWayGoesOn() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            holdable(spool).hold(id);

            SpoolLease renewed = spool.renew(lease, START, lease.until().plusSeconds(9));
            spool.settle(renewed, deferred(renewed, lease.until(), lease.until()));
            assertThat(queued(spool, id).held()).isTrue();
            assertThat(spool.lease(everything("a.example", renewed.until()))).isEmpty();

            holdable(spool).release(id);
            SpoolLease again = leaseOne(spool, "a.example", renewed.until());
            assertThat(again.attempts()).isEqualTo(1);
            holdable(spool).hold(id);
            spool.settle(again, relayed(again, renewed.until()));
            assertThat(spool.lanes()).isEmpty();
        }
    }

    @Test
    default void o2_5_leaseThatEndsWhileHeldIsNotGivenAgain() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            holdable(spool).hold(id);
            assertThat(spool.lease(everything("a.example", lease.until()))).isEmpty();

            holdable(spool).release(id);
            assertThat(leaseOne(spool, "a.example", lease.until()).id()).isEqualTo(id);
        }
    }

    @Test
    default void o2_6_messageThatIsNotQueuedCannotBeHeld() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter open = spool.begin(Envelopes.to("x@a.example"), START)) {
            SpoolId gone = store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, relayed(lease, START));

            for (SpoolId id : List.of(gone, open.id(), new SpoolId("1"))) {
                assertThat(holdable(spool).hold(id)).isFalse();
                assertThat(holdable(spool).release(id)).isFalse();
            }
        }
    }

    @Test
    default void o2_7_holdAndReleaseOutliveAClose() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        SpoolId held = store(spool, "x@a.example");
        SpoolId released = store(spool, "x@b.example");
        holdable(spool).hold(held);
        holdable(spool).hold(released);
        holdable(spool).release(released);
        spool.close();
        assertThatThrownBy(() -> holdable(spool).hold(held)).isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(() -> holdable(spool).release(held)).isInstanceOf(SpoolUnavailableException.class);

        Spool again = reopen(spool);
        assertThat(again.lease(everything("a.example", START.plus(LEASE)))).isEmpty();
        assertThat(leaseOne(again, "b.example", START).id()).isEqualTo(released);
        holdable(again).release(held);
        assertThat(leaseOne(again, "a.example", START).id()).isEqualTo(held);
        again.close();
    }

    @Test
    default void o2_8_holdOutlivesALossOfPower() throws Exception {
        needs(SpoolAbility.CRASHABLE);
        Spool spool = newSpool();
        SpoolId held = store(spool, "x@a.example");
        holdable(spool).hold(held);

        try (Spool again = crash(spool)) {
            assertThat(queued(again, held).held()).isTrue();
        }
    }
}
