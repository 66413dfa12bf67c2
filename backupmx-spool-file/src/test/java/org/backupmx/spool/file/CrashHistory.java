package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backupmx.spool.testkit.SpoolActions.LEASE;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.lease;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.relayed;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.SimulatedDisk.Call;
import org.backupmx.spool.testkit.Envelopes;

/**
 * A random history of a spool, the same for the same seed. Before each call that changes something on the disk the power
 * goes on a copy of it, and the copy is examined; the history itself goes on.
 */
final class CrashHistory {

    private static final String[] DOMAINS = {"a.example", "b.example", "c.example"};
    private static final long DISK_BYTES = 64 << 20;
    /** So that many histories run in the same time: they read while they go. */
    private static final int READ_EXAMINATION_ONE_IN = 5;

    private final long seed;
    private final Random random;
    private final UnaryOperator<FileIo> planted;
    private final CrashTally tally;
    private final boolean failing;
    private final int segmentBytes;
    private final Expectation expected = new Expectation();
    private final Map<SpoolId, Known> known = expected.known();
    private final List<SpoolLease> leases = expected.leases();
    private final SimulatedDisk disk;
    private Turns turns = new Turns();
    private FileSpool spool;
    private Instant now = START;
    private int lives;
    private boolean reading;
    private boolean faults;
    private int failed;
    private int notRead;
    private boolean readsFail;
    private boolean spoiled;

    /**
     * Makes a history.
     *
     * @param planted what stands between the spool and the disk
     */
    CrashHistory(long seed, UnaryOperator<FileIo> planted, CrashTally tally) {
        this.seed = seed;
        this.random = new Random(seed);
        this.disk = new SimulatedDisk(DISK_BYTES, seed);
        this.planted = planted;
        this.tally = tally;
        this.failing = random.nextInt(3) == 0;
        this.segmentBytes = random.nextInt(8) == 0 ? 3 << 20 : FileSpoolBuilder.MIN_SEGMENT_BYTES;
    }

    /** Has the spool encrypted. */
    CrashHistory encrypted() {
        disk.encrypted(TestKeys.of("a"));
        return this;
    }

    /** Has reads fail, too: by chance, and of pages that stay bad until the next opening. */
    CrashHistory reading() {
        reading = true;
        return this;
    }

    /** Runs so many operations, with a loss of power at each step. */
    void run(int operations) throws IOException {
        try {
            disk.fault(this::before);
            open();
            for (int i = 0; i < operations; i++) {
                faults = failing;
                if (reading && random.nextInt(6) == 0) {
                    spoil();
                }
                readsFail = reading;
                operation();
                readsFail = false;
                faults = false;
                if (random.nextInt(8) == 0) {
                    compare();
                }
            }
            reopen();
            spool.close();
            tally.history();
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("seed " + seed + ", step " + disk.steps() + ", " + operations + " operations", e);
        }
    }

    private void open() throws SpoolException {
        turns = new Turns();
        spool = turns.taken(SimulatedDisk.spool(disk, seed * 1000 + lives++)
                        .io(planted.apply(disk))
                        .segmentBytes(segmentBytes))
                .open();
    }

    /** The power goes on a copy; sometimes the call itself fails, or does only a part. */
    private int before(Call call, String file, int bytes) throws IOException {
        boolean changes = switch (call) {
            case READ, LIST, SPACE -> false;
            case OPEN -> !disk.has(file);
            default -> true;
        };
        if (changes) {
            examine(call);
        }
        if (call == Call.READ) {
            return reading(bytes);
        }
        if (faults && call != Call.LIST && call != Call.SPACE && random.nextInt(40) == 0) {
            tally.fault(call);
            failed++;
            if (call == Call.WRITE && random.nextBoolean()) {
                throw new FileIo.NoSpaceException("No space left on device", null);
            }
            throw new IOException("Input/output error");
        }
        return call == Call.WRITE && bytes > 1 && random.nextInt(16) == 0 ? 1 + random.nextInt(bytes - 1) : bytes;
    }

    private void examine(Call call) throws IOException {
        long variant = seed * 1_000_003 + disk.steps();
        if (!reading) {
            new CrashExamination(disk, known, planted, segmentBytes, variant, tally).examine(call);
        } else if (new Random(variant).nextInt(READ_EXAMINATION_ONE_IN) == 0) {
            new ReadExamination(disk, expected, segmentBytes, variant, tally).examine();
        }
    }

