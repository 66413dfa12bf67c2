package org.backupmx.spool.file;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backupmx.mail.MailDomain;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolLane;

/** Questions to the index that change nothing. Thread-safe. */
final class Queries {

    private final SpoolIndex index;

    Queries(SpoolIndex index) {
        this.index = index;
    }

    List<SpoolLane> lanes() {
        synchronized (index) {
            List<SpoolLane> lanes = new ArrayList<>();
            for (Lane lane : index.lanes.all()) {
                lanes.add(
                        new SpoolLane(lane.domain, lane.queued, lane.held, lane.bytes, Micros.instant(lane.oldest())));
            }
            return lanes;
        }
    }

    /** Returns the identities of all queued messages, in order. */
    long[] ids() {
        synchronized (index) {
            long[] ids = new long[index.messages.count()];
            int count = 0;
            for (int row = 0; row < index.messages.rows(); row++) {
                long id = index.messages.id.get(row);
                if (id != 0) {
                    ids[count++] = id;
                }
            }
            Arrays.sort(ids);
            return ids;
        }
    }

    /**
     * Returns the least identities above one of messages that may fit a filter: what the index knows of it fits.
     *
     * @param limit the most identities; fewer come only if there are no more
     */
    long[] candidates(SpoolFilter filter, long after, int limit) {
        long[] heap = new long[Math.min(limit, 1024)];
        int size = 0;
        synchronized (index) {
            for (int row = 0; row < index.messages.rows(); row++) {
                long id = index.messages.id.get(row);
                if (id <= after || (size == limit && id >= heap[0]) || !mayFit(filter, row)) {
                    continue;
                }
                if (size < limit) {
                    if (size == heap.length) {
                        heap = Arrays.copyOf(heap, (int) Math.min(limit, size * 2L));
                    }
                    size++;
                    up(heap, size - 1, id);
                } else {
                    down(heap, size, id);
                }
            }
        }
        long[] ids = Arrays.copyOf(heap, size);
        Arrays.sort(ids);
        return ids;
    }

    private boolean mayFit(SpoolFilter filter, int row) {
        MessageTable messages = index.messages;
        if (messages.is(row, MessageTable.DYING | MessageTable.DAMAGED)
                || filter.held().isPresent() && filter.held().get() != messages.is(row, MessageTable.HELD)) {
            return false;
        }
        Instant before = filter.receivedBefore().orElse(null);
        if (before != null && messages.received.get(row) > Micros.of(before)) {
            return false;
        }
        if (messages.sizeBytes(row) < filter.leastBytes().orElse(0)
                || filter.reply().isPresent() && !wasAttempted(row)) {
            return false;
        }
        MailDomain domain = filter.domain()
                .or(() -> filter.recipient().map(mailbox -> mailbox.domain()))
                .orElse(null);
        return domain == null || stands(row, domain);
    }

    private boolean wasAttempted(int row) {
        for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
            if (!index.entries.isDone(entry)
                    && (index.entries.state.get(entry) != 0 || index.unwritten.containsKey(entry))) {
                return true;
            }
        }
        return false;
    }

    private boolean stands(int row, MailDomain domain) {
        Lane lane = index.lanes.find(domain);
        if (lane == null) {
            return false;
        }
        for (int entry = index.messages.firstEntry.get(row); entry >= 0; entry = index.entries.next.get(entry)) {
            if (!index.entries.isDone(entry) && index.entries.lane.get(entry) == lane.number) {
                return true;
            }
        }
        return false;
    }

    // a heap with the greatest identity first: what a lesser one pushes out

    private static void up(long[] heap, int from, long id) {
        int at = from;
        while (at > 0 && heap[(at - 1) >>> 1] < id) {
            heap[at] = heap[(at - 1) >>> 1];
            at = (at - 1) >>> 1;
        }
        heap[at] = id;
    }

    private static void down(long[] heap, int size, long id) {
        int at = 0;
        while (true) {
            int child = 2 * at + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && heap[child + 1] > heap[child]) {
                child++;
            }
            if (heap[child] <= id) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = id;
    }
}
