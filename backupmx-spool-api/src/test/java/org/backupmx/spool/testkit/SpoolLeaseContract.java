package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.everything;
import static org.backupmx.spool.testkit.SpoolActions.indexes;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLane;
import org.backupmx.spool.SpoolLease;
import org.junit.jupiter.api.Test;

/** S3, lanes and leases. */
public interface SpoolLeaseContract extends SpoolFixture {

    @Test
    default void s3_1_messageStandsInOneLaneForEachDomainWithItsDataOnce() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id =
                    store(spool, Envelopes.to("x@a.example", "y@b.example", "z@A.Example"), START, octets(70_000, 3));

            SpoolLease a = leaseOne(spool, "a.example", START);
            SpoolLease b = leaseOne(spool, "b.example", START);
            assertThat(a.id()).isEqualTo(id).isEqualTo(b.id());
            assertThat(indexes(a)).containsExactly(0, 2);
            assertThat(indexes(b)).containsExactly(1);
            assertThat(scan(spool)).hasSize(1);

            spool.settle(a, relayed(a, START));
            assertThat(read(spool, id)).isEqualTo(octets(70_000, 3));
            assertThat(spool.lanes()).extracting(SpoolLane::domain).containsExactly(MailDomain.of("b.example"));
            spool.settle(b, relayed(b, START));
            assertThat(spool.lanes()).isEmpty();
        }
    }

    @Test
    default void s3_2_lanesTellWhatWaits() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, Envelopes.to("x@a.example", "y@b.example"), START.plusSeconds(5), octets(70_000, 1));
            store(spool, Envelopes.to("x@a.example"), START, octets(3, 1));
            store(spool, Envelopes.to("x@a.example"), START.plusSeconds(9), octets(0, 1));
            leaseOne(spool, "a.example", START);

            assertThat(spool.lanes())
                    .containsExactlyInAnyOrder(
                            new SpoolLane(MailDomain.of("a.example"), 3, 0, 70_003, START),
                            new SpoolLane(MailDomain.of("b.example"), 1, 0, 70_000, START.plusSeconds(5)));
        }
    }

    @Test
    default void s3_3_laneWithoutMessagesIsNotTold() throws Exception {
        try (Spool spool = newSpool()) {
            assertThat(spool.lanes()).isEmpty();
            store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            assertThat(spool.lanes()).hasSize(1);
            spool.settle(lease, relayed(lease, START));

            assertThat(spool.lanes()).isEmpty();
            assertThat(lease(spool, "a.example", START)).isEmpty();
        }
    }

    @Test
    default void s3_4_nextDueIsTheEarliestInstantAtWhichALeaseIsGiven() throws Exception {
        MailDomain domain = MailDomain.of("a.example");
        try (Spool spool = newSpool()) {
            assertThat(spool.nextDue(domain)).isEmpty();
            store(spool, Envelopes.to("x@a.example"), START.plusSeconds(20), octets(1, 1));
            store(spool, Envelopes.to("y@a.example"), START, octets(1, 1));
            store(spool, Envelopes.to("y@b.example"), START.minusSeconds(9), octets(1, 1));
            assertThat(spool.nextDue(domain)).contains(START);

            SpoolLease lease = leaseOne(spool, "a.example", START);
            assertThat(spool.nextDue(domain)).as("the other's due").contains(START.plusSeconds(20));
            SpoolLease other = leaseOne(spool, "a.example", START.plusSeconds(20));
            assertThat(spool.nextDue(domain)).as("the first lease's end").contains(lease.until());

            spool.settle(other, deferred(other, START.plusSeconds(21), START.plusSeconds(30)));
            assertThat(spool.nextDue(domain)).as("the new due").contains(START.plusSeconds(30));
            spool.settle(lease, relayed(lease, START.plusSeconds(22)));
            other = leaseOne(spool, "a.example", START.plusSeconds(30));
            spool.settle(other, relayed(other, START.plusSeconds(31)));
            assertThat(spool.nextDue(domain)).isEmpty();
        }
    }

    @Test
    default void s3_5_onlyTheLaneAskedForIsLeased() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            store(spool, "x@b.a.example");

            assertThat(lease(spool, "example", START)).isEmpty();
            assertThat(lease(spool, "c.example", START)).isEmpty();
            assertThat(leaseOne(spool, "a.example", START).domain()).isEqualTo(MailDomain.of("a.example"));
            assertThat(leaseOne(spool, "b.a.example", START).domain()).isEqualTo(MailDomain.of("b.a.example"));
        }
    }

    @Test
    default void s3_6_whatIsDueByTheInstantIsLeasedAndInstantMaxDrainsAll() throws Exception {
        try (Spool spool = newSpool()) {
            Instant due = START.plusSeconds(60);
            store(spool, Envelopes.to("x@a.example"), due, octets(1, 1));
            store(spool, Envelopes.to("x@a.example"), due.plus(Duration.ofDays(400)), octets(1, 1));

            assertThat(lease(spool, "a.example", due.minusMillis(1))).isEmpty();
            LeaseRequest atDue = new LeaseRequest(MailDomain.of("a.example"), START, due, due, 10);
            assertThat(spool.lease(atDue)).hasSize(1);
            assertThat(spool.lease(everything("a.example", START))).hasSize(1);
        }
    }

    @Test
    default void s3_7_atMostTheLimitIsLeased() throws Exception {
        try (Spool spool = newSpool()) {
            for (int i = 0; i < 5; i++) {
                store(spool, "x@a.example", "y@a.example");
            }
            Set<SpoolId> ids = new HashSet<>();
            List<Integer> sizes = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                List<SpoolLease> leases =
                        spool.lease(new LeaseRequest(MailDomain.of("a.example"), START, START, START.plus(LEASE), 2));
                leases.forEach(lease -> ids.add(lease.id()));
                sizes.add(leases.size());
            }

            assertThat(sizes).containsExactly(2, 2, 1, 0);
            assertThat(ids).hasSize(5);
        }
    }

    @Test
    default void s3_8_earliestDueComesFirst() throws Exception {
        try (Spool spool = newSpool()) {
            for (int seconds : new int[] {50, 10, 40, 0, 30, 20}) {
                store(spool, Envelopes.to("x@a.example"), START.plusSeconds(seconds), octets(1, 1));
            }
            List<SpoolLease> first = spool.lease(
                    new LeaseRequest(MailDomain.of("a.example"), START, Instant.MAX, START.plusSeconds(1), 3));
            assertThat(first)
                    .extracting(lease -> Duration.between(START, lease.due()).toSeconds())
                    .containsExactly(0L, 10L, 20L);
            for (SpoolLease lease : first) {
                spool.settle(lease, deferred(lease, START, lease.due().plusSeconds(25)));
            }

            assertThat(spool.lease(everything("a.example", START)))
                    .extracting(lease -> Duration.between(START, lease.due()).toSeconds())
                    .containsExactly(25L, 30L, 35L, 40L, 45L, 50L);
        }
    }

    @Test
    default void s3_9_leaseTellsAllThatAnAttemptNeeds() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, Envelopes.toMany(1000, "a.example", "b.example"), START, octets(12_345, 1));
            Instant until = START.plusMillis(61_001);

            SpoolLease lease = spool.lease(
                            new LeaseRequest(MailDomain.of("a.example"), START.plusSeconds(1), Instant.MAX, until, 1))
                    .get(0);

            assertThat(lease.id()).isEqualTo(id);
            assertThat(lease.message().sizeBytes()).isEqualTo(12_345);
            assertThat(lease.message().envelope().recipients()).hasSize(1000);
            assertThat(lease.recipients()).hasSize(500).allSatisfy(recipient -> {
                assertThat(recipient.index() % 2).isZero();
                assertThat(recipient.recipient())
                        .isEqualTo(lease.message().envelope().recipients().get(recipient.index()));
                assertThat(recipient.state()).isEqualTo(RecipientState.Pending.INSTANCE);
            });
            assertThat(indexes(lease)).isSorted();
            assertThat(lease.attempts()).isZero();
            assertThat(lease.due()).isEqualTo(START);
            assertThat(lease.until()).isEqualTo(until);
        }
    }

    @Test
    default void s3_10_messageIsLeasedOnceAtATimeInALane() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example", "y@b.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);

            Instant last = lease.until().minusMillis(1);
            assertThat(spool.lease(everything("a.example", START))).isEmpty();
            assertThat(spool.lease(everything("a.example", last))).isEmpty();
            assertThat(leaseOne(spool, "b.example", last).domain()).isEqualTo(MailDomain.of("b.example"));
        }
    }

    @Test
    default void s3_11_endedLeaseIsAsIfItHadNeverBeen() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            SpoolLease first = leaseOne(spool, "a.example", START);

            SpoolLease second = leaseOne(spool, "a.example", first.until());
            assertThat(second.id()).isEqualTo(first.id());
            assertThat(second.attempts()).isZero();
            assertThat(second.due()).isEqualTo(first.due());
            assertThat(second.recipients()).isEqualTo(first.recipients());
        }
    }

    @Test
    default void s3_12_tokensDiffer() throws Exception {
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example", "y@b.example");
            store(spool, "x@a.example");
            List<SpoolLease> leases = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                leases.addAll(lease(spool, "a.example", START.plus(LEASE.multipliedBy(i))));
                leases.addAll(lease(spool, "b.example", START.plus(LEASE.multipliedBy(i))));
            }

            assertThat(leases).hasSize(15);
            assertThat(leases).extracting(SpoolLease::token).doesNotHaveDuplicates();
        }
    }

    @Test
    default void s3_13_messageIsLeasedOnceWhoeverSharesTheSpool() throws Exception {
        needs(SpoolAbility.SHAREABLE);
        try (Spool one = newSpool();
                Spool other = share(one)) {
            SpoolId first = store(one, "x@a.example");
            SpoolId second = store(other, "x@a.example");

            assertThat(lease(one, "a.example", START))
                    .extracting(SpoolLease::id)
                    .containsExactlyInAnyOrder(first, second);
            assertThat(lease(other, "a.example", START)).isEmpty();
            List<SpoolLease> later = lease(other, "a.example", START.plus(LEASE));
            assertThat(later).hasSize(2);
            assertThat(lease(one, "a.example", START.plus(LEASE))).isEmpty();
            for (SpoolLease lease : later) {
                other.settle(lease, relayed(lease, START.plus(LEASE)));
            }
            assertThat(one.lanes()).isEmpty();
        }
    }
}