    private int reading(int bytes) throws IOException {
        if (!reading || !readsFail) {
            return bytes;
        }
        if (random.nextInt(20) == 0) {
            tally.fault(Call.READ);
            notRead++;
            throw new IOException("Input/output error");
        }
        return bytes > 1 && random.nextInt(8) == 0 ? 1 + random.nextInt(bytes - 1) : bytes;
    }

    private void spoil() {
        List<String> segments = disk.segments();
        String name = segments.get(random.nextInt(segments.size()));
        disk.spoil(name, random.nextInt(1 + disk.size(name) / FileContent.PAGE));
        spoiled = true;
        tally.spoiled();
    }

    private void operation() throws IOException {
        switch (random.nextInt(16)) {
            case 0, 1, 2, 3 -> store(1);
            case 4 -> store(2 + random.nextInt(6));
            case 5, 6, 7 -> attempt();
            case 8 -> settleLate();
            case 9 -> hold(random.nextBoolean());
            case 10, 11 -> delete();
            case 12 -> reschedule();
            case 13 -> turns.compact();
            case 14 -> rest();
            default -> {
                if (random.nextInt(3) == 0) {
                    faults = false;
                    reopen();
                } else {
                    abandon();
                }
            }
        }
        if (random.nextInt(4) == 0) {
            turns.compact();
        }
    }

    private void rest() {
        turns.rest();
        for (int quiet = random.nextInt(4); quiet > 0; quiet--) {
            turns.prepare();
        }
    }

    private int size() {
        return switch (random.nextInt(24)) {
            case 0 -> 140_000 + random.nextInt(400_000);
            case 1, 2, 3 -> random.nextInt(30_000);
            default -> random.nextInt(3_000);
        };
    }

    private Envelope envelope() {
        return Envelopes.toMany(1 + random.nextInt(4), DOMAINS[random.nextInt(3)], DOMAINS[random.nextInt(3)]);
    }

