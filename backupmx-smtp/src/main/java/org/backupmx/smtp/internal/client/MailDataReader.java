package org.backupmx.smtp.internal.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.backupmx.relay.MailData;
import org.backupmx.smtp.internal.codec.MailDataEncoder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads mail data on workers, a block at a time when asked, and hands it to the event loop ready for the wire. What is in
 * memory is read on the event loop, at once: two thread changes less for a message.
 *
 * <p>At most one read is under way; its fields pass between threads with the tasks. Data that is not as long as it says is
 * damaged, and is never handed out as ended.
 */
final class MailDataReader {

    static final int CHUNK_BYTES = 65_536;

    private static final Logger log = LoggerFactory.getLogger(MailDataReader.class);

    /** Called on the event loop, never after {@link #cancel()}. */
    interface Sink {
        /** Takes a block, to be released by the taker; the last one ends with a line end. */
        void block(ByteBuf encoded, boolean last);

        void unreadable();
    }

    private final MailData data;
    private final Executor workers;
    private final EventLoop loop;
    private final ByteBufAllocator allocator;
    private final Sink sink;

    // of the event loop
    private boolean reading;
    private boolean ended;

    // of the one read under way
    private final MailDataEncoder encoder;
    private @Nullable InputStream in;
    private byte[] block = {};
    private long left;

    MailDataReader(
            MailData data,
            MailDataEncoder encoder,
            Executor workers,
            EventLoop loop,
            ByteBufAllocator allocator,
            Sink sink) {
        this.data = data;
        this.encoder = encoder;
        this.workers = workers;
        this.loop = loop;
        this.allocator = allocator;
        this.sink = sink;
    }

    /** Asks for the next block, unless a read is under way or the end was handed out. */
    void next() {
        if (reading || ended) {
            return;
        }
        reading = true;
        if (data.isInMemory()) {
            delivered(read());
            return;
        }
        try {
            workers.execute(this::readAndDeliver);
        } catch (RejectedExecutionException e) {
            reading = false;
            ended = true;
            sink.unreadable();
        }
    }

    /** Ends reading; nothing more is handed out. */
    void cancel() {
        if (!ended) {
            ended = true;
            if (!reading) {
                closeLater();
            }
        }
    }

    /** What a read made; without octets the mail data is unreadable. */
    private record Read(@Nullable ByteBuf encoded, boolean last) {}

    private Read read() {
        ByteBuf encoded = null;
        boolean last = false;
        try {
            if (in == null) {
                in = data.open();
                left = data.sizeBytes();
                block = new byte[(int) Math.min(CHUNK_BYTES, left + 1)];
            }
            // One octet more than there should be: the end shows in the same read.
            int wanted = (int) Math.min(block.length, left + 1);
            int count = in.readNBytes(block, 0, wanted);
            left -= count;
            last = count < wanted;
            if (last ? left != 0 : left < 0) {
                throw new IOException("mail data of " + (data.sizeBytes() - left) + " bytes or more (expected: "
                        + data.sizeBytes() + ")");
            }
            encoded = allocator.directBuffer(count + count / 32 + 16);
            encoder.encode(block, 0, count, encoded);
            if (last) {
                encoder.finish(encoded);
                close();
            }
        } catch (IOException | RuntimeException e) {
            log.atError().setCause(e).log("mail data unreadable");
            if (encoded != null) {
                encoded.release();
                encoded = null;
            }
            close();
        }
        return new Read(encoded, last);
    }

    private void readAndDeliver() {
        Read read = read();
        try {
            loop.execute(() -> delivered(read));
        } catch (RejectedExecutionException e) {
            if (read.encoded() != null) {
                read.encoded().release();
            }
            close();
        }
    }

    private void delivered(Read read) {
        ByteBuf encoded = read.encoded();
        reading = false;
        if (ended) {
            if (encoded != null) {
                encoded.release();
            }
            closeLater();
        } else if (encoded == null) {
            ended = true;
            sink.unreadable();
        } else {
            ended = read.last();
            sink.block(encoded, read.last());
        }
    }

    private void closeLater() {
        try {
            workers.execute(this::close);
        } catch (RejectedExecutionException e) {
            log.atDebug().setCause(e).log("mail data left open: stopping");
        }
    }

    private void close() {
        if (in != null) {
            try {
                in.close();
            } catch (IOException e) {
                log.atWarn().setCause(e).log("mail data not closed");
            }
        }
    }
}
