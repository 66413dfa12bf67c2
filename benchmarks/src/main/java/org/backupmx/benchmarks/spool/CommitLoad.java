package org.backupmx.benchmarks.spool;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.FileSpool;
import org.backupmx.spool.file.FileSpoolBuilder;

/**
 * How near does the file spool come to the disk? Rounds of a bare loop, which appends as many records as there are writers
 * to files as large as segments and forces them at once, and of the spool, one after the other. Small messages are committed as
 * an event loop does it: one thread, and each writer's next message when its last one is durable. Messages that are too
 * long for that have a thread for each writer.
 *
 * <p>{@code java -cp ... org.backupmx.benchmarks.spool.CommitLoad DIRECTORY WRITERS BYTES SECONDS ROUNDS}; it ends with
 * small messages at half the rate, evenly spaced, and their latency. The spool is one that grows, one that has rested before,
 * and so has its first three segments to write over, and one that has had mail before, with two. Keep {@code SECONDS} so
 * low that these suffice. A rest takes 80 s.
 */
public final class CommitLoad {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    /** The records that the bare loop forces at once at most. */
    private static final int RAW_BATCH = 2000;

    private static final int RAW_FILE_BYTES = FileSpoolBuilder.DEFAULT_SEGMENT_BYTES;
    /** What a small message takes in a segment beside its mail data. */
    private static final int ENVELOPE_BYTES = 168;

    private static final int SPARES = FileSpoolBuilder.DEFAULT_SPARE_SEGMENTS;

    private static final Envelope ENVELOPE = Envelope.from(ReversePath.parse("sender@example.net"))
            .to(Recipient.of(ForwardPath.parse("user@example.org")))
            .build();

    /** What a spool has behind it. */
    private enum Before {
        NOTHING,
        REST,
        MAIL
    }

    private final Path directory;
    private final int writers;
    private final byte[] mailData;
    private final long nanos;

    private CommitLoad(Path directory, int writers, int bytes, int seconds) {
        this.directory = directory;
        this.writers = writers;
        this.mailData = new byte[bytes];
        this.nanos = TimeUnit.SECONDS.toNanos(seconds);
    }

    /**
     * Measures and reports.
     *
     * @param args as above
     * @throws Exception if the disk or the spool fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 5) {
            System.err.println("usage: CommitLoad DIRECTORY WRITERS BYTES SECONDS ROUNDS");
            System.exit(2);
        }
        CommitLoad load = new CommitLoad(
                Files.createTempDirectory(Path.of(args[0]), "commit-load"),
                Integer.parseInt(args[1]),
                Integer.parseInt(args[2]),
                Integer.parseInt(args[3]));
        try {
            load.run(Integer.parseInt(args[4]));
        } finally {
            remove(load.directory);
        }
    }

    private void run(int rounds) throws Exception {
        closed(Before.NOTHING); // warms up
        double[] raw = new double[rounds];
        double[] spool = new double[rounds];
        double[] rested = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            raw[i] = raw(writers, new ArrayList<>());
            spool[i] = closed(Before.NOTHING);
            rested[i] = closed(Before.REST);
            report("round", raw[i], spool[i], rested[i]);
        }
        report("medians", median(raw), median(spool), median(rested));
        if (mailData.length <= 128 << 10) {
            List<Long> forces = new ArrayList<>();
            raw(1, forces);
            long force =
                    forces.stream().sorted().skip(forces.size() / 2).findFirst().orElseThrow();
            report("bare loop", rawPaced(median(spool) / 2), force);
            report("growing spool", paced(median(spool) / 2, Before.NOTHING), force);
            report("rested spool", paced(median(spool) / 2, Before.REST), force);
            report("used spool", paced(median(spool) / 2, Before.MAIL), force);
        }
    }

    private static void report(String what, double raw, double spool, double rested) {
        System.out.printf(
                "%s: bare %,.0f/s   spool %,.0f/s, %.2f   rested spool %,.0f/s, %.2f%n",
                what, raw, spool, spool / raw, rested, rested / raw);
    }

    private static void report(String what, long[] latencies, long force) {
        long middle = latencies[latencies.length / 2];
        long slow = latencies[(int) (latencies.length * 0.99)];
        System.out.printf(
                "at half the rate, %s: p50 %,d µs, p99 %,d µs; in forces of one of %,d µs: p50 %.1f, p99 %.1f%n",
                what, middle / 1000, slow / 1000, force / 1000, (double) middle / force, (double) slow / force);
    }

    private Path spool() {
        return directory.resolve("spool");
    }

    private FileSpool open() throws IOException {
        return FileSpool.builder(spool())
                .minimumFreeBytes(256L << 20)
                .minimumFreePercent(0)
                .open();
    }

    /** Returns the messages a second with every writer waiting for its own. */
    private double closed(Before before) throws Exception {
        try (FileSpool spool = open()) {
            prepare(spool, before);
            return mailData.length <= spool.nonBlockingBytes() ? onOneThread(spool) : onThreads(spool);
        } finally {
            remove(spool());
        }
    }

