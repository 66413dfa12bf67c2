package org.backupmx.benchmarks.codec;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.backupmx.smtp.internal.codec.PathParser;
import org.backupmx.smtp.internal.codec.SmtpCommandDecoder;
import org.backupmx.smtp.internal.codec.SmtpCommandDecoder.Line;
import org.backupmx.smtp.internal.codec.SyntaxError;
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
 * What does it cost to read one pipelined group of MAIL, RCPT and DATA, paths and parameters included?
 *
 * <p>{@code java -cp ... org.openjdk.jmh.Main CommandDecoderBenchmark -prof gc}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CommandDecoderBenchmark {

    private static final int LINE_OCTETS = 2048;

    /** Recipients in the group. */
    @Param({"1", "10"})
    public int recipients;

    private final SmtpCommandDecoder decoder = new SmtpCommandDecoder(LINE_OCTETS);
    private ByteBuffer octets;

    /** Writes the group, and reads it once to see that it is one. */
    @Setup
    public void writeGroup() {
        StringBuilder group = new StringBuilder("MAIL FROM:<alice@example.org> SIZE=4096 BODY=8BITMIME\r\n");
        for (int i = 0; i < recipients; i++) {
            group.append("RCPT TO:<bob").append(i).append("@example.net>\r\n");
        }
        byte[] bytes = group.append("DATA\r\n").toString().getBytes(StandardCharsets.US_ASCII);
        octets = ByteBuffer.allocateDirect(bytes.length).put(bytes);
        octets.flip();
        int commands = 0;
        while (decoder.decode(octets) == Line.COMMAND) {
            if (argument() instanceof SyntaxError error) {
                throw new IllegalStateException("command " + commands + ": " + error.reply() + " (expected: none)");
            }
            commands++;
        }
        if (commands != recipients + 2) {
            throw new IllegalStateException("commands: " + commands + " (expected: " + (recipients + 2) + ")");
        }
    }

    private Object argument() {
        return switch (decoder.verb()) {
            case MAIL -> PathParser.mail(decoder.line(), decoder.argumentStart(), decoder.argumentEnd());
            case RCPT -> PathParser.rcpt(decoder.line(), decoder.argumentStart(), decoder.argumentEnd(), false);
            default -> decoder.verb();
        };
    }

    /**
     * Reads the group.
     *
     * @param sink takes the commands
     */
    @Benchmark
    public void group(Blackhole sink) {
        octets.rewind();
        while (decoder.decode(octets) == Line.COMMAND) {
            sink.consume(argument());
        }
    }

    /**
     * Cuts the group into lines and verbs, and reads no path; the rest of {@link #group} is the cost of paths.
     *
     * @param sink takes the verbs
     */
    @Benchmark
    public void linesOnly(Blackhole sink) {
        octets.rewind();
        while (decoder.decode(octets) == Line.COMMAND) {
            sink.consume(decoder.verb());
        }
    }
}
