package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.scan;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;

/**
 * Random histories with losses of power at random calls, over segments so small that compaction is always at work. What
 * is found again is what was told, byte for byte, or for outcomes that may become durable a moment later anything from
 * the last that was surely durable to the last that was told.
 */
class FileSpoolHistoryIT {

    private static final int STEPS_BETWEEN_CRASHES = 60;
    private static final String[] DOMAINS = {"a.example", "b.example", "c.example"};

    private static final class History {
        final Random random;
        final String what;
        final Map<SpoolId, Known> known = new LinkedHashMap<>();
        SimulatedDisk disk = new SimulatedDisk(64 << 20);
        FileSpool spool;
        Instant now = START;

        History(long seed, SimulatedDisk disk) throws SpoolException {
            random = new Random(seed);
            what = "seed " + seed;
            this.disk = disk;
            spool = SimulatedDisk.spool(disk, seed).open();
        }

        private void sure() {
            known.values().forEach(Known::sure);
        }

        private Optional<SpoolId> pick() {
            List<SpoolId> there = known.entrySet().stream()
                    .filter(one -> one.getValue().now().isPresent())
                    .map(Map.Entry::getKey)
                    .toList();
            return there.isEmpty() ? Optional.empty() : Optional.of(there.get(random.nextInt(there.size())));
        }

        private QueuedMessage queued(SpoolId id) {
            return known.get(id).now().orElseThrow();
        }

        private void next(SpoolId id, Optional<QueuedMessage> version) {
            known.get(id).next(version);
        }

        void step() throws IOException {
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> store();
                case 4, 5, 6 -> attempt();
                case 7 -> hold(random.nextBoolean());
                case 8 -> delete();
                default -> reschedule();
            }
            if (random.nextInt(6) == 0) {
                compare();
            }
        }

        private void store() throws SpoolException {
            int size = random.nextInt(8) == 0 ? 140_000 + random.nextInt(300_000) : random.nextInt(20_000);
            byte[] mailData = octets(size, random.nextLong());
            Envelope envelope =
                    Envelopes.toMany(1 + random.nextInt(4), DOMAINS[random.nextInt(3)], DOMAINS[random.nextInt(3)]);
            try (SpoolWriter writer = spool.begin(envelope, now)) {
                if (random.nextInt(10) == 0) {
                    writer.write(ByteBuffer.wrap(mailData));
                    return; // abandoned: must never be seen
                }
                Known message = new Known(writer.id(), envelope, now, mailData);
                known.put(writer.id(), message);
                writer.write(ByteBuffer.wrap(mailData));
                await(writer.commit());
                sure();
            }
        }

        private void attempt() throws SpoolException {
            List<SpoolLease> leases = lease(spool, DOMAINS[random.nextInt(3)], now);
            for (SpoolLease lease : leases) {
                Instant due = now.plusSeconds(1 + random.nextInt(20));
                Settlement settlement = switch (random.nextInt(4)) {
                    case 0 -> relayed(lease, now);
                    case 1 ->
                        Settlement.attempted(
                                now,
                                Map.of(
                                        lease.recipients().get(0).index(),
                                        relayed(lease, now)
                                                .states()
                                                .get(lease.recipients().get(0).index())),
                                due);
                    default -> deferred(lease, now, due);
                };
                next(lease.id(), Known.settled(queued(lease.id()), lease.domain(), settlement));
                spool.settle(lease, settlement);
            }
            now = now.plusSeconds(5);
        }

        private void hold(boolean held) throws SpoolException {
            Optional<SpoolId> id = pick();
            if (id.isPresent()) {
                QueuedMessage message = queued(id.get());
                next(id.get(), Optional.of(new QueuedMessage(message.message(), message.lanes(), held)));
                assertThat(held ? spool.hold(id.get()) : spool.release(id.get()))
                        .isTrue();
                sure();
            }
        }

        private void delete() throws SpoolException {
            Optional<SpoolId> id = pick();
            if (id.isPresent()) {
                next(id.get(), Optional.empty());
                assertThat(spool.delete(id.get())).isTrue();
                sure();
            }
        }

