package org.backupmx.spool.jdbc;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.Envelope;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolWriter;

/** Gathers mail data into chunks. Holds one chunk at most, and no connection between calls. */
final class JdbcSpoolWriter implements SpoolWriter {

    private static final int FIRST_BYTES = 4 * 1024;

    private final Uploads uploads;
    private final SpoolId id;
    private final Envelope envelope;
    private final Instant receivedAt;
    private final int chunkBytes;

    private byte[] buffer;
    private int filled;
    private int stored;
    private long size;
    private boolean ended;
    private boolean failed;

    JdbcSpoolWriter(Uploads uploads, SpoolId id, Envelope envelope, Instant receivedAt, int chunkBytes) {
        this.uploads = uploads;
        this.id = id;
        this.envelope = envelope;
        this.receivedAt = receivedAt;
        this.chunkBytes = chunkBytes;
        buffer = new byte[Math.min(FIRST_BYTES, chunkBytes)];
    }

    @Override
    public SpoolId id() {
        return id;
    }

    @Override
    public void write(ByteBuffer mailData) throws SpoolException {
        checkUsable();
        boolean done = false;
        try {
            while (mailData.hasRemaining()) {
                if (filled == chunkBytes) {
                    store();
                }
                int n = Math.min(mailData.remaining(), chunkBytes - filled);
                makeRoom(n);
                mailData.get(buffer, filled, n);
                filled += n;
                size += n;
            }
            done = true;
        } finally {
            failed |= !done;
        }
    }

    private void makeRoom(int bytes) {
        if (filled + bytes > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.min(chunkBytes, Math.max(filled + bytes, buffer.length * 2)));
        }
    }

    private void store() throws SpoolException {
        if (stored == 0) {
            uploads.start(id, envelope, receivedAt, buffer);
        } else {
            uploads.add(id, stored, buffer);
        }
        stored++;
        filled = 0;
    }

    @Override
    public CompletionStage<SpoolId> commit() throws SpoolException {
        checkUsable();
        ended = true;
        try {
            uploads.commit(id, envelope, receivedAt, stored, Arrays.copyOf(buffer, filled), size);
            return CompletableFuture.completedStage(id);
        } catch (SpoolException e) {
            uploads.abandon(id);
            return CompletableFuture.failedStage(e);
        } finally {
            buffer = new byte[0];
        }
    }

    private void checkUsable() throws SpoolException {
        if (ended) {
            throw new IllegalStateException("message " + id + " is committed or abandoned");
        }
        uploads.checkOpen();
        if (failed) {
            throw new SpoolException("message " + id + " was not written whole");
        }
    }

    @Override
    public void close() {
        if (!ended) {
            ended = true;
            buffer = new byte[0];
            uploads.abandon(id);
        }
    }
}
