package org.backupmx.spool.file;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolUnavailableException;
import org.backupmx.spool.SpoolWriter;
import org.backupmx.spool.file.MessageTable.Chunks;
import org.jspecify.annotations.Nullable;

/** One message on its way in: its record is made on the caller's thread and is the item that the committer gets. */
final class FileSpoolWriter extends CommitItem implements SpoolWriter {

    /** What writers share. */
    record Shared(SpoolIndex index, GroupCommitter committer, BufferPool pool) {}

    /** Mail data up to this size goes into the message's own record. */
    static final int INLINE_BYTES = 128 << 10;

    private static final int POOL_WAIT_MILLIS = 10_000;

    private final Shared shared;
    private final long id;
    private final SpoolId text;
    private final long received;
    private final MailDomain[] lanes;
    private final CompletableFuture<SpoolId> committed = new CompletableFuture<>();

    private @Nullable RecordBuffer buffer;
    private long sizeBytes;
    private int chunks;
    private byte @Nullable [] longMeta;
    private @Nullable LongMessage longMessage;
    private boolean ended;

    FileSpoolWriter(Shared shared, long id, Envelope envelope, Instant receivedAt) throws SpoolException {
        this.shared = shared;
        this.id = id;
        this.text = Ids.text(id);
        this.received = Micros.of(receivedAt);
        this.lanes = MessageMeta.lanes(envelope);
        if (lanes.length > MessageMeta.MAX_LANES) {
            throw new SpoolException(
                    "recipient domains: " + lanes.length + " (expected: at most " + MessageMeta.MAX_LANES + ")");
        }
        long expected = Math.min(envelope.declaredBytes().orElse(0), INLINE_BYTES);
        RecordBuffer made = new RecordBuffer(shared.pool(), shared.pool().take((int) expected + 1024));
        MessageMeta.put(made, envelope, receivedAt, lanes);
        if (made.metaLength() > RecordFormat.MAX_META_BYTES) {
            made.release();
            throw new SpoolException("envelope of " + made.metaLength() + " bytes (expected: at most "
                    + RecordFormat.MAX_META_BYTES + ")");
        }
        this.buffer = made;
    }

    @Override
    public SpoolId id() {
        return text;
    }

    private RecordBuffer open() {
        RecordBuffer open = buffer;
        if (ended || open == null) {
            throw new IllegalStateException("writer of " + text + ": committed or closed (expected: open)");
        }
        return open;
    }

    @Override
    public void write(ByteBuffer mailData) throws SpoolException {
        RecordBuffer open = open();
        int count = mailData.remaining();
        if (longMessage == null && open.dataLength() + count <= INLINE_BYTES) {
            open.reserve(count);
            open.put(mailData, count);
        } else {
            stream(mailData);
        }
        sizeBytes += count;
    }

    private void stream(ByteBuffer mailData) throws SpoolException {
        LongMessage message = longMessage;
        if (message == null) {
            message = turnLong();
        }
        while (mailData.hasRemaining()) {
            RecordBuffer chunk = open();
            int room = ChunkItem.DATA_BYTES - chunk.dataLength();
            if (room == 0) {
                handOver(message, chunk);
                buffer = newChunk();
            } else {
                chunk.put(mailData, Math.min(room, mailData.remaining()));
            }
        }
    }

    private LongMessage turnLong() throws SpoolException {
        RecordBuffer whole = open();
        RecordBuffer first = newChunk();
        int dataAt = RecordFormat.HEADER_BYTES + whole.metaLength();
        first.put(whole.bytes(), dataAt, whole.dataLength());
        byte[] meta = new byte[whole.metaLength()];
        System.arraycopy(whole.bytes(), RecordFormat.HEADER_BYTES, meta, 0, meta.length);
        whole.release();
        buffer = first;
        longMeta = meta;
        LongMessage message = new LongMessage(shared.index(), shared.committer());
        longMessage = message;
        return message;
    }

    private RecordBuffer newChunk() throws SpoolException {
        int bytes = RecordFormat.HEADER_BYTES + ChunkItem.META_BYTES + ChunkItem.DATA_BYTES + 8;
        byte[] memory;
        try {
            memory = shared.pool().await(bytes, POOL_WAIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SpoolUnavailableException("interrupted while waiting for memory", e);
        }
        RecordBuffer chunk = new RecordBuffer(shared.pool(), memory);
        chunk.putInt(chunks);
        chunk.endMeta();
        return chunk;
    }

    private void handOver(LongMessage message, RecordBuffer chunk) throws SpoolException {
        buffer = null;
        chunk.finish(RecordType.CHUNK, id);
        chunks++;
        message.add(chunk);
    }

    @Override
    public CompletionStage<SpoolId> commit() throws SpoolException {
        RecordBuffer open = open();
        ended = true;
        LongMessage message = longMessage;
        byte[] meta = longMeta;
        if (message != null && meta != null) {
            try {
                handOver(message, open);
            } catch (SpoolException e) {
                release();
                throw e;
            }
            open = new RecordBuffer(meta.length);
            open.put(meta, 0, meta.length);
            open.endMeta();
        }
        MessageMeta.putSize(open.bytes(), sizeBytes, chunks);
        open.finish(message == null ? RecordType.MESSAGE : RecordType.LONG, id);
        buffer = open;
        shared.committer().commit(this);
        return committed;
    }

    @Override
    public void close() {
        if (!ended) {
            ended = true;
            release();
        }
    }

    private void release() {
        RecordBuffer open = buffer;
        if (open != null) {
            buffer = null;
            open.release();
        }
        if (longMessage != null) {
            longMessage.abandon();
        }
    }

    @Override
    @Nullable
    RecordBuffer record() {
        LongMessage message = longMessage;
        return message != null && message.failure() != null ? null : buffer;
    }

    @Override
    void skipped() {
        LongMessage message = longMessage;
        SpoolException failure = message == null ? null : message.failure();
        failed(failure == null ? new SpoolUnavailableException("spool: closed") : failure);
    }

    @Override
    boolean isAfterForce() {
        return longMessage != null;
    }

    @Override
    void taken(long at, int bytes) {
        super.taken(at, bytes);
        RecordBuffer taken = buffer;
        if (taken != null) {
            buffer = null;
            taken.release();
        }
    }

    @Override
    void publish() {
        LongMessage message = longMessage;
        Chunks where = message == null ? null : message.chunks();
        shared.index().add(id, location(), length(), sizeBytes, received, lanes, where);
    }

    @Override
    void done() {
        committed.complete(text);
    }

    @Override
    void failed(SpoolException cause) {
        release();
        committed.completeExceptionally(cause);
    }
}
