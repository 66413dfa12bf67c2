package org.backupmx.benchmarks.spool;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/**
 * How many messages a second does the file spool commit, each writer waiting for its own, and how many would a bare loop
 * that writes and forces as many at once?
 *
 * <p>{@code java -cp ... org.openjdk.jmh.Main FileSpoolCommitBenchmark}; {@code -bm sample} for latencies
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class FileSpoolCommitBenchmark {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final MailDomain DOMAIN = MailDomain.of("example.org");

    /** A spool that is emptied between iterations. */
    @State(Scope.Benchmark)
    public static class SpoolState {

        /** Bytes of mail data. */
        @Param("4096")
        public int messageSize;

        private Path directory;
        private FileSpool spool;
        private Envelope envelope;
        private byte[] mailData;

        /**
         * Opens the spool.
         *
         * @throws IOException if the disk refuses
         */
        @Setup(Level.Trial)
        public void open() throws IOException {
            directory = Files.createTempDirectory("spool-commit");
            spool = FileSpool.builder(directory.resolve("spool"))
                    .minimumFreeBytes(256L << 20)
                    .minimumFreePercent(0)
                    .open();
            envelope = Envelope.from(ReversePath.parse("sender@example.net"))
                    .to(Recipient.of(ForwardPath.parse("user@example.org")))
                    .build();
            mailData = new byte[messageSize];
        }

        /**
         * Relays all that is queued, so that segments come back.
         *
         * @throws IOException if the spool fails
         */
        @TearDown(Level.Iteration)
        public void drain() throws IOException {
            RecipientState relayed = new RecipientState.Relayed(SmtpReply.of(250, "2.0.0", "ok"), NOW);
            LeaseRequest request = new LeaseRequest(DOMAIN, NOW, Instant.MAX, NOW.plusSeconds(60), 1000);
            Map<Integer, RecipientState> states = new HashMap<>();
            states.put(0, relayed);
            List<SpoolLease> leases = spool.lease(request);
            while (!leases.isEmpty()) {
                for (SpoolLease lease : leases) {
                    spool.settle(lease, Settlement.attempted(NOW, states, NOW));
                }
                leases = spool.lease(request);
            }
        }

        /**
         * Closes the spool and removes it.
         *
         * @throws IOException if the disk refuses
         */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            spool.close();
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }

        SpoolId commit() throws IOException {
            try (SpoolWriter writer = spool.begin(envelope, NOW)) {
                writer.write(ByteBuffer.wrap(mailData));
                return writer.commit().toCompletableFuture().join();
            }
        }
    }

    /** A preallocated file, written round and round. */
    @State(Scope.Benchmark)
    public static class RawState {

        private static final int FILE_BYTES = 64 << 20;
        /** What a message of 4 KiB takes in a segment. */
        private static final int RECORD_BYTES = 4264;

        private Path file;
        private FileChannel channel;
        private ByteBuffer records;
        private long position;

        /**
         * Preallocates the file.
         *
         * @throws IOException if the disk refuses
         */
        @Setup(Level.Trial)
        public void open() throws IOException {
            file = Files.createTempFile("raw-commit", ".bin");
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
            ByteBuffer zeros = ByteBuffer.allocate(FILE_BYTES);
            while (zeros.hasRemaining()) {
                channel.write(zeros);
            }
            channel.force(true);
            records = ByteBuffer.allocateDirect(100 * RECORD_BYTES);
        }

        /**
         * Removes the file.
         *
         * @throws IOException if the disk refuses
         */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            channel.close();
            Files.delete(file);
        }

        long force(int messages) throws IOException {
            records.clear().limit(messages * RECORD_BYTES);
            if (position + records.limit() > FILE_BYTES) {
                position = 0;
            }
            while (records.hasRemaining()) {
                position += channel.write(records, position);
            }
            channel.force(false);
            return position;
        }
    }

    /**
     * One writer.
     *
     * @param state the spool
     * @return the message
     * @throws IOException if the spool fails
     */
    @Benchmark
    @Threads(1)
    public SpoolId commit1(SpoolState state) throws IOException {
        return state.commit();
    }

    /**
     * Twenty writers.
     *
     * @param state the spool
     * @return the message
     * @throws IOException if the spool fails
     */
    @Benchmark
    @Threads(20)
    public SpoolId commit20(SpoolState state) throws IOException {
        return state.commit();
    }

    /**
     * A hundred writers.
     *
     * @param state the spool
     * @return the message
     * @throws IOException if the spool fails
     */
    @Benchmark
    @Threads(100)
    public SpoolId commit100(SpoolState state) throws IOException {
        return state.commit();
    }

    /**
     * The bare disk, one message a force.
     *
     * @param state the file
     * @return where the last write ended
     * @throws IOException if the disk refuses
     */
    @Benchmark
    @Threads(1)
    public long raw1(RawState state) throws IOException {
        return state.force(1);
    }

    /**
     * The bare disk, twenty messages a force.
     *
     * @param state the file
     * @return where the last write ended
     * @throws IOException if the disk refuses
     */
    @Benchmark
    @Threads(1)
    @OperationsPerInvocation(20)
    public long raw20(RawState state) throws IOException {
        return state.force(20);
    }

    /**
     * The bare disk, a hundred messages a force.
     *
     * @param state the file
     * @return where the last write ended
     * @throws IOException if the disk refuses
     */
    @Benchmark
    @Threads(1)
    @OperationsPerInvocation(100)
    public long raw100(RawState state) throws IOException {
        return state.force(100);
    }
}
