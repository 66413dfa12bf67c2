package org.backupmx.spool.file;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The mail data of a message in chunks: each is read and checked when it is needed. Used by one thread at a time. */
final class MailDataStream extends InputStream {

    private final MessageLoader loader;
    private final long id;
    private final int chunks;
    private int next;
    private byte @Nullable [] bytes;
    private int at;
    private int end;

    MailDataStream(MessageLoader loader, long id, int chunks) {
        this.loader = loader;
        this.id = id;
        this.chunks = chunks;
    }

    private byte @Nullable [] fill() throws IOException {
        while (at == end && next < chunks) {
            MessageLoader.Read read = loader.chunk(id, next);
            next++;
            bytes = read.bytes();
            at = RecordFormat.HEADER_BYTES + read.header().metaLength();
            end = at + read.header().dataLength();
        }
        return at == end ? null : bytes;
    }

    @Override
    public int read() throws IOException {
        byte[] from = fill();
        return from == null ? -1 : from[at++] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        if (length == 0) {
            return 0;
        }
        byte[] from = fill();
        if (from == null) {
            return -1;
        }
        int count = Math.min(length, end - at);
        System.arraycopy(from, at, into, offset, count);
        at += count;
        return count;
    }

    @Override
    public int available() {
        return end - at;
    }
}
