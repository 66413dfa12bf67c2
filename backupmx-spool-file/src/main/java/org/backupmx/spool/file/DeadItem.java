package org.backupmx.spool.file;

import java.util.concurrent.CompletableFuture;
import org.backupmx.spool.SpoolException;

/**
 * The end of a message. Its meta is a u32 count and that many u32 numbers of segments that have a record of the
 * message: the DEAD record is needed as long as one of them exists.
 */
final class DeadItem extends CommitItem {

    private final SpoolIndex index;
    private final long id;
    private final int segment;
    private final CompletableFuture<Void> durable = new CompletableFuture<>();
    private int[] hosts = {};

    DeadItem(SpoolIndex index, long id, int segment) {
        this.index = index;
        this.id = id;
        this.segment = segment;
    }

    long id() {
        return id;
    }

    /** Returns what completes when the end of a deleted message is durable. */
    CompletableFuture<Void> durable() {
        return durable;
    }

    @Override
    RecordBuffer record() {
        synchronized (index) {
            int row = index.messages.find(id);
            int now = row >= 0 ? Location.segment(index.messages.location.get(row)) : segment;
            hosts = index.hosts(id, now);
            return record(id, hosts);
        }
    }

    static RecordBuffer record(long id, int[] hosts) {
        RecordBuffer record = new RecordBuffer(4 + 4 * hosts.length);
        record.putInt(hosts.length);
        for (int host : hosts) {
            record.putInt(host);
        }
        record.endMeta();
        record.finish(RecordType.DEAD, id);
        return record;
    }

    static int[] hosts(MetaReader in) {
        int[] hosts = new int[in.getCount(4)];
        for (int i = 0; i < hosts.length; i++) {
            hosts[i] = in.getInt();
        }
        return hosts;
    }

    @Override
    boolean isLazy() {
        return !isWaitedFor;
    }

    private boolean isWaitedFor;

    /** Makes this the end of a deletion, which somebody waits for. */
    DeadItem waitedFor() {
        isWaitedFor = true;
        return this;
    }

    /** Returns the same end, for another try. */
    DeadItem again() {
        return new DeadItem(index, id, segment).waitedFor();
    }

    @Override
    void publish() {
        index.dead(id, location(), length(), hosts);
        index.forgetDamage(id);
        int row = index.messages.find(id);
        if (row >= 0) {
            index.remove(row); // deleted; a settlement has removed it already
        }
    }

    @Override
    void done() {
        durable.complete(null);
    }

    @Override
    void failed(SpoolException cause) {
        durable.completeExceptionally(cause);
    }
}
