package org.backupmx.benchmarks.spool;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does one write and force cost on this disk, the floor under every durable commit?
 *
 * <p>{@code java -cp ... org.openjdk.jmh.Main RawForceBenchmark}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class RawForceBenchmark {

    /** The preallocated file: writes go round in it, so that a force carries data and no change of length. */
    private static final int FILE_SIZE = 16 << 20;

    /** Bytes written before each force. */
    @Param({"4096", "65536"})
    public int messageSize;

    private Path file;
    private FileChannel channel;
    private ByteBuffer message;
    private long position;

    /**
     * Preallocates the file.
     *
     * @throws IOException if the disk refuses
     */
    @Setup(Level.Trial)
    public void open() throws IOException {
        file = Files.createTempFile("raw-force", ".bin");
        channel = FileChannel.open(file, StandardOpenOption.WRITE);
        message = ByteBuffer.allocateDirect(messageSize);
        writeFully(ByteBuffer.allocate(FILE_SIZE), 0);
        channel.force(true);
        position = 0;
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

    /**
     * Writes and forces one message.
     *
     * @return the position written at
     * @throws IOException if the disk refuses
     */
    @Benchmark
    public long writeAndForce() throws IOException {
        if (position + messageSize > FILE_SIZE) {
            position = 0;
        }
        message.clear();
        writeFully(message, position);
        channel.force(false);
        position += messageSize;
        return position;
    }

    private void writeFully(ByteBuffer bytes, long from) throws IOException {
        long at = from;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }
}
