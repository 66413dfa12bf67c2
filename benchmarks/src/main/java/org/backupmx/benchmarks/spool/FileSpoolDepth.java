package org.backupmx.benchmarks.spool;

import com.sun.management.OperatingSystemMXBean;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.LeaseRequest;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.Settlement;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.FileSpool;
import org.backupmx.spool.file.SyncMode;

/**
 * What does a deep queue cost the file spool: its start after a close and after a kill, its heap, and each commit, lease
 * and settlement?
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.spool.FileSpoolDepth DIRECTORY DOMAINS BYTES DEPTH...}; messages of
 * {@code BYTES} bytes of mail data, each step in a JVM of its own with the default heap, page cache warm.
 * {@code DIRECTORY} must not exist; it is removed.
 */
public final class FileSpoolDepth {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final int IN_FLIGHT = 100;
    private static final int LEASES = 100;
    private static final int ROUND = 20_000;
    private final FileSpool spool;
    private final List<Envelope> envelopes;
    private final byte[] mailData;
    private int nextDomain;

    private FileSpoolDepth(FileSpool spool, List<Envelope> envelopes, int bytes) {
        this.spool = spool;
        this.envelopes = envelopes;
        this.mailData = new byte[bytes];
    }

    /**
     * Measures and reports.
     *
     * @param args as above
     * @throws Exception if the spool fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length < 4) {
            System.err.println("usage: FileSpoolDepth DIRECTORY DOMAINS BYTES DEPTH...");
            System.exit(2);
        }
        if (args[0].startsWith("-")) {
            step(
                    args[0],
                    Path.of(args[1]),
                    Integer.parseInt(args[2]),
                    Integer.parseInt(args[3]),
                    Integer.parseInt(args[4]));
            return;
        }
        for (int i = 3; i < args.length; i++) {
            System.out.printf("%n%s messages of %s bytes, %s domains%n", args[i], args[2], args[1]);
            try {
                run("-fill", args[0], args[1], args[2], args[i]);
                run("-closed", args[0], args[1], args[2], args[i]);
                run("-killed", args[0], args[1], args[2], args[i]);
            } finally {
                remove(Path.of(args[0]));
            }
        }
    }

    private static void run(String... step) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                System.getProperty("java.class.path"),
                FileSpoolDepth.class.getName()));
        command.addAll(List.of(step));
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0) {
            throw new IOException("step " + step[0] + " ended with " + exit);
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Fills the spool and closes it, or measures it and ends as a killed process does: without a close. */
    static void step(String step, Path directory, int domains, int bytes, int depth) throws Exception {
        if (step.equals("-fill")) {
            try (FileSpool spool = open(directory, SyncMode.NONE)) {
                new FileSpoolDepth(spool, envelopes(domains), bytes).commit(depth);
            }
            return;
        }
        long heapBefore = heap();
        double cpuBefore = cpuSeconds();
        long start = System.nanoTime();
        FileSpool spool = open(directory, SyncMode.FORCE);
        double opened = seconds(start);
        double cpu = cpuSeconds() - cpuBefore;
        double heap = (double) (heap() - heapBefore) / depth;
        System.out.printf(
                "start after %s: %.2f s, CPU %.2f s; heap %.0f bytes a message%n",
                step.substring(1), opened, cpu, heap);
        FileSpoolDepth measured = new FileSpoolDepth(spool, envelopes(domains), bytes);
        if (step.equals("-closed")) {
            measured.rates(depth);
            measured.questions();
        }
        Runtime.getRuntime().halt(0);
    }

    private static FileSpool open(Path directory, SyncMode mode) throws IOException {
        return FileSpool.builder(directory)
                .minimumFreeBytes(256L << 20)
                .minimumFreePercent(0)
                .syncMode(mode)
                .open();
    }

