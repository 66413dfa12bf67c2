package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.FindableSpool;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** O1, {@link FindableSpool}. */
public interface FindableSpoolContract extends SpoolFixture {

    /**
     * Returns the interface under test.
     *
     * @param spool a spool of this fixture
     * @return the same spool
     */
    default FindableSpool findable(Spool spool) {
        return (FindableSpool) spool;
    }

    @Test
    default void o1_1_messageIsFoundByItsIdentity() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example");
            store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "b.example", START);
            spool.settle(lease, deferred(lease, START, START.plusSeconds(9)));

            assertThat(findable(spool).find(id)).contains(queued(spool, id));
            assertThat(queued(spool, id).lanes()).hasSize(2);
        }
    }

    @Test
    default void o1_2_messageThatIsNotQueuedIsNotFound() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter open = spool.begin(Envelopes.to("x@a.example"), START)) {
            SpoolId gone = store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, relayed(lease, START));

            for (SpoolId id : List.of(open.id(), gone, new SpoolId("1"))) {
                assertThat(findable(spool).find(id)).isEmpty();
            }
            assertThat(findable(spool).find(SpoolFilter.all(), Optional.empty(), 10))
                    .isEmpty();
        }
    }

    @Test
    default void o1_3_pagesHoldEveryMessageOnceInOneOrder() throws Exception {
        try (Spool spool = newSpool()) {
            List<SpoolId> ids = new ArrayList<>();
            for (int i = 0; i < 23; i++) {
                ids.add(store(spool, Envelopes.to("x@a.example"), START.minusSeconds(i % 5), octets(1, 1)));
            }
            List<SpoolId> whole = ids(findable(spool).find(SpoolFilter.all(), Optional.empty(), 100));
            assertThat(whole).containsExactlyInAnyOrderElementsOf(ids);
            for (int limit : new int[] {1, 5, 22, 23, 24, Integer.MAX_VALUE}) {
                assertThat(pages(findable(spool), SpoolFilter.all(), limit)).isEqualTo(whole);
            }
        }
    }

    @Test
    default void o1_4_pagesGoOnAfterAMessageThatIsGone() throws Exception {
        try (Spool spool = newSpool()) {
            for (int i = 0; i < 10; i++) {
                store(spool, "x@a.example");
            }
            List<SpoolId> whole = ids(findable(spool).find(SpoolFilter.all(), Optional.empty(), 100));
            SpoolId fourth = whole.get(3);
            for (SpoolLease lease : SpoolActions.lease(spool, "a.example", START)) {
                if (lease.id().equals(fourth)) {
                    spool.settle(lease, relayed(lease, START));
                }
            }

            assertThat(ids(findable(spool).find(SpoolFilter.all(), Optional.of(fourth), 100)))
                    .isEqualTo(whole.subList(4, 10));
        }
    }

    @Test
    default void o1_5_everyConditionNarrows() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId first = store(spool, Envelopes.from("s@s.example", "x@a.example"), START, octets(1, 1));
            SpoolId second =
                    store(spool, Envelopes.from("", "x@a.example", "y@b.example"), START.plusSeconds(1), octets(1, 1));
            SpoolId third =
                    store(spool, Envelopes.from("s@s.example", "\"x\"@B.Example"), START.plusSeconds(2), octets(1, 1));

            Map<SpoolFilter, List<SpoolId>> expected = Map.of(
                    SpoolFilter.all().domain(MailDomain.of("a.example")), List.of(first, second),
                    SpoolFilter.all().domain(MailDomain.of("c.example")), List.of(),
                    SpoolFilter.all().recipient(Mailbox.parse("x@b.example")), List.of(third),
                    SpoolFilter.all().recipient(Mailbox.parse("X@b.example")), List.of(),
                    SpoolFilter.all().reversePath(ReversePath.nullPath()), List.of(second),
                    SpoolFilter.all().reversePath(ReversePath.parse("s@S.example")), List.of(first, third),
                    SpoolFilter.all().held(true), List.of(),
                    SpoolFilter.all().held(false), List.of(first, second, third),
                    SpoolFilter.all().receivedBefore(START.plusSeconds(1)), List.of(first),
                    SpoolFilter.all()
                                    .domain(MailDomain.of("a.example"))
                                    .reversePath(ReversePath.nullPath())
                                    .receivedBefore(START.plusSeconds(60)),
                            List.of(second));
            for (Map.Entry<SpoolFilter, List<SpoolId>> each : expected.entrySet()) {
                for (int limit : new int[] {1, 100}) {
                    assertThat(pages(findable(spool), each.getKey(), limit))
                            .containsExactlyInAnyOrderElementsOf(each.getValue());
                }
            }
        }
    }

    @Test
    default void o1_9_sizeAndReplyNarrow() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId small = store(spool, Envelopes.to("x@a.example"), START, octets(10, 1));
            SpoolId large = store(spool, Envelopes.to("x@a.example", "y@b.example"), START, octets(11, 1));
            SpoolLease lease = leaseOne(spool, "b.example", START);
            SmtpReply reply = SmtpReply.of(450, "4.7.1", "Greylisted, come again");
            spool.settle(
                    lease,
                    Settlement.attempted(
                            START, Map.of(1, new RecipientState.Deferred(reply, START)), START.plusSeconds(60)));

            Map<SpoolFilter, List<SpoolId>> expected = Map.of(
                    SpoolFilter.all().largerThan(0), List.of(small, large),
                    SpoolFilter.all().largerThan(9), List.of(small, large),
                    SpoolFilter.all().largerThan(10), List.of(large),
                    SpoolFilter.all().largerThan(11), List.of(),
                    SpoolFilter.all().reply("greyLISTED"), List.of(large),
                    SpoolFilter.all().reply("450 4.7.1 g"), List.of(large),
                    SpoolFilter.all().reply("451"), List.of(),
                    SpoolFilter.all().reply("450").domain(MailDomain.of("a.example")), List.of(large),
                    SpoolFilter.all().reply("450").recipient(Mailbox.parse("z@a.example")), List.of());
            for (Map.Entry<SpoolFilter, List<SpoolId>> each : expected.entrySet()) {
                for (int limit : new int[] {1, 100}) {
                    assertThat(pages(findable(spool), each.getKey(), limit))
                            .containsExactlyInAnyOrderElementsOf(each.getValue());
                }
            }
        }
    }

    @Test
    default void o1_6_finalRecipientsAndTheirLanesNoLongerFit() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@a.example", "z@b.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            RecipientState relayed = new RecipientState.Relayed(SpoolActions.ok(), START);
            spool.settle(lease, Settlement.attempted(START, Map.of(0, relayed), START));
            assertThat(pages(findable(spool), SpoolFilter.all().recipient(Mailbox.parse("x@a.example")), 10))
                    .isEmpty();
            assertThat(pages(findable(spool), SpoolFilter.all().recipient(Mailbox.parse("y@a.example")), 10))
                    .containsExactly(id);

            SpoolLease rest = leaseOne(spool, "a.example", START);
            spool.settle(rest, relayed(rest, START));
            assertThat(pages(findable(spool), SpoolFilter.all().domain(MailDomain.of("a.example")), 10))
                    .isEmpty();
            assertThat(pages(findable(spool), SpoolFilter.all().domain(MailDomain.of("b.example")), 10))
                    .containsExactly(id);
        }
    }

    @Test
    default void o1_7_limitIsAtLeastOne() throws Exception {
        try (Spool spool = newSpool()) {
            for (int limit : new int[] {0, -1, Integer.MIN_VALUE}) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> findable(spool).find(SpoolFilter.all(), Optional.empty(), limit));
            }
        }
    }

    @Test
    default void o1_8_closedSpoolIsUnavailable() throws Exception {
        Spool spool = newSpool();
        spool.close();
        assertThatThrownBy(() -> findable(spool).find(new SpoolId("1"))).isInstanceOf(SpoolUnavailableException.class);
        assertThatThrownBy(() -> findable(spool).find(SpoolFilter.all(), Optional.empty(), 1))
                .isInstanceOf(SpoolUnavailableException.class);
    }

    private static List<SpoolId> pages(FindableSpool spool, SpoolFilter filter, int limit) throws Exception {
        List<SpoolId> found = new ArrayList<>();
        Optional<SpoolId> after = Optional.empty();
        while (true) {
            List<QueuedMessage> page = spool.find(filter, after, limit);
            assertThat(page).hasSizeLessThanOrEqualTo(limit).allMatch(filter::matches);
            found.addAll(ids(page));
            if (page.size() < limit) {
                return found;
            }
            after = Optional.of(page.get(page.size() - 1).id());
        }
    }

    private static List<SpoolId> ids(List<QueuedMessage> messages) {
        return messages.stream().map(QueuedMessage::id).toList();
    }
}
