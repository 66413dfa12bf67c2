package org.backupmx.spool.file;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.backupmx.spool.SpoolUnavailableException;

/**
 * The memory of transactions under way: arrays in a few sizes, used again, and never more bytes at once than a bound.
 * Thread-safe.
 */
final class BufferPool {

    private static final int[] SIZES = {8 << 10, 32 << 10, 160 << 10, 288 << 10};
    private static final int KEPT = 64;

    private final long limitBytes;
    private final LongSupplier nanoTime;
    private final ArrayDeque<byte[]>[] free;
    private long takenBytes;
    private int waiting;

    @SuppressWarnings({"unchecked", "rawtypes"})
    BufferPool(long limitBytes, LongSupplier nanoTime) {
        this.limitBytes = limitBytes;
        this.nanoTime = nanoTime;
        this.free = new ArrayDeque[SIZES.length];
        for (int i = 0; i < SIZES.length; i++) {
            free[i] = new ArrayDeque<>();
        }
    }

    /** Takes an array of at least so many bytes, without waiting. */
    synchronized byte[] take(int bytes) throws SpoolUnavailableException {
        int size = size(bytes);
        if (takenBytes + size > limitBytes) {
            throw full();
        }
        return takeNow(bytes, size);
    }

    /** Takes an array of at least so many bytes, whatever the bound. */
    synchronized byte[] overdraw(int bytes) {
        return takeNow(bytes, size(bytes));
    }

    /** Takes an array of at least so many bytes, waiting for others to give theirs back. */
    synchronized byte[] await(int bytes, long timeoutMillis) throws SpoolUnavailableException, InterruptedException {
        int size = size(bytes);
        long deadline = nanoTime.getAsLong() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        while (takenBytes + size > limitBytes) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - nanoTime.getAsLong());
            if (left <= 0) {
                throw full();
            }
            waiting++;
            try {
                wait(left);
            } finally {
                waiting--;
            }
        }
        return takeNow(bytes, size);
    }

    private byte[] takeNow(int bytes, int size) {
        takenBytes += size;
        for (int i = 0; i < SIZES.length; i++) {
            if (bytes <= SIZES[i]) {
                byte[] kept = free[i].pollLast();
                return kept == null ? new byte[size] : kept;
            }
        }
        return new byte[size];
    }

    private static int size(int bytes) {
        for (int size : SIZES) {
            if (bytes <= size) {
                return size;
            }
        }
        return bytes;
    }

    private SpoolUnavailableException full() {
        return new SpoolUnavailableException(
                "pendingBytes: " + takenBytes + " wait for the disk (expected: at most " + limitBytes + ")");
    }

    /** Gives an array back. */
    synchronized void give(byte[] array) {
        takenBytes -= array.length;
        for (int i = 0; i < SIZES.length; i++) {
            if (array.length == SIZES[i] && free[i].size() < KEPT) {
                free[i].addLast(array);
            }
        }
        if (waiting > 0) {
            notifyAll();
        }
    }
}
