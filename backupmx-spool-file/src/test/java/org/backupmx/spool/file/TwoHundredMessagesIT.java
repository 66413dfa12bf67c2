package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;

/**
 * 200 messages are stored, alone and several under one force, and half of them are relayed meanwhile. At every call that
 * changes something on the disk the power goes: each message that was told of is there once and whole, no other.
 */
class TwoHundredMessagesIT {

    private static final int MESSAGES = 200;

    private final SimulatedDisk disk = new SimulatedDisk(64 << 20);
    private final Map<SpoolId, Known> known = new LinkedHashMap<>();
    private final CrashTally tally = new CrashTally();
    private final Turns turns = new Turns();
    private int told;

    private int before(Call call, String file, int bytes) throws IOException {
        boolean changes = call != Call.READ && call != Call.LIST && call != Call.SPACE;
        if (changes && (call != Call.OPEN || !disk.has(file))) {
            int segmentBytes = FileSpoolBuilder.MIN_SEGMENT_BYTES;
            new CrashExamination(disk, known, io -> io, segmentBytes, disk.steps(), tally).examine(call);
        }
        return bytes;
    }

    /** Long ones are written while they come. */
    private static byte[] mailData(int number) {
        return octets(number % 50 == 7 ? 150_000 : number * 37 % 4_000, number);
    }

    private void store(FileSpool spool, int first, int count) throws SpoolException {
        List<SpoolWriter> writers = new ArrayList<>();
        for (int number = first; number < first + count; number++) {
            Envelope envelope = number % 3 == 0
                    ? Envelopes.to("x@go.example", "y@stay.example")
                    : Envelopes.to("x@" + (number % 2 == 0 ? "go" : "stay") + ".example");
            SpoolWriter writer = spool.begin(envelope, START);
            writers.add(writer);
            known.put(writer.id(), new Known(writer.id(), envelope, START, mailData(number)));
            writer.write(ByteBuffer.wrap(mailData(number)));
        }
        turns.gather();
        List<CompletionStage<SpoolId>> commits = new ArrayList<>();
        for (SpoolWriter writer : writers) {
            CompletionStage<SpoolId> commit = writer.commit();
            commit.thenAccept(id -> {
                known.get(id).sure(); // from this very moment
                told++;
            });
            commits.add(commit);
        }
        turns.release();
        for (CompletionStage<SpoolId> commit : commits) {
            await(commit);
        }
        writers.forEach(SpoolWriter::close);
        known.values().forEach(Known::sure); // outcomes went with the same force
    }

    private void relay(FileSpool spool) throws SpoolException {
        for (SpoolLease lease : lease(spool, "go.example", START)) {
            Known message = known.get(lease.id());
            Settlement outcome = relayed(lease, START);
            message.next(Known.settled(message.now().orElseThrow(), lease.domain(), outcome));
            spool.settle(lease, outcome);
        }
    }

    @Test
    void eachThatWasToldOfIsThereOnceAndWholeWhereverThePowerGoes() throws Exception {
        disk.fault(this::before);
        try (FileSpool spool = turns.taken(SimulatedDisk.spool(disk, 1)).open()) {
            for (int stored = 0, round = 0; stored < MESSAGES; round++) {
                int count = Math.min(MESSAGES - stored, round % 4 == 3 ? 8 : 1);
                store(spool, stored, count);
                stored += count;
                if (round % 8 == 5) {
                    relay(spool);
                    turns.compact();
                }
            }
        }
        System.out.println("200 messages: " + tally);
        assertThat(told).isEqualTo(MESSAGES);
        assertThat(tally.points()).isEqualTo(disk.steps()).isGreaterThan(300);
        assertThat(known.values().stream().map(Known::now).filter(Optional::isPresent))
                .hasSizeBetween(MESSAGES / 3, MESSAGES * 3 / 4);
    }
}
