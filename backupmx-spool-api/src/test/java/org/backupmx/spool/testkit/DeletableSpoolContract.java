package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.DeletableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** O3, {@link DeletableSpool}. */
public interface DeletableSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default DeletableSpool deletable(Spool spool) {
        return (DeletableSpool) spool;
    }

    @Test
    default void o3_1_deletedMessageIsGoneFromAllItsLanes() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            SpoolId other = store(spool, "x@a.example");
            assertThat(deletable(spool).delete(id)).isTrue();

            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(other);
            assertThat(spool.lanes())
                    .extracting(lane -> lane.domain().toString())
                    .containsExactly("a.example");
            assertThat(spool.nextDue(MailDomain.of("b.example"))).isEmpty();
            assertThatThrownBy(() -> read(spool, id)).isInstanceOf(SpoolException.class);
            assertThat(leaseOne(spool, "a.example", START).id()).isEqualTo(other);
        }
    }

    @Test
    default void o3_2_leaseOfADeletedMessageIsLost() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            deletable(spool).delete(id);

            assertThatThrownBy(() -> spool.renew(lease, START, START.plus(LEASE)))
                    .isInstanceOf(SpoolLeaseLostException.class);
            assertThatThrownBy(() -> spool.settle(lease, relayed(lease, START)))
                    .isInstanceOf(SpoolLeaseLostException.class);
            assertThat(spool.lanes()).isEmpty();
        }
    }

    @Test
    default void o3_3_messageThatIsNotQueuedCannotBeDeleted() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter open = spool.begin(Envelopes.to("x@a.example"), START)) {
            SpoolId deleted = store(spool, "x@a.example");
            deletable(spool).delete(deleted);
            for (SpoolId id : List.of(deleted, open.id(), new SpoolId("1"))) {
                assertThat(deletable(spool).delete(id)).isFalse();
            }

            SpoolActions.await(open.commit());
            assertThat(scan(spool)).extracting(QueuedMessage::id).containsExactly(open.id());
        }
    }

    @Test
    default void o3_4_deletionOutlivesAClose() throws Exception {
        needs(SpoolAbility.PERSISTENT);
        Spool spool = newSpool();
        SpoolId id = store(spool, "x@a.example", "y@b.example");
        SpoolId other = store(spool, "x@a.example");
        deletable(spool).delete(id);
        spool.close();
        assertThatThrownBy(() -> deletable(spool).delete(other)).isInstanceOf(SpoolUnavailableException.class);

        try (Spool again = reopen(spool)) {
            assertThat(scan(again)).extracting(QueuedMessage::id).containsExactly(other);
        }
    }

    @Test
    default void o3_5_deletionOutlivesALossOfPower() throws Exception {
        needs(SpoolAbility.CRASHABLE);
        Spool spool = newSpool();
        deletable(spool).delete(store(spool, "x@a.example", "y@b.example"));

        try (Spool again = crash(spool)) {
            assertThat(scan(again)).isEmpty();
        }
    }
}
