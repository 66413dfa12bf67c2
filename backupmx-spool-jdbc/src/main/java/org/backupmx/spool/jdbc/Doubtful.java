package org.backupmx.spool.jdbc;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Messages whose commit failed and may have happened all the same: never leased here. The last {@value #MOST} are
 * known. Thread-safe.
 */
final class Doubtful {

    private static final int MOST = 10_000;

    /** Oldest first. */
    private final Set<String> ids = new LinkedHashSet<>();

    synchronized void add(String id) {
        if (ids.size() == MOST) {
            ids.remove(ids.iterator().next());
        }
        ids.add(id);
    }

    synchronized boolean contains(String id) {
        return ids.contains(id);
    }
}
