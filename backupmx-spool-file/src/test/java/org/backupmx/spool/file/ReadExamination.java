package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;

/**
 * The power goes on a copy of a disk, and what is left of it cannot all be read: the spool is refused, or is opened, tells
 * of what it misses, and works. Then the disk reads again: everything has to be there.
 */
record ReadExamination(SimulatedDisk disk, Expectation expected, int segmentBytes, long variant, CrashTally tally) {

    /** What an opening showed and what was done to it. */
    private static final class Life {
        final Set<SpoolId> deleted = new HashSet<>();
        final Map<SpoolId, byte[]> stored = new LinkedHashMap<>();
        boolean refused;
        boolean damaged;
    }

    void examine() throws IOException {
        Random random = new Random(variant);
        SimulatedDisk found = disk.survivor(random);
        spoil(found, random);
        Life life = new Life();
        live(found, random, life);
        tally.opening(life.refused, life.damaged);
        found.noFault();
        found.heal();
        try (FileSpool again = open(found, new Turns(), random.nextLong())) {
            check(again, life);
        }
    }

    private FileSpool open(SimulatedDisk found, Turns turns, long keys) throws SpoolException {
        return turns.taken(SimulatedDisk.spool(found, keys).segmentBytes(segmentBytes))
                .open();
    }

    /** Has pages be bad, or reads fail by chance, or end early. */
    private static void spoil(SimulatedDisk found, Random random) {
        List<String> files = found.files();
        for (int i = random.nextInt(4); i > 0 && !files.isEmpty(); i--) {
            String name = files.get(random.nextInt(files.size()));
            found.spoil(name, random.nextInt(1 + found.size(name) / FileContent.PAGE));
        }
        int oneIn = random.nextBoolean() ? 10 + random.nextInt(100) : Integer.MAX_VALUE;
        found.fault((call, file, bytes) -> {
            if (call == Call.READ && random.nextInt(oneIn) == 0) {
                throw new IOException("Input/output error");
            }
            return call == Call.READ && bytes > 1 && random.nextInt(8) == 0 ? 1 + random.nextInt(bytes - 1) : bytes;
        });
    }

    private void live(SimulatedDisk found, Random random, Life life) throws IOException {
        Turns turns = new Turns();
        try (FileSpool spool = open(found, turns, random.nextLong())) {
            Set<SpoolId> there = look(spool, life);
            assertThat(spool.health().isAccepting()).isTrue();
            for (SpoolId id : there) {
                if (random.nextInt(3) == 0) {
                    assertThat(spool.delete(id)).isTrue();
                    life.deleted.add(id);
                }
            }
            byte[] mailData = octets(random.nextInt(80_000), random.nextLong());
            Envelope envelope = Envelopes.to("new@a.example");
            life.stored.put(store(spool, envelope, START, mailData), mailData);
            turns.compact();
        } catch (SpoolException e) {
            assertThat(e).hasMessageContaining("Input/output error");
            assertThat(life.stored).as("only an opening may be refused").isEmpty();
            life.refused = true;
        }
    }

    private Set<SpoolId> look(FileSpool spool, Life life) throws SpoolException {
        Set<SpoolId> intact = new HashSet<>();
        spool.scan(entry -> {
            if (entry instanceof SpoolEntry.Intact one) {
                SpoolId id = one.message().id();
                assertThat(intact.add(id)).as("twice").isTrue();
                assertThat(expected.known().containsKey(id) || expected.isGone(id))
                        .as("nobody stored it")
                        .isTrue();
            } else if (entry instanceof SpoolEntry.Damaged one) {
                assertThat(one.reason()).contains("Input/output error");
                life.damaged = true;
            }
        });
        if (!life.damaged) {
            expected.known().forEach((id, message) -> {
                assertThat(intact.contains(id) || message.isPossible(Optional.empty()))
                        .as("message " + id + " is gone, and nothing told of it")
                        .isTrue();
            });
        }
        return intact;
    }

    /** The disk reads again: nothing is lost, nothing is damaged; of what was not read an earlier state may be back. */
    private void check(FileSpool spool, Life life) throws IOException {
        Map<SpoolId, QueuedMessage> found = new LinkedHashMap<>();
        spool.scan(entry -> {
            assertThat(entry).isInstanceOf(SpoolEntry.Intact.class);
            QueuedMessage message = ((SpoolEntry.Intact) entry).message();
            assertThat(found.put(message.id(), message)).as("twice").isNull();
        });
        assertThat(found.keySet().containsAll(life.stored.keySet())).isTrue();
        assertThat(Collections.disjoint(found.keySet(), life.deleted))
                .as("deleted and back")
                .isTrue();
        for (Map.Entry<SpoolId, QueuedMessage> one : found.entrySet()) {
            check(spool, one.getKey(), one.getValue(), life);
        }
        expected.known().forEach((id, message) -> {
            boolean mayBeGone = life.deleted.contains(id) || message.isPossible(Optional.empty());
            assertThat(found.containsKey(id) || mayBeGone)
                    .as("message " + id + " is gone")
                    .isTrue();
        });
    }

    private void check(FileSpool spool, SpoolId id, QueuedMessage is, Life life) throws IOException {
        Known message = expected.known().get(id);
        if (life.stored.containsKey(id)) {
            assertThat(read(spool, id)).isEqualTo(life.stored.get(id));
        } else if (message == null) {
            assertThat(life.damaged && expected.isGone(id))
                    .as("nobody stored " + id)
                    .isTrue();
        } else {
            assertThat(life.damaged || message.isPossible(Optional.of(is)))
                    .as(id + " is " + is + " (expected: one of " + message + ")")
                    .isTrue();
            assertThat(read(spool, id)).isEqualTo(message.mailData());
        }
    }
}
