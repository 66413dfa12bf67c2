package org.backupmx.spool.file;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** How many bytes a second may be read and written in the background; a second's worth may be saved up. One thread's. */
final class IoBudget {

    private final double bytesPerNano;
    private final long most;
    private final LongSupplier nanoTime;
    private long left;
    private long lastRefill;

    IoBudget(long bytesPerSecond, LongSupplier nanoTime) {
        this.bytesPerNano = (double) bytesPerSecond / TimeUnit.SECONDS.toNanos(1);
        this.most = bytesPerSecond;
        this.nanoTime = nanoTime;
        this.left = bytesPerSecond;
        this.lastRefill = nanoTime.getAsLong();
    }

    /** Takes bytes that were read or are to be written; may leave a debt. */
    void spend(long bytes) {
        left -= bytes;
    }

    /** Returns the nanoseconds until the debt is paid, 0 if there is none. */
    long nanosToWait() {
        long now = nanoTime.getAsLong();
        long earned = (long) ((now - lastRefill) * bytesPerNano);
        if (earned > 0) {
            left = Math.min(most, left + earned);
            lastRefill = now;
        }
        return left >= 0 ? 0 : (long) Math.ceil(-left / bytesPerNano);
    }
}
