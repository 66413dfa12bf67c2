package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.queued;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** S1, identity and begin; S2, commit and visibility. */
public interface SpoolCommitContract extends SpoolFixture {

    @Test
    default void s1_1_identityIsKnownFromTheStart() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter writer = spool.begin(Envelopes.to("user@a.example"), START)) {
            SpoolId id = writer.id();
            writer.write(ByteBuffer.wrap(octets(10, 1)));

            assertThat(await(writer.commit())).isEqualTo(id);
            assertThat(leaseOne(spool, "a.example", START).id()).isEqualTo(id);
        }
    }

    @Test
    default void s1_2_noIdentityIsUsedTwice() throws Exception {
        Set<SpoolId> ids = new HashSet<>();
        try (Spool spool = newSpool()) {
            for (int i = 0; i < 30; i++) {
                try (SpoolWriter abandoned = spool.begin(Envelopes.to("user@a.example"), START)) {
                    assertThat(ids.add(abandoned.id()))
                            .as("id of an abandoned message")
                            .isTrue();
                }
                assertThat(ids.add(store(spool, "user@a.example")))
                        .as("id of a stored message")
                        .isTrue();
                SpoolLease lease = leaseOne(spool, "a.example", START);
                spool.settle(lease, relayed(lease, START));
            }
        }
    }

    @Test
    default void s1_3_envelopeIsGivenBackAsItWas() throws Exception {
        try (Spool spool = newSpool()) {
            for (Envelope envelope : Envelopes.ofEveryKind()) {
                SpoolId id = store(spool, envelope, START, octets(10, 1));

                SpoolLease lease = leaseOne(spool, "a.example", START);
                assertThat(lease.message().envelope()).isEqualTo(envelope);
                assertThat(queued(spool, id).message().envelope()).isEqualTo(envelope);
                for (MailDomain domain : envelope.domains()) {
                    if (!domain.equals(lease.domain())) {
                        SpoolLease other = leaseOne(spool, domain.toString(), START);
                        assertThat(other.message().envelope()).isEqualTo(envelope);
                        spool.settle(other, relayed(other, START));
                    }
                }
                spool.settle(lease, relayed(lease, START));
            }
        }
    }

    @Test
    default void s1_4_receivedAtIsKeptToTheMillisecondAndIsTheFirstDueInstant() throws Exception {
        for (Instant receivedAt : List.of(
                START,
                Instant.EPOCH,
                Instant.parse("2038-01-19T03:14:08.001Z"),
                Instant.parse("2026-12-31T23:59:59.999Z"))) {
            try (Spool spool = newSpool()) {
                store(spool, Envelopes.to("user@a.example", "user@b.example"), receivedAt, octets(1, 1));

                for (String domain : List.of("a.example", "b.example")) {
                    assertThat(spool.nextDue(MailDomain.of(domain))).contains(receivedAt);
                    SpoolLease lease = leaseOne(spool, domain, receivedAt);
                    assertThat(lease.message().receivedAt()).isEqualTo(receivedAt);
                    assertThat(lease.due()).isEqualTo(receivedAt);
                }
            }
        }
    }

    @Test
    default void s2_1_writeTakesWhatIsBetweenPositionAndLimit() throws Exception {
        byte[] octets = octets(3000, 2);
        try (Spool spool = newSpool();
                SpoolWriter writer = spool.begin(Envelopes.to("user@a.example"), START)) {
            ByteBuffer heap = ByteBuffer.wrap(octets.clone(), 0, 1000).slice();
            writer.write(heap);
            assertThat(heap.hasRemaining()).isFalse();
            heap.clear();
            heap.put(new byte[1000]);

            ByteBuffer direct = ByteBuffer.allocateDirect(1200).put(100, octets, 1000, 1000);
            direct.position(100).limit(1100);
            writer.write(direct);
            assertThat(direct.position()).isEqualTo(1100);
            direct.clear();
            direct.put(new byte[1200]);

            ByteBuffer readOnly = ByteBuffer.wrap(octets, 2000, 1000).asReadOnlyBuffer();
            writer.write(readOnly);
            assertThat(readOnly.hasRemaining()).isFalse();
            writer.write(ByteBuffer.allocate(0));
            await(writer.commit());

            assertThat(read(spool, writer.id())).isEqualTo(octets);
        }
    }

    @Test
    default void s2_3_uncommittedMessageIsNeverLeased() throws Exception {
        try (Spool spool = newSpool();
                SpoolWriter writer = spool.begin(Envelopes.to("user@a.example"), START)) {
            writer.write(ByteBuffer.wrap(octets(100_000, 1)));

            assertNothingIn(spool);
            assertThatThrownBy(() -> read(spool, writer.id())).isInstanceOf(SpoolException.class);
        }
    }

    @Test
    default void s2_4_messageCanBeLeasedFromTheCompletionOfItsCommit() throws Exception {
        try (Spool spool = newSpool()) {
            for (int i = 0; i < 50; i++) {
                SpoolId id = store(spool, "user@a.example");
                SpoolLease lease = leaseOne(spool, "a.example", START);
                assertThat(lease.id()).isEqualTo(id);
                spool.settle(lease, relayed(lease, START));
            }
        }
    }

    @Test
    default void s2_5_failedCommitIsToldAndItsMessageNeverLeased() throws Exception {
        needs(SpoolAbility.COMMIT_FAULTS);
        try (Spool spool = newSpool()) {
            SpoolId before = store(spool, "user@a.example");
            failNextCommit(spool);

            assertThatThrownBy(() -> store(spool, "user@b.example")).isInstanceOf(SpoolException.class);
            assertThat(lease(spool, "b.example", START)).isEmpty();
            assertThat(leaseOne(spool, "a.example", START).id()).isEqualTo(before);
        }
    }

    @Test
    default void s2_6_abandonedMessageLeavesNothing() throws Exception {
        try (Spool spool = newSpool()) {
            for (int size : new int[] {0, 1, 300_000}) {
                try (SpoolWriter writer = spool.begin(Envelopes.to("user@a.example", "user@b.example"), START)) {
                    writer.write(ByteBuffer.wrap(octets(size, 1)));
                }
            }

            assertNothingIn(spool);
        }
    }

    @Test
    default void s2_7_writerRefusesAllAfterCommitAndAfterClose() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolWriter committed = spool.begin(Envelopes.to("user@a.example"), START);
            await(committed.commit());
            SpoolWriter closed = spool.begin(Envelopes.to("user@a.example"), START);
            closed.close();

            for (SpoolWriter writer : List.of(committed, closed)) {
                assertThatIllegalStateException().isThrownBy(() -> writer.write(ByteBuffer.allocate(1)));
                assertThatIllegalStateException().isThrownBy(writer::commit);
            }
            committed.close();
        }
    }

    @Test
    default void s2_8_closeAfterCommitChangesNothing() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolWriter writer = spool.begin(Envelopes.to("user@a.example"), START);
            writer.write(ByteBuffer.wrap(octets(5000, 1)));
            var commit = writer.commit();
            writer.close();
            writer.close();

            assertThat(await(commit)).isEqualTo(writer.id());
            assertThat(read(spool, writer.id())).isEqualTo(octets(5000, 1));
            SpoolWriter abandoned = spool.begin(Envelopes.to("user@a.example"), START);
            abandoned.close();
            abandoned.close();
            assertThat(scan(spool)).hasSize(1);
        }
    }

    @Test
    default void s2_9_openWritersDoNotMix() throws Exception {
        int writers = 5;
        try (Spool spool = newSpool()) {
            SpoolWriter[] open = new SpoolWriter[writers];
            for (int w = 0; w < writers; w++) {
                open[w] = spool.begin(Envelopes.to("user" + w + "@a.example"), START.plusMillis(w));
            }
            for (int chunk = 0; chunk < 20; chunk++) {
                for (int w = 0; w < writers; w++) {
                    open[w].write(ByteBuffer.wrap(octets(20_000, w), chunk * 1000, 1000));
                }
            }
            open[3].close();
            for (int w : new int[] {4, 0, 2, 1}) {
                await(open[w].commit());
            }

            for (int w : new int[] {4, 0, 2, 1}) {
                assertThat(read(spool, open[w].id())).isEqualTo(octets(20_000, w));
                assertThat(queued(spool, open[w].id()).message().envelope())
                        .isEqualTo(Envelopes.to("user" + w + "@a.example"));
            }
            assertThat(scan(spool)).hasSize(4);
        }
    }

    private static void assertNothingIn(Spool spool) throws SpoolException {
        assertThat(spool.lease(SpoolActions.everything("a.example", START))).isEmpty();
        assertThat(spool.lanes()).isEmpty();
        assertThat(spool.nextDue(MailDomain.of("a.example"))).isEmpty();
        assertThat(scan(spool)).isEmpty();
    }
}
