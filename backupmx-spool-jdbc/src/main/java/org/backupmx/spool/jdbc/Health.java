package org.backupmx.spool.jdbc;

import java.util.function.LongSupplier;
import org.backupmx.spool.SpoolHealth;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the last fault. After one the spool refuses for a window of time, or until something succeeds; then it
 * accepts again, and the next message finds out.
 */
final class Health {

    private record Fault(String reason, boolean full, long atNanos) {}

    private final LongSupplier nanoTime;
    private final long windowNanos;
    private volatile @Nullable Fault fault;

    Health(LongSupplier nanoTime, long windowNanos) {
        this.nanoTime = nanoTime;
        this.windowNanos = windowNanos;
    }

    void failed(String reason, boolean full) {
        fault = new Fault(reason, full, nanoTime.getAsLong());
    }

    /** A fault of room is over only when something was stored. */
    void succeeded(boolean stored) {
        Fault last = fault;
        if (last != null && (stored || !last.full)) {
            fault = null;
        }
    }

    SpoolHealth now() {
        Fault last = fault;
        if (last == null || nanoTime.getAsLong() - last.atNanos >= windowNanos) {
            return SpoolHealth.accepting();
        }
        return last.full ? SpoolHealth.full(last.reason) : SpoolHealth.refusing(last.reason);
    }
}