    private static List<Envelope> envelopes(int domains) {
        List<Envelope> envelopes = new ArrayList<>();
        for (int i = 0; i < domains; i++) {
            envelopes.add(Envelope.from(ReversePath.parse("sender@example.net"))
                    .to(Recipient.of(ForwardPath.parse("user@d" + i + ".example.org")))
                    .build());
        }
        return envelopes;
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** Returns the CPU time of the whole process, its compiler included. */
    private static double cpuSeconds() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    private Envelope next() {
        nextDomain = (nextDomain + 1) % envelopes.size();
        return envelopes.get(nextDomain);
    }

    /** Commits messages, a hundred of them on their way at any time; returns the seconds it took. */
    double commit(int messages) throws Exception {
        Semaphore room = new Semaphore(IN_FLIGHT);
        List<Throwable> failures = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < messages; i++) {
            room.acquire();
            try (SpoolWriter writer = spool.begin(next(), NOW)) {
                writer.write(ByteBuffer.wrap(mailData));
                writer.commit().whenComplete((id, failure) -> {
                    if (failure != null) {
                        synchronized (failures) {
                            failures.add(failure);
                        }
                    }
                    room.release();
                });
            }
        }
        room.acquire(IN_FLIGHT);
        synchronized (failures) {
            if (!failures.isEmpty()) {
                throw new IOException(failures.size() + " commits failed", failures.get(0));
            }
        }
        return seconds(start);
    }

    /** Leases and settles so many messages; returns the seconds it took. */
    private double settle(int messages, Settlement settlement) throws IOException {
        long start = System.nanoTime();
        int empty = 0;
        for (int left = messages; left > 0; ) {
            List<SpoolLease> leases = spool.lease(new LeaseRequest(
                    next().domains().iterator().next(), NOW, Instant.MAX, NOW.plusSeconds(60), Math.min(left, LEASES)));
            for (SpoolLease lease : leases) {
                spool.settle(lease, settlement);
            }
            left -= leases.size();
            empty = leases.isEmpty() ? empty + 1 : 0;
            if (empty > envelopes.size()) {
                throw new IOException("nothing to lease, " + left + " messages are missing");
            }
        }
        return seconds(start);
    }

    /** Each kind of call at a depth that stays; the first round warms the JVM up and does not count. */
    void rates(int depth) throws Exception {
        Map<Integer, RecipientState> states = new HashMap<>();
        states.put(0, new RecipientState.Relayed(SmtpReply.of(250, "2.0.0", "ok"), NOW));
        Settlement relayed = Settlement.attempted(NOW, states, NOW);
        Map<Integer, RecipientState> later = new HashMap<>();
        later.put(0, new RecipientState.Deferred(SmtpReply.of(451, "4.3.0", "later"), NOW));
        Settlement deferred = Settlement.attempted(NOW, later, NOW.plusSeconds(3600));
        int round = Math.min(ROUND, depth);
        int rounds = 10 * ROUND / round;
        for (int pass = 0; pass < 2; pass++) {
            double committing = 0;
            double relaying = 0;
            double deferring = 0;
            for (int i = 0; i < rounds; i++) {
                committing += commit(round);
                relaying += settle(round, relayed);
                deferring += settle(round, deferred);
            }
            if (pass > 0) {
                System.out.printf(
                        "a second: %,.0f commits; %,.0f leased and relayed; %,.0f leased and deferred%n",
                        rounds * round / committing, rounds * round / relaying, rounds * round / deferring);
            }
        }
    }

    private void questions() throws IOException {
        MailDomain domain = envelopes.get(0).domains().iterator().next();
        for (int i = 0; i < 3; i++) {
            long start = System.nanoTime();
            int found = spool.find(SpoolFilter.all(), Optional.empty(), 50).size();
            double finding = seconds(start);
            start = System.nanoTime();
            long due = spool.reschedule(domain, NOW);
            System.out.printf(
                    "first page of %d: %.1f ms; %,d of a domain made due: %.1f ms%n",
                    found, finding * 1e3, due, seconds(start) * 1e3);
        }
    }

    /** Runs all that is measured once, small. */
    static void smoke(Path directory) throws Exception {
        try (FileSpool spool = open(directory, SyncMode.NONE)) {
            FileSpoolDepth depth = new FileSpoolDepth(spool, envelopes(10), 4096);
            depth.commit(100);
            depth.settle(100, Settlement.unused(NOW, NOW));
            depth.questions();
        }
    }
}
