package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.scan;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;

/** The power goes on a copy of a disk; what is found then is compared with what is known. */
record CrashExamination(
        SimulatedDisk disk,
        Map<SpoolId, Known> known,
        UnaryOperator<FileIo> planted,
        int segmentBytes,
        long variant,
        CrashTally tally) {

    /** Segments that a spool without messages may have: the open one, and one that says where one set aside ends. */
    private static final int MOST_EMPTY_SEGMENTS = 3;

    void examine(Call lost) throws IOException {
        Random random = new Random(variant);
        SimulatedDisk found = disk.survivor(random);
        tally.point(lost);
        if (random.nextInt(16) == 0) {
            found.fault((call, file, bytes) -> {
                again(found, call, file);
                return bytes;
            });
        }
        check(found, random);
    }

    /** The power goes again, while the spool is opened after the first loss. */
    private void again(SimulatedDisk recovering, Call call, String file) throws IOException {
        boolean reads = call == Call.READ || call == Call.LIST || call == Call.SPACE;
        if (!reads && (call != Call.OPEN || !recovering.has(file))) {
            tally.secondPoint();
            Random random = new Random(variant * 31 + recovering.steps());
            check(recovering.survivor(random), random);
        }
    }

    private FileSpool open(SimulatedDisk found, Turns turns, long keys) throws SpoolException {
        return turns.taken(SimulatedDisk.spool(found, keys)
                        .io(planted.apply(found))
                        .segmentBytes(segmentBytes))
                .open();
    }

    private void check(SimulatedDisk found, Random random) throws IOException {
        Map<SpoolId, Known> there = new LinkedHashMap<>();
        try (FileSpool spool = open(found, new Turns(), random.nextLong())) {
            found.noFault();
            known.forEach((id, message) -> there.put(id, message.copy()));
            adopt(spool, there);
            assertThat(spool.health().isAccepting()).isTrue();
            if (random.nextInt(4) > 0) {
                return;
            }
            Envelope envelope = Envelopes.to("new@a.example");
            byte[] mailData = octets(random.nextInt(5_000), random.nextLong());
            SpoolId id = store(spool, envelope, START, mailData);
            assertThat(there).doesNotContainKey(id);
            there.put(id, new Known(id, envelope, START, mailData));
            there.get(id).sure();
        }
        Turns turns = new Turns();
        try (FileSpool spool = open(found, turns, random.nextLong())) {
            compare(spool, there);
            empty(spool, turns, found, there);
        }
        tally.life();
    }

    /** Deletes everything: the room has to come back. */
    private void empty(FileSpool spool, Turns turns, SimulatedDisk found, Map<SpoolId, Known> there)
            throws IOException {
        for (Map.Entry<SpoolId, Known> one : there.entrySet()) {
            if (one.getValue().now().isPresent()) {
                assertThat(spool.delete(one.getKey())).isTrue();
            }
        }
        turns.compact();
        assertThat(scan(spool)).isEmpty();
        assertThat(found.segments()).as("room of the dead").hasSizeLessThanOrEqualTo(MOST_EMPTY_SEGMENTS);
    }

    /** Compares a spool with what is known, and takes what is found, if it is possible, as known. */
    static void adopt(FileSpool spool, Map<SpoolId, Known> known) throws IOException {
        Map<SpoolId, QueuedMessage> found = new HashMap<>();
        for (QueuedMessage message : scan(spool)) {
            assertThat(found.put(message.id(), message)).as("twice").isNull();
        }
        assertThat(known.keySet()).as("nobody stored it").containsAll(found.keySet());
        for (Map.Entry<SpoolId, Known> one : known.entrySet()) {
            Optional<QueuedMessage> is = Optional.ofNullable(found.get(one.getKey()));
            if (!one.getValue().isPossible(is)) {
                throw new AssertionError(one.getKey() + " is " + is + " (expected: one of " + one.getValue() + ")");
            }
            one.getValue().found(is);
            if (is.isPresent()) {
                checkMailData(spool, one.getKey(), one.getValue());
            }
        }
    }

    /** Compares a spool with the last word on each message. */
    static void compare(FileSpool spool, Map<SpoolId, Known> known) throws IOException {
        List<QueuedMessage> right = known.values().stream()
                .map(Known::now)
                .flatMap(Optional::stream)
                .toList();
        assertThat(scan(spool)).containsExactlyInAnyOrderElementsOf(right);
        for (Map.Entry<SpoolId, Known> one : known.entrySet()) {
            if (one.getValue().now().isPresent()) {
                checkMailData(spool, one.getKey(), one.getValue());
            }
        }
    }

    private static void checkMailData(FileSpool spool, SpoolId id, Known message) throws IOException {
        assertThat(read(spool, id)).as("mail data of " + id).isEqualTo(message.mailData());
    }
}
