package org.backupmx.spool.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the files and locks that are not closed yet, and has one call fail. */
final class HeldFiles extends PassThroughIo {

    private final AtomicInteger held = new AtomicInteger();
    private final AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);

    HeldFiles(FileIo disk) {
        super(disk);
    }

    /** Returns how many files and locks are held. */
    int held() {
        return held.get();
    }

    /** Has the call after so many fail. */
    HeldFiles failAfter(int calls) {
        left.set(calls);
        return this;
    }

    boolean hasFailed() {
        return left.get() < 0;
    }

    private void call() throws IOException {
        if (left.getAndDecrement() == 0) {
            throw new IOException("Input/output error");
        }
    }

    private Handle counted(Handle file) {
        held.incrementAndGet();
        return new PassThroughHandle(file) {
            private boolean closed;

            @Override
            public int read(ByteBuffer into, long position) throws IOException {
                call();
                return super.read(into, position);
            }

            @Override
            public int write(ByteBuffer from, long position) throws IOException {
                call();
                return super.write(from, position);
            }

            @Override
            public void force() throws IOException {
                call();
                super.force();
            }

            @Override
            public void truncate(long size) throws IOException {
                call();
                super.truncate(size);
            }

            @Override
            public long size() throws IOException {
                call();
                return super.size();
            }

            @Override
            public void close() throws IOException {
                if (!closed) {
                    closed = true;
                    held.decrementAndGet();
                }
                super.close();
            }
        };
    }

    @Override
    public Closeable lock(Path file) throws IOException {
        call();
        Closeable lock = super.lock(file);
        held.incrementAndGet();
        return () -> {
            held.decrementAndGet();
            lock.close();
        };
    }

    @Override
    public List<String> list(Path directory) throws IOException {
        call();
        return super.list(directory);
    }

    @Override
    public Handle openForWriting(Path file) throws IOException {
        call();
        return counted(super.openForWriting(file));
    }

    @Override
    public Handle openForReading(Path file) throws IOException {
        call();
        return counted(super.openForReading(file));
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        call();
        super.rename(from, to);
    }

    @Override
    public void delete(Path file) throws IOException {
        call();
        super.delete(file);
    }

    @Override
    public void forceDirectory(Path directory) throws IOException {
        call();
        super.forceDirectory(directory);
    }
}
