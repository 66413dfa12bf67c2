package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.time.Instant;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.ReschedulableSpool;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** O4, {@link ReschedulableSpool}. */
public interface ReschedulableSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default ReschedulableSpool reschedulable(Spool spool) {
        return (ReschedulableSpool) spool;
    }

    @Test
    default void o4_1_messageIsDueAtTheNewInstantInAllItsLanes() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            for (Instant due : List.of(START.plusSeconds(600), START.minusSeconds(600))) {
                assertThat(reschedulable(spool).reschedule(id, due)).isTrue();
                for (String domain : List.of("a.example", "b.example")) {
                    assertThat(spool.nextDue(MailDomain.of(domain))).contains(due);
                    assertThat(lease(spool, domain, due.minusMillis(1))).isEmpty();
                }
            }
            SpoolLease lease = leaseOne(spool, "a.example", START);
            assertThat(lease.due()).isEqualTo(START.minusSeconds(600));
            assertThat(lease.attempts()).isZero();
        }
    }

    @Test
    default void o4_2_leaseUnderWayGoesOnAndItsSettlementDecides() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            assertThat(reschedulable(spool).reschedule(id, START.minusSeconds(60)))
                    .isTrue();
            assertThat(lease(spool, "a.example", START)).isEmpty();

            SpoolLease renewed = spool.renew(lease, START, START.plusSeconds(80));
            assertThat(renewed).isEqualTo(lease.renewed(START.plusSeconds(80), renewed.token()));
            spool.settle(renewed, deferred(renewed, START, START.plusSeconds(90)));
            assertThat(spool.nextDue(lease.domain())).contains(START.plusSeconds(90));
        }
    }

    @Test
    default void o4_3_laneIsDueAtTheNewInstantExceptWhatIsLeased() throws Exception {
        MailDomain domain = MailDomain.of("a.example");
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease leased = leaseOne(spool, "a.example", START);
            store(spool, "x@a.example", "y@b.example");
            store(spool, "z@a.example");
            store(spool, "z@b.example");

            assertThat(reschedulable(spool).reschedule(domain, START.plusSeconds(30)))
                    .isEqualTo(2);
            assertThat(reschedulable(spool).reschedule(MailDomain.of("c.example"), START))
                    .isZero();
            assertThat(lease(spool, "a.example", START.plusSeconds(29))).isEmpty();
            assertThat(lease(spool, "b.example", START)).hasSize(2);
            assertThat(lease(spool, "a.example", START.plusSeconds(30))).hasSize(2);
            spool.settle(leased, relayed(leased, START.plusSeconds(31)));
        }
    }

    @Test
    default void o4_4_messageThatIsNotQueuedCannotBeRescheduled() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter open = spool.begin(Envelopes.to("x@a.example"), START)) {
            for (SpoolId id : List.of(open.id(), new SpoolId("1"))) {
                assertThat(reschedulable(spool).reschedule(id, START)).isFalse();
            }
        }
    }

    @Test
    default void o4_5_newDueInstantOutlivesAClose() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        SpoolId id = store(spool, "x@a.example");
        store(spool, "x@b.example");
        reschedulable(spool).reschedule(id, START.plusSeconds(5));
        reschedulable(spool).reschedule(MailDomain.of("b.example"), START.plusSeconds(6));
        spool.close();
        assertThatThrownBy(() -> reschedulable(spool).reschedule(id, START))
                .isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(() -> reschedulable(spool).reschedule(MailDomain.of("b.example"), START))
                .isInstanceOf(SpoolUnavailableException.class);

        try (Spool again = reopen(spool)) {
            assertThat(again.nextDue(MailDomain.of("a.example"))).contains(START.plusSeconds(5));
            assertThat(again.nextDue(MailDomain.of("b.example"))).contains(START.plusSeconds(6));
        }
    }
}
