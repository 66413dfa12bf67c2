package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseOrder;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.OrderedSpool;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.junit.jupiter.api.Test;

/** O7, {@link OrderedSpool}. */
public interface OrderedSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default OrderedSpool ordered(Spool spool) {
        return (OrderedSpool) spool;
    }

    @Test
    default void o7_1_freshMessagesAreLeasedInTheOrder() throws Exception {
        try (Spool spool = newSpool()) {
            Random random = new Random(7);
            List<Integer> seconds = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                seconds.add(i);
            }
            Collections.shuffle(seconds, random);
            List<SpoolLease> byAge = new ArrayList<>();
            for (int second : seconds) {
                int bytes = random.nextInt(20);
                store(spool, Envelopes.to("x@a.example"), START.plusSeconds(second), octets(bytes, 1));
                store(spool, Envelopes.to("x@b.example"), START.plusSeconds(second), octets(bytes, 1));
            }
            Instant now = START.plusSeconds(100);
            byAge.addAll(lease(spool, now, now, 100, LeaseOrder.OLDEST));
            assertThat(byAge)
                    .hasSize(60)
                    .isSortedAccordingTo(
                            Comparator.comparing(lease -> lease.message().receivedAt()));
            giveBack(spool, byAge, now);

            List<SpoolLease> newest = new ArrayList<>();
            for (int batch = 0; batch < 6; batch++) {
                newest.addAll(lease(spool, now, now, 10, LeaseOrder.NEWEST));
            }
            assertThat(ids(newest)).containsExactlyElementsOf(reversed(ids(byAge)));
            assertThat(lease(spool, now, now, 10, LeaseOrder.NEWEST)).isEmpty();
            giveBack(spool, newest, now);

            List<SpoolLease> smallest = lease(spool, now, now, 100, LeaseOrder.SMALLEST);
            assertThat(smallest.stream().map(lease -> lease.message().sizeBytes()))
                    .isSorted();
            assertThat(ids(smallest)).containsExactlyInAnyOrderElementsOf(ids(byAge));
        }
    }

    @Test
    default void o7_2_attemptedAndRescheduledMessagesComeAfterwardsByTheirDueInstants() throws Exception {
        for (LeaseOrder order : LeaseOrder.values()) {
            try (Spool spool = newSpool()) {
                SpoolId later = store(spool, Envelopes.to("x@a.example"), START, octets(1, 1));
                SpoolId sooner = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(1), octets(2, 1));
                Instant now = START.plusSeconds(10);
                for (SpoolLease lease : lease(spool, now, now, 10, order)) {
                    boolean isLater = lease.id().equals(later);
                    spool.settle(
                            lease,
                            isLater
                                    ? deferred(lease, now, now.plusSeconds(20))
                                    : Settlement.unused(now, now.plusSeconds(15)));
                }
                SpoolId fresh = store(spool, Envelopes.to("x@a.example"), now.plusSeconds(12), octets(500, 1));
                Instant then = now.plusSeconds(30);
                assertThat(ids(lease(spool, then, then, 10, order)))
                        .as(order.name())
                        .containsExactly(fresh, sooner, later);
            }
        }
    }

    @Test
    default void o7_3_onlyWhatIsDueIsLeased() throws Exception {
        for (LeaseOrder order : LeaseOrder.values()) {
            try (Spool spool = newSpool()) {
                List<SpoolId> ids = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    ids.add(store(spool, Envelopes.to("x@a.example"), START.plusSeconds(i), octets(10 - i, 1)));
                }
                assertThat(ids(lease(spool, START.plusSeconds(9), START.plusSeconds(3), 10, order)))
                        .as(order.name())
                        .containsExactlyInAnyOrderElementsOf(ids.subList(0, 4));
                assertThat(ids(lease(spool, START.plusSeconds(9), Instant.MAX, 10, order)))
                        .as(order.name())
                        .containsExactlyInAnyOrderElementsOf(ids.subList(4, 10));
            }
        }
    }

    @Test
    default void o7_4_whatComesWhileOthersAreLeasedHasItsPlace() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId old = store(spool, Envelopes.to("x@a.example"), START, octets(50, 1));
            SpoolId middle = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(1), octets(40, 1));
            Instant now = START.plusSeconds(10);
            List<SpoolLease> first = lease(spool, now, now, 1, LeaseOrder.NEWEST);
            assertThat(ids(first)).containsExactly(middle);
            SpoolId young = store(spool, Envelopes.to("x@a.example"), START.plusSeconds(2), octets(60, 1));
            spool.settle(first.get(0), relayed(first.get(0), now));
            List<SpoolLease> rest = lease(spool, now, now, 10, LeaseOrder.NEWEST);
            assertThat(ids(rest)).containsExactly(young, old);

            Instant ended = rest.get(0).until();
            assertThat(ids(lease(spool, ended, ended, 10, LeaseOrder.SMALLEST)))
                    .as("leases that ended are as if they had never been")
                    .containsExactly(old, young);
        }
    }

    @Test
    default void o7_5_nothingIsLeasedTwiceWhateverTheOrder() throws Exception {
        try (Spool spool = newSpool()) {
            for (int i = 0; i < 9; i++) {
                store(spool, Envelopes.to("x@a.example"), START.plusSeconds(i), octets(i, 1));
            }
            Instant now = START.plusSeconds(10);
            List<SpoolId> leased = new ArrayList<>();
            for (LeaseOrder order : LeaseOrder.values()) {
                leased.addAll(ids(lease(spool, now, now, 2, order)));
            }
            leased.addAll(ids(spool.lease(SpoolActions.everything("a.example", now))));
            assertThat(leased).hasSize(9).doesNotHaveDuplicates();
        }
    }

    @Test
    default void o7_6_closedSpoolLeasesInNoOrder() throws Exception {
        Spool spool = newSpool();
        spool.close();
        assertThatThrownBy(() -> lease(spool, START, START, 1, LeaseOrder.NEWEST))
                .isInstanceOf(SpoolUnavailableException.class);
    }

    private List<SpoolLease> lease(Spool spool, Instant now, Instant dueBy, int limit, LeaseOrder order)
            throws SpoolException {
        return ordered(spool)
                .lease(
                        new LeaseRequest(MailDomain.of("a.example"), now, dueBy, now.plus(SpoolActions.LEASE), limit),
                        order);
    }

    private static void giveBack(Spool spool, List<SpoolLease> leases, Instant now) throws SpoolException {
        for (SpoolLease lease : leases) {
            spool.settle(lease, Settlement.unused(now, lease.due()));
        }
    }

    private static List<SpoolId> ids(List<SpoolLease> leases) {
        return leases.stream().map(SpoolLease::id).toList();
    }

    private static <T> List<T> reversed(List<T> list) {
        List<T> reversed = new ArrayList<>(list);
        Collections.reverse(reversed);
        return reversed;
    }
}
