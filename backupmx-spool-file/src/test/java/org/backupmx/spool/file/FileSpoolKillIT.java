package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.relayed;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolLeaseLostException;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that is killed while it stores, leases, settles, deletes and compacts has every message that it told of.
 * The profile {@code crash} has 1,000 rounds.
 */
class FileSpoolKillIT {

    private static final int ROUNDS = Integer.getInteger("kill.rounds", 20);
    private static final int THREADS = 4;
    private static final int MOST_BYTES = 200_000;
    private static final String DOMAIN = "a.example";

    /** The process to be killed: tells each thing that it does, before and after. */
    static final class Child {

        private final FileSpool spool;

        private Child(FileSpool spool) {
            this.spool = spool;
        }

        private static FileSpoolBuilder spool(Path directory) {
            return FileSpool.builder(directory).segmentBytes(256 << 10);
        }

        public static void main(String[] args) throws SpoolException {
            long seed = Long.parseLong(args[1]);
            System.out.println("opening"); // and may be killed there
            Child child = new Child(spool(Path.of(args[0])).open());
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                new Thread(() -> child.work(new Random(seed * THREADS + number))).start();
            }
        }

        private void work(Random random) {
            try {
                while (true) {
                    switch (random.nextInt(8)) {
                        case 0 -> delete(random);
                        case 1, 2, 3 -> attempt(random);
                        default -> keep(random);
                    }
                }
            } catch (SpoolException | RuntimeException | Error e) {
                System.out.println("failed " + e);
                throw new AssertionError(e);
            }
        }

        private void keep(Random random) throws SpoolException {
            long content = random.nextLong();
            SpoolId id = store(spool, Envelopes.to("u@" + DOMAIN), START, mailData(content));
            System.out.println("stored " + id + " " + content);
        }

        private void delete(Random random) throws SpoolException {
            SpoolId id = store(spool, Envelopes.to("u@other.example"), START, mailData(random.nextLong()));
            if (spool.delete(id)) {
                System.out.println("deleted " + id);
            }
        }

