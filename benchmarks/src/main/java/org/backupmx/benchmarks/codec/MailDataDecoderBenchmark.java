package org.backupmx.benchmarks.codec;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.backupmx.smtp.internal.codec.MailDataDecoder;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What does it cost to find the end of a message's mail data and to undo its dot transparency, in reads of 16 KiB?
 *
 * <p>{@code java -cp ... org.openjdk.jmh.Main MailDataDecoderBenchmark -prof gc}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MailDataDecoderBenchmark {

    /** As much as the server reads at once. */
    private static final int READ_BYTES = 16 * 1024;

    private static final String PLAIN = "x".repeat(70) + "\r\n";
    private static final String DOTTED = ".." + "x".repeat(68) + "\r\n";

    /** Octets of mail data, about. */
    @Param({"4096", "65536"})
    public int messageSize;

    /** Whether every tenth line begins with a dot. */
    @Param({"false", "true"})
    public boolean dots;

    private final MailDataDecoder decoder = new MailDataDecoder();
    private ByteBuffer octets;

    /** Writes the message, and reads it once to see that it comes whole. */
    @Setup
    public void writeMessage() {
        StringBuilder message = new StringBuilder();
        int dropped = 0;
        for (int line = 1; message.length() + PLAIN.length() <= messageSize; line++) {
            boolean dotted = dots && line % 10 == 0;
            message.append(dotted ? DOTTED : PLAIN);
            dropped += dotted ? 1 : 0;
        }
        int mailDataBytes = message.length() - dropped;
        byte[] bytes = message.append(".\r\n").toString().getBytes(StandardCharsets.US_ASCII);
        octets = ByteBuffer.allocateDirect(bytes.length).put(bytes);
        long read = read(null);
        if (read != mailDataBytes || !decoder.isEnded()) {
            throw new IllegalStateException("mail data: " + read + " (expected: " + mailDataBytes + " and its end)");
        }
    }

    /**
     * Reads the message.
     *
     * @param sink takes the runs of mail data
     * @return their octets
     */
    @Benchmark
    public long message(Blackhole sink) {
        return read(sink);
    }

    private long read(@Nullable Blackhole sink) {
        decoder.reset();
        long read = 0;
        int end = octets.capacity();
        for (int from = 0; from < end; from += READ_BYTES) {
            octets.limit(Math.min(end, from + READ_BYTES)).position(from);
            for (ByteBuffer run = decoder.next(octets); run != null; run = decoder.next(octets)) {
                read += run.remaining();
                if (sink != null) {
                    sink.consume(run);
                }
            }
        }
        return read;
    }
}