        private void reschedule() throws SpoolException {
            Instant due = now.plusSeconds(random.nextInt(20));
            if (random.nextBoolean()) {
                Optional<SpoolId> id = pick();
                if (id.isPresent()) {
                    next(id.get(), Optional.of(Known.due(queued(id.get()), Optional.empty(), due)));
                    assertThat(spool.reschedule(id.get(), due)).isTrue();
                }
                return;
            }
            MailDomain domain = MailDomain.of(DOMAINS[random.nextInt(3)]);
            known.forEach((id, message) -> message.now()
                    .ifPresent(version -> next(id, Optional.of(Known.due(version, Optional.of(domain), due)))));
            spool.reschedule(domain, due);
        }

        private void compare() throws IOException {
            List<QueuedMessage> right = known.values().stream()
                    .map(Known::now)
                    .flatMap(Optional::stream)
                    .toList();
            assertThat(scan(spool)).as(what).containsExactlyInAnyOrderElementsOf(right);
            Optional<SpoolId> id = pick();
            if (id.isPresent()) {
                assertThat(read(spool, id.get()))
                        .as(what)
                        .isEqualTo(known.get(id.get()).mailData());
            }
        }

        /** Lets the power go at some call of some thread from here on. */
        void loseSoon() {
            int last = disk.steps() + random.nextInt(200);
            Random torn = new Random(random.nextLong());
            SimulatedDisk dying = disk;
            disk.fault((call, file, bytes) -> {
                if (dying.steps() >= last && call != Call.READ && call != Call.LIST) {
                    if (call == Call.WRITE && bytes > 1 && torn.nextBoolean()) {
                        return torn.nextInt(bytes);
                    }
                    dying.losePower();
                    throw new SimulatedDisk.PowerLost();
                }
                return bytes;
            });
        }

        void crash() throws IOException {
            SimulatedDisk after = disk.afterCrash(random);
            try {
                spool.close();
            } catch (SpoolException e) {
                // it has no disk any more
            }
            disk = after;
            spool = SimulatedDisk.spool(disk, random.nextLong()).open();
            Map<SpoolId, QueuedMessage> found = new HashMap<>();
            for (QueuedMessage message : scan(spool)) {
                assertThat(found.put(message.id(), message))
                        .as(what + ": twice")
                        .isNull();
            }
            assertThat(known.keySet()).as(what + ": nobody stored it").containsAll(found.keySet());
            for (Map.Entry<SpoolId, Known> one : known.entrySet()) {
                Optional<QueuedMessage> is = Optional.ofNullable(found.get(one.getKey()));
                assertThat(one.getValue().isPossible(is))
                        .as("%s: %s is %s (expected: one of %s)", what, one.getKey(), is, one.getValue())
                        .isTrue();
                one.getValue().found(is);
                if (is.isPresent()) {
                    assertThat(read(spool, one.getKey()))
                            .as(what)
                            .isEqualTo(one.getValue().mailData());
                }
            }
            known.values().removeIf(message -> message.now().isEmpty() && random.nextInt(4) > 0);
        }

        void reopen() throws IOException {
            spool.close();
            spool = SimulatedDisk.spool(disk, random.nextLong()).open();
            sure();
            compare();
        }
    }

    @Property(tries = 15, shrinking = ShrinkingMode.OFF)
    void whatWasToldIsFoundAfterEveryLossOfPower(@ForAll long seed) throws Exception {
        live(new History(seed, new SimulatedDisk(64 << 20)));
    }

    @Property(tries = 8, shrinking = ShrinkingMode.OFF)
    void andInAnEncryptedSpool(@ForAll long seed) throws Exception {
        live(new History(seed, new SimulatedDisk(64 << 20).encrypted(TestKeys.of("a"))));
    }

    private static void live(History history) throws Exception {
        for (int life = 0; life < 6; life++) {
            boolean dies = history.random.nextInt(4) > 0;
            try {
                for (int i = 0; i < STEPS_BETWEEN_CRASHES; i++) {
                    if (dies && i == STEPS_BETWEEN_CRASHES / 2) {
                        history.loseSoon();
                    }
                    history.step();
                }
            } catch (IOException | AssertionError e) {
                if (!history.disk.isPowerLost()) {
                    throw new AssertionError(history.what, e);
                }
            }
            if (dies || history.random.nextBoolean()) {
                history.crash();
            } else {
                history.reopen();
            }
        }
        history.spool.close();
    }
}