        private void attempt(Random random) throws SpoolException {
            LeaseRequest request =
                    new LeaseRequest(MailDomain.of(DOMAIN), START, START, START.plusSeconds(60), 1 + random.nextInt(3));
            for (SpoolLease lease : spool.lease(request)) {
                try {
                    if (random.nextInt(4) > 0) {
                        System.out.println("relaying " + lease.id());
                        spool.settle(lease, relayed(lease, START));
                        System.out.println("relayed " + lease.id());
                    } else {
                        System.out.println("deferring " + lease.id());
                        spool.settle(lease, deferred(lease, START, START));
                    }
                } catch (SpoolLeaseLostException e) {
                    throw new AssertionError("nobody else had " + lease, e);
                }
            }
        }
    }

    /** What is known outside of the process. */
    private static final class Ledger {
        final Map<SpoolId, Long> stored = new HashMap<>();
        /** Their lanes may be at any number of attempts up to this. */
        final Map<SpoolId, Integer> attempts = new HashMap<>();
        /** May be gone. */
        final Set<SpoolId> relaying = new HashSet<>();
        /** May come back: the next attempt is a duplicate. */
        final Set<SpoolId> relayed = new HashSet<>();
        /** Must not come back. */
        final Set<SpoolId> deleted = new HashSet<>();

        private int told;
        private int relays;
        private int duplicates;
        private int untold;

        void line(String line) {
            String[] parts = line.split(" ", -1);
            if (parts[0].equals("failed")) {
                throw new AssertionError(line);
            }
            if (parts.length < 2 || parts[1].length() != 12) {
                return; // cut by the kill
            }
            SpoolId id = new SpoolId(parts[1]);
            switch (parts[0]) {
                case "stored" -> {
                    if (parts.length == 3) {
                        stored.put(id, Long.parseLong(parts[2]));
                        told++;
                    }
                }
                case "relaying" -> relaying.add(id);
                case "relayed" -> {
                    relayed.add(id);
                    relays++;
                }
                case "deferring" -> attempts.merge(id, 1, Integer::sum);
                case "deleted" -> deleted.add(id);
                default -> throw new AssertionError(line);
            }
        }

        void check(Path directory, String what) throws IOException {
            Map<SpoolId, QueuedMessage> found = new HashMap<>();
            try (FileSpool spool = Child.spool(directory).open()) {
                spool.scan(entry -> {
                    assertThat(entry).as(what + ": damaged").isInstanceOf(SpoolEntry.Intact.class);
                    QueuedMessage message = ((SpoolEntry.Intact) entry).message();
                    assertThat(found.put(message.id(), message))
                            .as(what + ": twice")
                            .isNull();
                });
                Set<SpoolId> mustBe = new HashSet<>(stored.keySet());
                mustBe.removeAll(relaying);
                assertThat(found.keySet()).as(what + ": lost").containsAll(mustBe);
                Set<SpoolId> cameBack = new HashSet<>(found.keySet());
                cameBack.retainAll(deleted);
                assertThat(cameBack).as(what + ": came back").isEmpty();
                for (QueuedMessage message : found.values()) {
                    check(spool, message, what);
                }
            }
            stored.keySet().retainAll(found.keySet());
            relaying.clear();
            relayed.clear();
        }

        private void check(FileSpool spool, QueuedMessage message, String what) throws IOException {
            SpoolId id = message.id();
            Long content = stored.get(id);
            byte[] mailData = read(spool, id);
            if (content == null) {
                untold++;
                spool.delete(id);
                deleted.add(id);
                return;
            }
            assertThat(mailData).as(what + ": damaged").isEqualTo(mailData(content));
            assertThat(message.lanes().get(0).attempts())
                    .as(what + ": attempts")
                    .isBetween(0, attempts.getOrDefault(id, 0));
            if (relayed.contains(id)) {
                duplicates++;
            }
        }
    }

    private static byte[] mailData(long content) {
        int bytes = content % 16 == 0 ? MOST_BYTES : (int) Math.floorMod(content, 8_000L);
        return octets(bytes, content);
    }

    @Test
    @Timeout(value = 4, unit = TimeUnit.HOURS)
    void killedProcessLosesNothingItToldOf(@TempDir Path directory) throws Exception {
        long seed = System.nanoTime();
        long began = System.nanoTime();
        Random random = new Random(seed);
        Ledger ledger = new Ledger();
        for (int round = 0; round < ROUNDS; round++) {
            int lines = random.nextInt(8) == 0 ? 1 : 1 + random.nextInt(1000);
            run(directory, seed + round, lines, ledger);
            ledger.check(directory, "seed " + seed + ", round " + round);
        }
        assertThat(ledger.told).as("seed " + seed).isGreaterThan(ROUNDS);
        assertThat(ledger.relays).as("seed " + seed).isGreaterThan(ROUNDS);
        System.out.println("seed " + seed + ", " + ROUNDS + " kills in "
                + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began) + " s: told of " + ledger.told
                + " messages, relayed " + ledger.relays + ", deleted " + ledger.deleted.size()
                + "; lost 0, damaged 0, to be relayed again " + ledger.duplicates + ", there and not told of "
                + ledger.untold);
    }

    private static void run(Path directory, long seed, int lines, Ledger ledger)
            throws IOException, InterruptedException {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                directory.toString(),
                Long.toString(seed));
        Process child = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader out = child.inputReader(StandardCharsets.US_ASCII)) {
            int count = 0;
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                count++;
                ledger.line(line);
                if (count == lines) {
                    child.toHandle().destroyForcibly(); // leaves the stream open: the rest is still to be read
                }
            }
            assertThat(count).as("lines: the process ended by itself").isGreaterThanOrEqualTo(lines);
        } finally {
            child.destroyForcibly();
            assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
    }
}