    /** Commits some messages under one force. */
    private void store(int count) throws SpoolException {
        int faultsBefore = failed;
        List<SpoolWriter> writers = new ArrayList<>();
        List<CompletionStage<SpoolId>> commits = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                Envelope envelope = envelope();
                byte[] mailData = octets(size(), random.nextLong());
                SpoolWriter writer = spool.begin(envelope, now);
                writers.add(writer);
                writer.write(ByteBuffer.wrap(mailData));
                known.put(writer.id(), new Known(writer.id(), envelope, now, mailData));
            }
        } catch (SpoolException e) {
            checkFault(e);
        }
        turns.gather();
        boolean[] sure = new boolean[1];
        for (SpoolWriter writer : writers) {
            if (!known.containsKey(writer.id())) {
                continue; // its mail data could not be written
            }
            try {
                commits.add(writer.commit());
                commits.get(commits.size() - 1).thenAccept(id -> {
                    known.get(id).sure(); // from this very moment
                    sure[0] = true;
                });
            } catch (SpoolException e) {
                checkFault(e);
            }
        }
        turns.release();
        for (SpoolWriter writer : writers) {
            writer.close();
        }
        for (CompletionStage<SpoolId> commit : commits) {
            try {
                await(commit);
            } catch (SpoolException e) {
                checkFault(e);
            }
        }
        for (SpoolWriter writer : writers) {
            Known message = known.get(writer.id());
            if (message != null && !committed(commits, writer.id())) {
                message.next(Optional.empty()); // its sender was told to keep it
            }
        }
        if (sure[0]) {
            sure(faultsBefore);
        }
        tally.messages(count);
    }

    private static boolean committed(List<CompletionStage<SpoolId>> commits, SpoolId id) {
        return commits.stream()
                .map(CompletionStage::toCompletableFuture)
                .anyMatch(one -> !one.isCompletedExceptionally() && id.equals(one.join()));
    }

    private void checkFault(SpoolException e) {
        if (!failing) {
            throw new AssertionError("nothing failed", e);
        }
    }

    private void abandon() throws SpoolException {
        try (SpoolWriter writer = spool.begin(envelope(), now)) {
            writer.write(ByteBuffer.wrap(octets(size(), 1)));
        } catch (SpoolException e) {
            checkFault(e);
        }
    }

    /** Something was forced: all that was said before is on disk, too, unless a fault has it wait for a new segment. */
    private void sure(int faultsBefore) {
        if (failed == faultsBefore) {
            known.values().forEach(Known::sure);
        }
    }

    private void attempt() throws SpoolException {
        String domain = DOMAINS[random.nextInt(3)];
        leases.removeIf(lease -> lease.domain().toString().equals(domain) && Expectation.isOver(lease, now));
        Set<SpoolId> right = expected.leasable(MailDomain.of(domain), now);
        int notReadBefore = notRead;
        List<SpoolLease> taken = lease(spool, domain, now);
        taken.forEach(lease -> assertThat(right.remove(lease.id())).isTrue());
        if (notRead == notReadBefore && !spoiled) {
            assertThat(right).as("not leased").isEmpty();
        }
        for (SpoolId id : right) {
            assertThatThrownBy(() -> spool.find(id)).isInstanceOf(SpoolDamagedException.class);
            expected.aside(id);
        }
        for (SpoolLease lease : taken) {
            if (random.nextInt(5) == 0) {
                leases.add(lease);
            } else {
                settle(lease);
            }
        }
        now = now.plusSeconds(random.nextInt(60) == 0 ? LEASE.toSeconds() : 5);
    }

    private void settleLate() throws SpoolException {
        if (leases.isEmpty()) {
            return;
        }
        SpoolLease lease = leases.get(random.nextInt(leases.size()));
        if (Expectation.isOver(lease, now)) {
            assertThatThrownBy(() -> spool.settle(lease, relayed(lease, now)))
                    .isInstanceOf(SpoolLeaseLostException.class);
        } else {
            leases.remove(lease);
            settle(lease);
        }
    }

    private void settle(SpoolLease lease) throws SpoolException {
        Instant due = now.plusSeconds(1 + random.nextInt(20));
        Settlement settlement = switch (random.nextInt(4)) {
            case 0, 1 -> relayed(lease, now);
            case 2 -> {
                int first = lease.recipients().get(0).index();
                yield Settlement.attempted(
                        now, Map.of(first, relayed(lease, now).states().get(first)), due);
            }
            default -> deferred(lease, now, due);
        };
        known.get(lease.id()).next(Known.settled(expected.queued(lease.id()), lease.domain(), settlement));
        spool.settle(lease, settlement);
        tally.settlement();
    }

    /** One word about a message that is durable when the call returns. */
    private void tell(SpoolId id, Optional<QueuedMessage> version, Word word) {
        int faultsBefore = failed;
        Optional<QueuedMessage> before = known.get(id).now();
        known.get(id).next(version);
        try {
            assertThat(word.tell()).isTrue();
            sure(faultsBefore);
        } catch (SpoolException e) {
            checkFault(e);
            known.get(id).next(before);
        }
    }

    @FunctionalInterface
    private interface Word {
        boolean tell() throws SpoolException;
    }

    private void hold(boolean held) {
        expected.pick(random).ifPresent(id -> {
            QueuedMessage message = expected.queued(id);
            tell(
                    id,
                    Optional.of(new QueuedMessage(message.message(), message.lanes(), held)),
                    () -> held ? spool.hold(id) : spool.release(id));
        });
    }

    private void delete() {
        expected.pick(random).ifPresent(id -> {
            leases.removeIf(lease -> lease.id().equals(id));
            tell(id, Optional.empty(), () -> spool.delete(id));
        });
    }

    private void reschedule() throws SpoolException {
        Instant due = now.plusSeconds(random.nextInt(20));
        if (random.nextBoolean()) {
            Optional<SpoolId> id = expected.pick(random);
            if (id.isPresent()) {
                known.get(id.get()).next(Optional.of(Known.due(expected.queued(id.get()), Optional.empty(), due)));
                assertThat(spool.reschedule(id.get(), due)).isTrue();
            }
            return;
        }
        MailDomain domain = MailDomain.of(DOMAINS[random.nextInt(3)]);
        known.forEach((id, message) -> message.now().ifPresent(version -> {
            if (!expected.isLeased(id, domain) && !expected.isAside(id)) {
                message.next(Optional.of(Known.due(version, Optional.of(domain), due)));
            }
        }));
        spool.reschedule(domain, due);
    }

    private void compare() throws IOException {
        expected.compare(spool, spoiled);
    }

    private void reopen() throws IOException {
        int faultsBefore = failed;
        try {
            spool.close();
            sure(faultsBefore);
        } catch (SpoolException e) {
            checkFault(e); // outcomes that waited for a segment are repeated
        }
        leases.clear();
        expected.nothingAside();
        readsFail = false;
        disk.heal();
        spoiled = false;
        open();
        CrashExamination.adopt(spool, known);
    }
}
