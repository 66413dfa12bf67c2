package org.backupmx.spool.file;

import java.util.concurrent.CompletableFuture;
import org.backupmx.spool.SpoolException;

/** Whether a message is held. The meta of its record: u8 1 if held, 0 if not. */
final class HoldItem extends CommitItem {

    private final SpoolIndex index;
    private final long id;
    private final boolean held;
    private final CompletableFuture<Void> durable = new CompletableFuture<>();

    HoldItem(SpoolIndex index, long id, boolean held) {
        this.index = index;
        this.id = id;
        this.held = held;
    }

    CompletableFuture<Void> durable() {
        return durable;
    }

    @Override
    RecordBuffer record() {
        return record(id, held);
    }

    static RecordBuffer record(long id, boolean held) {
        RecordBuffer record = new RecordBuffer(8);
        record.putByte(held ? 1 : 0);
        record.endMeta();
        record.finish(RecordType.HOLD, id);
        return record;
    }

    @Override
    void publish() {
        index.soft(location(), length());
        index.hold(id, held);
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
