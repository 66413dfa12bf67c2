package org.backupmx.spool.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.read;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.testkit.Envelopes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed while it commits has every message that it told of. */
class FileSpoolKillIT {

    private static final int ROUNDS = 10;
    private static final int THREADS = 4;
    private static final int MOST_BYTES = 200_000;

    /** The process to be killed: tells each identity and what was stored under it, once it is committed. */
    static final class Child {

        private Child() {}

        private static FileSpoolBuilder spool(Path directory) {
            return FileSpool.builder(directory).segmentBytes(1 << 20);
        }

        public static void main(String[] args) throws SpoolException {
            long seed = Long.parseLong(args[1]);
            FileSpool spool = spool(Path.of(args[0])).open();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                new Thread(() -> commit(spool, new Random(seed * THREADS + number))).start();
            }
        }

        private static void commit(FileSpool spool, Random random) {
            try {
                while (true) {
                    long content = random.nextLong();
                    boolean goes = random.nextInt(3) == 0;
                    SpoolId id = store(spool, Envelopes.to("u@a.example"), START, mailData(content));
                    if (!goes) {
                        System.out.println(id + " " + content);
                    } else if (spool.delete(id)) {
                        System.out.println(id + " gone");
                    }
                }
            } catch (SpoolException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static byte[] mailData(long content) {
        int bytes = content % 16 == 0 ? MOST_BYTES : (int) Math.floorMod(content, 8_000L);
        return octets(bytes, content);
    }

    @Test
    void killedProcessLosesNothingItToldOf(@TempDir Path directory) throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Map<SpoolId, Long> told = new HashMap<>();
        Set<SpoolId> gone = new HashSet<>();
        int untold = 0;
        for (int round = 0; round < ROUNDS; round++) {
            ledger(directory, seed + round, 1 + random.nextInt(700), told, gone);
            untold += check(directory, told, gone, "seed " + seed + ", round " + round);
        }
        assertThat(told).as("seed " + seed).hasSizeGreaterThan(ROUNDS);
        System.out.println("seed " + seed + ": told of " + told.size() + ", deleted " + gone.size()
                + ", lost 0, damaged 0, committed and not told of " + untold);
    }

    private static void ledger(Path directory, long seed, int lines, Map<SpoolId, Long> told, Set<SpoolId> gone)
            throws IOException, InterruptedException {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        directory.toString(),
                        Long.toString(seed))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader out = child.inputReader(StandardCharsets.US_ASCII)) {
            String line = out.readLine();
            for (int i = 1; line != null; i++) {
                String[] parts = line.split(" ", -1);
                if (parts.length == 2 && parts[1].equals("gone")) {
                    gone.add(new SpoolId(parts[0]));
                } else if (parts.length == 2) {
                    told.put(new SpoolId(parts[0]), Long.parseLong(parts[1]));
                }
                if (i == lines) {
                    child.toHandle()
                            .destroyForcibly(); // leaves the stream open: the rest of the ledger is still to be read
                }
                line = out.readLine();
            }
        } finally {
            child.destroyForcibly();
            assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** Returns how many messages are there that nobody was told of. */
    private static int check(Path directory, Map<SpoolId, Long> told, Set<SpoolId> gone, String what)
            throws IOException {
        Set<SpoolId> found = new HashSet<>();
        Set<SpoolId> untold = new HashSet<>();
        try (FileSpool spool = Child.spool(directory).open()) {
            spool.scan(entry -> {
                assertThat(entry).as(what).isInstanceOf(SpoolEntry.Intact.class);
                SpoolId id = ((SpoolEntry.Intact) entry).message().id();
                assertThat(found.add(id)).as(what + ": twice").isTrue();
            });
            assertThat(found).as(what + ": lost").containsAll(told.keySet());
            assertThat(found).as(what + ": came back").doesNotContainAnyElementsOf(gone);
            for (SpoolId id : found) {
                Long content = told.get(id);
                byte[] mailData = read(spool, id);
                if (content == null) {
                    untold.add(id);
                } else {
                    assertThat(mailData).as(what).isEqualTo(mailData(content));
                }
            }
            for (SpoolId id : untold) {
                spool.delete(id);
                gone.add(id);
            }
        }
        return untold.size();
    }
}
