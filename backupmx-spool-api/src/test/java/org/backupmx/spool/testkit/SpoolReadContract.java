package org.backupmx.spool.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.later;
import static org.backupmx.spool.testkit.SpoolActions.leaseOne;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.junit.jupiter.api.Test;

/** S5, reading, damage and scan. */
public interface SpoolReadContract extends SpoolFixture {

    @Test
    default void s5_1_mailDataIsReadOctetForOctet() throws Exception {
        int[] sizes = {0, 1, 2, 255, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1_048_577, 5_000_000};
        int[] chunks = {Integer.MAX_VALUE, 8192, 65_536, 999_983, 7, 4097, 13, 65_535, 131_072, 1, 7919, 65_537};
        try (Spool spool = newSpool()) {
            List<SpoolId> ids = new ArrayList<>();
            for (int i = 0; i < sizes.length; i++) {
                byte[] octets = octets(sizes[i], i);
                int chunk = sizes[i] > 1_000_000 ? 65_521 : chunks[i];
                try (SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START)) {
                    int length;
                    for (int from = 0; from < octets.length; from += length) {
                        length = Math.min(chunk, octets.length - from);
                        writer.write(ByteBuffer.wrap(octets, from, length));
                    }
                    ids.add(await(writer.commit()));
                }
            }
            for (int i = 0; i < sizes.length; i++) {
                assertThat(Arrays.equals(read(spool, ids.get(i)), octets(sizes[i], i)))
                        .as("%d octets", sizes[i])
                        .isTrue();
                assertThat(SpoolActions.queued(spool, ids.get(i)).message().sizeBytes())
                        .isEqualTo(sizes[i]);
            }
        }
    }

    @Test
    default void s5_2_anyOctetMayStandAnywhere() throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int octet = 0; octet < 256; octet++) {
            all.write(octet);
            all.write(octet);
            all.writeBytes(new byte[] {'\r', '\n', '.', (byte) octet, '\r', '\n', '.', '\r', '\n', '\n', '\r'});
        }
        List<byte[]> hard = List.of(
                all.toByteArray(),
                "no line end".getBytes(StandardCharsets.US_ASCII),
                new byte[70_000],
                "\r\n.\r\n".getBytes(StandardCharsets.US_ASCII));
        try (Spool spool = newSpool()) {
            for (byte[] mailData : hard) {
                assertThat(read(spool, store(spool, Envelopes.to("x@a.example"), START, mailData)))
                        .isEqualTo(mailData);
            }
        }
    }

    @Test
    default void s5_3_mailDataCanBeReadOftenAndInPieces() throws Exception {
        byte[] octets = octets(200_000, 4);
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, Envelopes.to("x@a.example"), START, octets);
            SpoolLease lease = leaseOne(spool, "a.example", START);
            try (InputStream one = spool.read(id);
                    InputStream other = spool.read(id);
                    InputStream never = spool.read(id)) {
                assertThat(never).isNotNull();
                assertThat(one.readNBytes(150_000)).isEqualTo(Arrays.copyOf(octets, 150_000));
                assertThat(other.read()).isEqualTo(octets[0] & 0xff);
                assertThat(other.skip(99_999)).isBetween(0L, 99_999L);
                assertThat(one.readAllBytes()).isEqualTo(Arrays.copyOfRange(octets, 150_000, 200_000));
                assertThat(one.read()).isEqualTo(-1);
                assertThat(one.read(new byte[5], 0, 5)).isEqualTo(-1);
            }
            spool.settle(lease, deferred(lease, START, START));
            assertThat(read(spool, id)).isEqualTo(octets);
        }
    }

    @Test
    default void s5_4_messageThatIsNotQueuedCannotBeRead() throws Exception {
        try (Spool spool = newSpool()) {
            assertThatThrownBy(() -> read(spool, new SpoolId("1"))).isInstanceOf(SpoolException.class);
            assertThatThrownBy(() -> read(spool, new SpoolId("z".repeat(SpoolId.MAX_CHARS))))
                    .isInstanceOf(SpoolException.class);
            SpoolId id = store(spool, "x@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            spool.settle(lease, relayed(lease, START));

            assertThatThrownBy(() -> read(spool, id)).isInstanceOf(SpoolException.class);
        }
    }

    @Test
    default void s5_5_streamOfAMessageThatGoesNeverGivesOtherOctets() throws Exception {
        byte[] octets = octets(3_000_000, 5);
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, Envelopes.to("x@a.example"), START, octets);
            SpoolLease lease = leaseOne(spool, "a.example", START);
            try (InputStream in = spool.read(id)) {
                byte[] begin = in.readNBytes(1000);
                spool.settle(lease, relayed(lease, START));
                for (int i = 0; i < 3; i++) {
                    store(spool, Envelopes.to("y@a.example"), START, octets(1_000_000, 6 + i));
                }

                assertThat(begin).isEqualTo(Arrays.copyOf(octets, 1000));
                byte[] rest;
                try {
                    rest = in.readAllBytes();
                } catch (IOException gone) {
                    return;
                }
                assertThat(Arrays.equals(rest, Arrays.copyOfRange(octets, 1000, octets.length)))
                        .as("the rest is what was written")
                        .isTrue();
            }
        }
    }

    @Test
    default void s5_6_damagedMailDataIsToldAndNeverRead() throws Exception {
        needs(SpoolAbility.DAMAGEABLE);
        Spool spool = newSpool();
        SpoolId whole = store(spool, Envelopes.to("x@a.example"), START, octets(50_000, 1));
        SpoolId damaged = store(spool, Envelopes.to("x@a.example"), START, octets(50_000, 2));
        spool.close();
        damage(spool, damaged);
        try (Spool again = reopen(spool)) {
            assertThatThrownBy(() -> read(again, damaged)).isInstanceOf(SpoolDamagedException.class);
            assertThat(read(again, whole)).isEqualTo(octets(50_000, 1));

            List<SpoolId> visited = new ArrayList<>();
            again.scan(entry -> visited.add(
                    entry instanceof SpoolEntry.Damaged bad
                            ? bad.id().orElse(damaged)
                            : ((SpoolEntry.Intact) entry).message().id()));
            assertThat(visited).containsExactlyInAnyOrder(whole, damaged);
        }
    }

    @Test
    default void s5_7_scanVisitsEveryQueuedMessageOnceOnTheCallingThread() throws Exception {
        try (Spool spool = newSpool()) {
            List<SpoolId> ids = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                ids.add(store(spool, "x@a.example", "y@b.example"));
            }
            store(spool, "leased@c.example");
            leaseOne(spool, "c.example", START);
            List<Thread> threads = new ArrayList<>();
            List<SpoolId> visited = new ArrayList<>();
            spool.scan(entry -> {
                threads.add(Thread.currentThread());
                visited.add(((SpoolEntry.Intact) entry).message().id());
            });

            assertThat(visited).hasSize(41).doesNotHaveDuplicates().containsAll(ids);
            assertThat(threads).containsOnly(Thread.currentThread());
        }
    }

    @Test
    default void s5_8_whatTheVisitorThrowsEndsTheScan() throws Exception {
        class Enough extends RuntimeException {
            private static final long serialVersionUID = 1L;
        }
        try (Spool spool = newSpool()) {
            store(spool, "x@a.example");
            store(spool, "x@a.example");
            List<SpoolEntry> visited = new ArrayList<>();
            assertThatThrownBy(() -> spool.scan(entry -> {
                        visited.add(entry);
                        throw new Enough();
                    }))
                    .isInstanceOf(Enough.class);

            assertThat(visited).hasSize(1);
            assertThat(scan(spool)).hasSize(2);
            assertThat(SpoolActions.lease(spool, "a.example", START)).hasSize(2);
        }
    }

    @Test
    default void s5_9_scanTellsWhereEachLaneStands() throws Exception {
        try (Spool spool = newSpool()) {
            SpoolId id = store(spool, "x@a.example", "y@b.example", "z@a.example");
            SpoolLease lease = leaseOne(spool, "a.example", START);
            RecipientState state = new RecipientState.Deferred(later(), START);
            spool.settle(lease, deferred(lease, START, START.plusSeconds(7)));

            QueuedMessage queued = SpoolActions.queued(spool, id);
            assertThat(queued.held()).isFalse();
            assertThat(queued.message()).isEqualTo(lease.message());
            assertThat(queued.lanes())
                    .containsExactly(
                            new MessageLane(
                                    MailDomain.of("a.example"),
                                    List.of(
                                            new QueuedRecipient(
                                                    0, lease.recipients().get(0).recipient(), state),
                                            new QueuedRecipient(
                                                    2, lease.recipients().get(1).recipient(), state)),
                                    1,
                                    START.plusSeconds(7)),
                            new MessageLane(
                                    MailDomain.of("b.example"),
                                    List.of(new QueuedRecipient(
                                            1,
                                            queued.message()
                                                    .envelope()
                                                    .recipients()
                                                    .get(1),
                                            RecipientState.Pending.INSTANCE)),
                                    0,
                                    START));
        }
    }
}