    private double onOneThread(FileSpool spool) throws IOException {
        Deque<CompletableFuture<SpoolId>> underWay = new ArrayDeque<>(); // they end in this order
        long begin = System.nanoTime();
        for (int i = 0; i < writers; i++) {
            underWay.addLast(commit(spool));
        }
        long count = 0;
        for (; System.nanoTime() - begin < nanos; count++) {
            underWay.removeFirst().join();
            underWay.addLast(commit(spool));
        }
        return perSecond(count, System.nanoTime() - begin);
    }

    private double onThreads(FileSpool spool) throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(writers);
        try {
            long begin = System.nanoTime();
            List<Future<Long>> counts = new ArrayList<>();
            for (int i = 0; i < writers; i++) {
                counts.add(threads.submit(() -> {
                    long count = 0;
                    for (; System.nanoTime() - begin < nanos; count++) {
                        commit(spool).join();
                    }
                    return count;
                }));
            }
            long count = 0;
            for (Future<Long> one : counts) {
                count += one.get();
            }
            return perSecond(count, System.nanoTime() - begin);
        } finally {
            threads.shutdown();
        }
    }

    /**
     * Returns the latencies of messages that begin at a given rate, whether the earlier ones have ended or not. The first
     * half warms up.
     */
    private long[] paced(double rate, Before before) throws IOException, InterruptedException {
        double gap = TimeUnit.SECONDS.toNanos(1) / rate;
        long[] latencies = new long[(int) (2 * nanos / gap)];
        CountDownLatch ended = new CountDownLatch(latencies.length);
        try (FileSpool spool = open()) {
            prepare(spool, before);
            long begin = System.nanoTime();
            for (int i = 0; i < latencies.length; i++) {
                int number = i;
                long due = begin + (long) (i * gap);
                while (System.nanoTime() < due) {
                    LockSupport.parkNanos(Math.min(50_000, due - System.nanoTime()));
                }
                CompletionStage<SpoolId> stored = commit(spool);
                stored.whenComplete((id, failure) -> {
                    latencies[number] = failure == null ? System.nanoTime() - due : Long.MAX_VALUE;
                    ended.countDown();
                });
            }
            ended.await();
        } finally {
            remove(spool());
        }
        return sorted(latencies, latencies.length / 2);
    }

    private void prepare(FileSpool spool, Before before) throws IOException, InterruptedException {
        switch (before) {
            case REST -> awaitSpares();
            case MAIL -> use(spool);
            default -> {}
        }
    }

    /** Fills as many segments as are used again, has the mail relayed, and waits for them. */
    private void use(FileSpool spool) throws IOException, InterruptedException {
        int messages =
                (int) ((SPARES + 1L) * FileSpoolBuilder.DEFAULT_SEGMENT_BYTES / (mailData.length + ENVELOPE_BYTES));
        Deque<CompletableFuture<SpoolId>> underWay = new ArrayDeque<>();
        for (int i = 0; i < messages; i++) {
            underWay.addLast(commit(spool));
            if (underWay.size() == RAW_BATCH) {
                underWay.removeFirst().join();
            }
        }
        underWay.forEach(CompletableFuture::join);
        LeaseRequest all =
                new LeaseRequest(MailDomain.of("example.org"), NOW, Instant.MAX, NOW.plusSeconds(60), RAW_BATCH);
        Settlement relayed = Settlement.attempted(
                NOW, Map.of(0, new RecipientState.Relayed(SmtpReply.of(250, "2.0.0", "ok"), NOW)), NOW);
        for (List<SpoolLease> leases = spool.lease(all); !leases.isEmpty(); leases = spool.lease(all)) {
            for (SpoolLease lease : leases) {
                spool.settle(lease, relayed);
            }
        }
        awaitSpares();
    }

    private void awaitSpares() throws IOException, InterruptedException {
        long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(200);
        while (spares() < SPARES) {
            if (System.nanoTime() > patience) {
                throw new IllegalStateException("spares: " + spares() + " (expected: " + SPARES + ")");
            }
            Thread.sleep(50);
        }
    }

    private long spares() throws IOException {
        try (Stream<Path> files = Files.list(spool())) {
            return files.filter(file -> file.getFileName().toString().startsWith("spare-"))
                    .count();
        }
    }

    /** Returns the same of a bare loop, which appends at once what is due, and forces it. */
    private long[] rawPaced(double rate) throws IOException {
        double gap = TimeUnit.SECONDS.toNanos(1) / rate;
        long[] latencies = new long[(int) (2 * nanos / gap)];
        int record = mailData.length + ENVELOPE_BYTES;
        ByteBuffer records = ByteBuffer.allocateDirect(RAW_BATCH * record);
        Path files = Files.createTempDirectory(directory, "raw");
        long begin = System.nanoTime();
        for (int done = 0; done < latencies.length; ) {
            try (FileChannel channel = FileChannel.open(
                    files.resolve(String.valueOf(done)), StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                for (long end = 0; end < RAW_FILE_BYTES && done < latencies.length; ) {
                    long due = Math.min(latencies.length, (long) ((System.nanoTime() - begin) / gap) + 1);
                    int batch = (int) Math.min(due - done, RAW_BATCH);
                    if (batch <= 0) {
                        LockSupport.parkNanos(50_000);
                        continue;
                    }
                    records.clear().limit(batch * record);
                    while (records.hasRemaining()) {
                        end += channel.write(records, end);
                    }
                    channel.force(false);
                    for (long now = System.nanoTime(); batch > 0; batch--, done++) {
                        latencies[done] = now - (begin + (long) (done * gap));
                    }
                }
            }
        }
        remove(files);
        return sorted(latencies, latencies.length / 2);
    }

    private static long[] sorted(long[] latencies, int from) {
        long[] sorted = Arrays.copyOfRange(latencies, from, latencies.length);
        Arrays.sort(sorted);
        return sorted;
    }

    private CompletableFuture<SpoolId> commit(FileSpool spool) throws IOException {
        try (SpoolWriter writer = spool.begin(ENVELOPE, NOW)) {
            writer.write(ByteBuffer.wrap(mailData));
            return writer.commit().toCompletableFuture();
        }
    }

    /** Returns the records a second of a bare loop, and adds how long each write with its force took. */
    private double raw(int batch, List<Long> forces) throws IOException {
        ByteBuffer records = ByteBuffer.allocateDirect(batch * (mailData.length + ENVELOPE_BYTES));
        Path files = Files.createTempDirectory(directory, "raw");
        long count = 0;
        long begin = System.nanoTime();
        long now = begin;
        for (int number = 0; now - begin < nanos; number++) {
            Path file = files.resolve(String.valueOf(number));
            try (FileChannel channel =
                    FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                for (long end = 0; end < RAW_FILE_BYTES && now - begin < nanos; count += batch) {
                    records.clear();
                    while (records.hasRemaining()) {
                        end += channel.write(records, end);
                    }
                    channel.force(false);
                    long after = System.nanoTime();
                    forces.add(after - now);
                    now = after;
                }
            }
        }
        remove(files);
        return perSecond(count, now - begin);
    }

    private static double perSecond(long count, long nanos) {
        return (double) count * TimeUnit.SECONDS.toNanos(1) / nanos;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
