package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.backupmx.spool.testkit.SpoolActions.START;
import static org.backupmx.spool.testkit.SpoolActions.await;
import static org.backupmx.spool.testkit.SpoolActions.deferred;
import static org.backupmx.spool.testkit.SpoolActions.octets;
import static org.backupmx.spool.testkit.SpoolActions.store;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.FileSpool;
import org.backupmx.spool.jdbc.JdbcSpool;
import org.backupmx.spool.testkit.Envelopes;
import org.backupmx.spool.testkit.SpoolActions;
import org.backupmx.spool.transfer.SpoolExport;
import org.backupmx.spool.transfer.SpoolImport;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** {@code spool export} and {@code spool import} on real spools. */
class SpoolToolsIT {

    private static final int SIGINT = 2;
    /** What {@link #fillWithEveryKind} stores. */
    private static final int MESSAGES = Envelopes.ofEveryKind().size() + 1;

    @TempDir
    Path folder;

    private record Said(int exitCode, String out, String err) {}

    private static Said run(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                ReferenceServer.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int exitCode = command.execute(Stream.of(args).map(Object::toString).toArray(String[]::new));
        return new Said(exitCode, out.toString(), err.toString());
    }

    /** What an export holds, without the identities. */
    private static Map<String, Integer> exported(Path directory) throws IOException {
        Map<String, Integer> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(".json")).toList()) {
                String name = file.getFileName().toString().replace(".json", "");
                String json = Files.readString(file).replace("\"id\": \"" + name + "\"", "");
                byte[] mailData = Files.readAllBytes(directory.resolve(name + ".eml"));
                contents.merge(json + Arrays.hashCode(mailData), 1, Integer::sum);
            }
        }
        return contents;
    }

    private static void fillWithEveryKind(Path directory) throws Exception {
        try (FileSpool spool = FileSpool.open(directory)) {
            int seed = 0;
            for (Envelope envelope : Envelopes.ofEveryKind()) {
                store(spool, envelope, START.plusSeconds(seed), octets(seed * 60_000, seed++));
            }
            SpoolId held = store(spool, Envelopes.to("x@h.example"), START, octets(9, 9));
            for (int i = 0; i < 4; i++) {
                SpoolLease lease = SpoolActions.leaseOne(spool, "h.example", START.plusSeconds(i));
                spool.settle(lease, deferred(lease, START.plusSeconds(i), START.plusSeconds(i + 1)));
            }
            assertThat(spool.hold(held)).isTrue();
        }
    }

    @Test
    void mailGoesFromFilesToADatabaseAndBackUnchanged() throws Exception {
        fillWithEveryKind(folder.resolve("spool"));
        Said first = run("spool", "export", folder.resolve("spool"), "--to", folder.resolve("one"));
        assertThat(first.err()).doesNotContain("message 0");
        assertThat(first.exitCode()).isZero();
        JdbcDataSource source = new JdbcDataSource();
        source.setUrl("jdbc:h2:file:" + folder.resolve("db"));
        try (Spool database = JdbcSpool.builder(source).open()) {
            SpoolImport.into(database).from(folder.resolve("one"), folder.resolve("ledger"));
            SpoolExport.of(database).toDirectory(folder.resolve("two"));
        }
        Said back = run("spool", "import", folder.resolve("again"), "--from", folder.resolve("two"));
        assertThat(back.err()).doesNotContain("message 0");
        assertThat(back.exitCode()).isZero();
        assertThat(run("spool", "import", folder.resolve("again"), "--from", folder.resolve("two"))
                        .out())
                .contains("messages: 0\n")
                .contains("already: " + MESSAGES + "\n");
        run("spool", "export", folder.resolve("again"), "--to", folder.resolve("three"));

        assertThat(exported(folder.resolve("one"))).hasSize(MESSAGES);
        assertThat(exported(folder.resolve("two"))).isEqualTo(exported(folder.resolve("one")));
        assertThat(exported(folder.resolve("three"))).isEqualTo(exported(folder.resolve("one")));
        assertThat(run("spool", "describe", folder.resolve("again")).out())
                .contains(
                        "messages: " + MESSAGES + "\n",
                        "held: 1\n",
                        "oldest: 2026-03-01T12:00:00.123Z\n",
                        "format-versions: ")
                .containsPattern("live-bytes: [1-9]")
                .containsPattern("dead-bytes: \\d");
    }

    @Test
    void anEncryptedSpoolIsReadWithItsKeysOnly() throws Exception {
        Path keys = Files.writeString(folder.resolve("keys"), "2026 " + "0f".repeat(32) + "\n");
        Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
        fillWithEveryKind(folder.resolve("plain"));
        run("spool", "export", folder.resolve("plain"), "--to", folder.resolve("one"));
        Path spool = folder.resolve("spool");
        assertThat(run("spool", "import", spool, "--from", folder.resolve("one"), "--key-file", keys)
                        .exitCode())
                .isZero();

        Said refused = run("spool", "export", spool, "--to", folder.resolve("two"));
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("encrypted under key 2026, and no keys are given", "--key-file");
        assertThat(run("spool", "describe", spool).exitCode()).isEqualTo(1);
        assertThat(run("spool", "verify", spool).exitCode()).isEqualTo(1);
        assertThat(run("spool", "import", spool, "--from", folder.resolve("one"))
                        .exitCode())
                .isEqualTo(1);

        Said described = run("spool", "describe", spool, "--key-file", keys);
        assertThat(described.out())
                .contains("messages: " + MESSAGES + "\n")
                .containsPattern("encrypted-segments: \\d+ under key 2026\n");
        assertThat(run("spool", "verify", spool, "--key-file", keys).exitCode()).isZero();
        assertThat(run("spool", "export", spool, "--to", folder.resolve("two"), "--key-file", keys)
                        .exitCode())
                .isZero();
        assertThat(exported(folder.resolve("one"))).hasSize(MESSAGES);
        assertThat(exported(folder.resolve("two"))).isEqualTo(exported(folder.resolve("one")));
    }

    /** What was there before the export and is not delivered meanwhile is in it, byte for byte; nothing in part. */
    @Test
    void aSpoolIsCopiedWhileItIsUsed() throws Exception {
        Path directory = folder.resolve("spool");
        Set<Integer> kept = new HashSet<>();
        AtomicBoolean enough = new AtomicBoolean();
        ExecutorService worker = Executors.newSingleThreadExecutor();
        try (FileSpool spool =
                FileSpool.builder(directory).segmentBytes(1 << 20).open()) {
            for (int i = 0; i < 100; i++) {
                byte[] mailData = octets(3_000, i);
                store(spool, Envelopes.to("kept@kept.example"), START, mailData);
                kept.add(Arrays.hashCode(mailData));
            }
            Future<Integer> load = worker.submit(() -> churn(spool, enough));
            try {
                for (int round = 0; round < 2; round++) {
                    Path to = folder.resolve("copy" + round);
                    Said said = run("spool", "export", directory, "--to", to);
                    assertThat(said.err()).doesNotContain("message 0");
                    assertThat(said.exitCode()).as(said.err()).isZero();
                    assertThat(kept(to)).isEqualTo(kept);
                }
            } finally {
                enough.set(true);
            }
            assertThat(load.get(60, TimeUnit.SECONDS)).isPositive();
        } finally {
            enough.set(true);
            worker.shutdownNow();
        }
        assertThat(run("spool", "import", folder.resolve("new"), "--from", folder.resolve("copy1"))
                        .exitCode())
                .isZero();
        assertThat(run("spool", "export", folder.resolve("new"), "--to", folder.resolve("last"))
                        .exitCode())
                .isZero();
        assertThat(exported(folder.resolve("last"))).isEqualTo(exported(folder.resolve("copy1")));
    }

    /** Stores and delivers as fast as it can, so that segments go and are used again. */
    private static int churn(FileSpool spool, AtomicBoolean enough) throws Exception {
        int stored = 0;
        while (!enough.get()) {
            List<CompletionStage<SpoolId>> commits = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                try (SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START)) {
                    writer.write(ByteBuffer.wrap(octets(20_000, stored++)));
                    commits.add(writer.commit());
                }
            }
            for (CompletionStage<SpoolId> commit : commits) {
                await(commit);
            }
            for (SpoolLease lease : SpoolActions.lease(spool, "a.example", START)) {
                spool.settle(lease, SpoolActions.relayed(lease, START));
            }
        }
        return stored;
    }

    private static Set<Integer> kept(Path directory) throws IOException {
        Set<Integer> kept = new HashSet<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file :
                    files.filter(one -> one.toString().endsWith(".json")).toList()) {
                if (Files.readString(file).contains("kept.example")) {
                    kept.add(Arrays.hashCode(
                            Files.readAllBytes(Path.of(file.toString().replace(".json", ".eml")))));
                }
            }
        }
        return kept;
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void aSignalEndsItAfterTheMessageUnderWay(String signal, int exitCode) throws Exception {
        assumeThat(!signal.equals("INT") || !isIgnored(SIGINT))
                .as("a process whose parent ignores SIGINT does, too")
                .isTrue();
        Path directory = folder.resolve("spool");
        try (FileSpool spool = FileSpool.open(directory)) {
            List<CompletionStage<SpoolId>> commits = new ArrayList<>();
            for (int i = 0; i < 8_000; i++) {
                try (SpoolWriter writer = spool.begin(Envelopes.to("x@a.example"), START)) {
                    writer.write(ByteBuffer.wrap(octets(100, i)));
                    commits.add(writer.commit());
                }
            }
            for (CompletionStage<SpoolId> commit : commits) {
                await(commit);
            }
        }
        Path to = folder.resolve("to");
        Process export = start("spool", "export", directory, "--to", to);
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(5))
                .until(() -> Files.isDirectory(to) && count(to, ".json") > 0);
        signal(export, signal);
        String out = new String(export.getInputStream().readAllBytes(), UTF_8);

        assertThat(export.waitFor()).isEqualTo(exitCode);
        long messages = count(to, ".json");
        assertThat(out).contains("messages: " + messages + "\n", "complete: false\n");
        assertThat(messages).isBetween(1L, 7_999L);
        assertThat(count(to, ".eml")).isEqualTo(messages);
        assertThat(count(to, "")).isEqualTo(2 * messages);
    }

    /** What was carried over last waits up to 100 ms for its place on disk. */
    @Test
    void whatAnImportThatASignalEndsCallsDoneHasItsAttempts() throws Exception {
        Path directory = folder.resolve("spool");
        int messages = 4_000;
        try (FileSpool spool = FileSpool.open(directory)) {
            for (int i = 0; i < messages; i++) {
                store(spool, Envelopes.to("x@a.example"), START, octets(100, i));
            }
            for (List<SpoolLease> leases = lease(spool); !leases.isEmpty(); leases = lease(spool)) {
                for (SpoolLease lease : leases) {
                    spool.settle(lease, deferred(lease, START, START.plusSeconds(60)));
                }
            }
        }
        Path from = folder.resolve("from");
        assertThat(run("spool", "export", directory, "--to", from).exitCode()).isZero();
        Path ledger = folder.resolve("ledger");
        Path into = folder.resolve("into");

        Process started = start("spool", "import", into, "--from", from, "--ledger", ledger);
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(5))
                .until(() -> Files.exists(ledger) && Files.readString(ledger).contains("done"));
        signal(started, "TERM");
        String out = new String(started.getInputStream().readAllBytes(), UTF_8);

        assertThat(started.waitFor()).isEqualTo(143);
        assertThat(out).contains("complete: false\n");
        try (FileSpool spool = FileSpool.open(into)) {
            List<QueuedMessage> there = SpoolActions.scan(spool);
            assertThat(there).hasSizeBetween(1, messages - 1);
            assertThat(out).contains("messages: " + there.size() + "\n");
            assertThat(there)
                    .allSatisfy(message ->
                            assertThat(message.lanes().get(0).attempts()).isEqualTo(1));
        }
    }

    private static List<SpoolLease> lease(Spool spool) throws Exception {
        return SpoolActions.lease(spool, "a.example", START);
    }

    private Process start(Object... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ReferenceServer.class.getName()));
        Stream.of(args).map(Object::toString).forEach(command::add);
        return new ProcessBuilder(command)
                .redirectError(folder.resolve("err").toFile())
                .start();
    }

    private static void signal(Process process, String signal) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    private static boolean isIgnored(int signal) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).trim(), 16) >> (signal - 1) & 1) == 1);
    }

    private static long count(Path directory, String end) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(end)).count();
        }
    }
}
