package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.Mailbox;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.RecipientReadableSpool;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.junit.jupiter.api.Test;

/** O5, {@link RecipientReadableSpool}. */
public interface RecipientReadableSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default RecipientReadableSpool readable(Spool spool) {
        return (RecipientReadableSpool) spool;
    }

    @Test
    default void o5_1_messagesThatWaitForTheRecipientAreTold() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId alone = store(spool, "x@a.example");
            store(spool, "y@a.example", "x@b.example", "X@a.example", "xx@a.example");
            SpoolId among = store(spool, "y@a.example", "\"x\"@A.example");

            assertThat(readable(spool).readableBy(Mailbox.parse("x@a.example"), Optional.empty(), 10))
                    .containsExactlyInAnyOrder(queued(spool, alone), queued(spool, among));
            assertThat(readable(spool).readableBy(Mailbox.parse("nobody@a.example"), Optional.empty(), 10))
                    .isEmpty();
        }
    }

    @Test
    default void o5_2_messageIsNotToldOnceTheRecipientIsFinal() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, relayed(lease, START));

            assertThat(readable(spool).readableBy(Mailbox.parse("x@a.example"), Optional.empty(), 10))
                    .isEmpty();
            assertThat(readable(spool).readableBy(Mailbox.parse("y@b.example"), Optional.empty(), 10))
                    .containsExactly(queued(spool, id));
        }
    }

    @Test
    default void o5_3_pagesHoldEveryMessageOnceInOneOrder() throws Exception {
        Mailbox mailbox = Mailbox.parse("x@a.example");
        try (Spool spool = newSpool()) {
            List<SpoolId> ids = new ArrayList<>();
            for (int i = 0; i < 11; i++) {
                ids.add(store(spool, "x@a.example"));
                store(spool, "y@a.example");
            }
            List<QueuedMessage> whole = readable(spool).readableBy(mailbox, Optional.empty(), 100);
            assertThat(whole).extracting(QueuedMessage::id).containsExactlyInAnyOrderElementsOf(ids);
            for (int limit : new int[] {1, 4, 11}) {
                List<QueuedMessage> pages = new ArrayList<>();
                List<QueuedMessage> page = readable(spool).readableBy(mailbox, Optional.empty(), limit);
                while (!page.isEmpty()) {
                    assertThat(page).hasSizeLessThanOrEqualTo(limit);
                    pages.addAll(page);
                    page = readable(spool)
                            .readableBy(
                                    mailbox,
                                    Optional.of(page.get(page.size() - 1).id()),
                                    limit);
                }
                assertThat(pages).isEqualTo(whole);
            }
        }
    }

    @Test
    default void o5_4_limitIsAtLeastOneAndTheSpoolOpen() throws Exception {
        Mailbox mailbox = Mailbox.parse("x@a.example");
        Spool spool = newSpool();
        assertThatIllegalArgumentException().isThrownBy(() -> readable(spool).readableBy(mailbox, Optional.empty(), 0));
        spool.close();
        assertThatThrownBy(() -> readable(spool).readableBy(mailbox, Optional.empty(), 1))
                .isInstanceOf(SpoolUnavailableException.class);
    }
}
