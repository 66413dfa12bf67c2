package org.backupmx.benchmarks.intake;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * How long does one client with a kept connection wait for a durable message, and how many bytes of heap do the SMTP
 * engine and the file spool allocate for it?
 *
 * <p>{@code java -cp ... org.openjdk.jmh.Main MessageBenchmark -prof gc}; the index keeps about 121 of the bytes
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(jvmArgsAppend = "-Dio.netty.leakDetection.level=disabled")
public class MessageBenchmark {

    /** Octets of mail data, about. */
    @Param("4096")
    public int messageSize;

    private Loopback loopback;

    /**
     * Opens server, spool and connection.
     *
     * @throws IOException if one cannot be had
     */
    @Setup(Level.Trial)
    public void open() throws IOException {
        loopback = new Loopback(messageSize);
    }

    /**
     * Closes them and removes the spool.
     *
     * @throws IOException if the disk refuses
     */
    @TearDown(Level.Trial)
    public void close() throws IOException {
        loopback.close();
    }

    /**
     * Sends one message.
     *
     * @throws IOException if it is not taken
     */
    @Benchmark
    public void send() throws IOException {
        loopback.send();
    }
}
