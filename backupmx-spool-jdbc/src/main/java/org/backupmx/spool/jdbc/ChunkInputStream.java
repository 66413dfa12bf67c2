package org.backupmx.spool.jdbc;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolId;

/** Mail data, one chunk in the heap at a time. Used by one thread. */
final class ChunkInputStream extends InputStream {

    private static final byte[] NONE = {};

    private final ChunkTable chunks;
    private final SpoolId id;
    private final long sizeBytes;
    private final int count;

    private byte[] chunk;
    private int position;
    private int next = 1;
    private long seen;
    private boolean closed;

    ChunkInputStream(ChunkTable chunks, SpoolId id, long sizeBytes, int count, byte[] first)
            throws SpoolDamagedException {
        this.chunks = chunks;
        this.id = id;
        this.sizeBytes = sizeBytes;
        this.count = count;
        chunk = first;
        seen = first.length;
        checkSize();
    }

    /** The size has to be right before the last chunk is handed out, not after. */
    private void checkSize() throws SpoolDamagedException {
        if (next >= count ? seen != sizeBytes : seen > sizeBytes) {
            throw new SpoolDamagedException("message " + id + ": " + seen + " bytes of mail data in " + next
                    + " chunks (expected: " + sizeBytes + " in " + count + ")");
        }
    }

    private boolean isAtEnd() throws IOException {
        if (closed) {
            throw new IOException("stream closed");
        }
        while (position == chunk.length) {
            if (next >= count) {
                return true;
            }
            chunk = NONE;
            position = 0;
            chunk = chunks.read(id, next++);
            seen += chunk.length;
            checkSize();
        }
        return false;
    }

    @Override
    public int read() throws IOException {
        return isAtEnd() ? -1 : chunk[position++] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (length == 0) {
            return 0;
        }
        if (isAtEnd()) {
            return -1;
        }
        int n = Math.min(length, chunk.length - position);
        System.arraycopy(chunk, position, target, offset, n);
        position += n;
        return n;
    }

    @Override
    public int available() {
        return closed ? 0 : chunk.length - position;
    }

    @Override
    public void close() {
        closed = true;
        chunk = NONE;
        position = 0;
    }
}
