package org.backupmx.internal.queue;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backupmx.spool.SpoolId;

/**
 * Tells who only came when the primary had enough from whom it always answers so, while it takes others: a filter that fails at
 * one message says the same words. Thread-safe.
 */
final class BusyForItself {

    /** So often a message may meet a busy primary, and it is no attempt of it. */
    static final int TIMES = 3;

    /** The most messages that are remembered; who comes again after that begins anew. */
    static final int MOST = 10_000;

    private final Map<SpoolId, Integer> times = new LinkedHashMap<>(16, 0.75f, true) { // guarded by this
                private static final long serialVersionUID = 1;

                @Override
                protected boolean removeEldestEntry(Map.Entry<SpoolId, Integer> eldest) {
                    return size() > MOST;
                }
            };

    /** Takes a message that met a busy primary which takes others; tells whether that is about the message. */
    synchronized boolean is(SpoolId id) {
        return times.merge(id, 1, (before, one) -> Math.min(before + one, TIMES + 1)) > TIMES;
    }
}
