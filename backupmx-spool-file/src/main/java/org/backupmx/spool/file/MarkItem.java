package org.backupmx.spool.file;

import java.util.concurrent.CompletableFuture;
import org.backupmx.spool.SpoolException;

/** Says nothing, and tells when all that was handed to the committer before is on disk. */
final class MarkItem extends CommitItem {

    private final CompletableFuture<Void> forced;

    MarkItem(CompletableFuture<Void> forced) {
        this.forced = forced;
    }

    @Override
    RecordBuffer record() {
        return RecordBuffer.empty(RecordType.MARK, 0);
    }

    @Override
    boolean isAfterAll() {
        return true;
    }

    @Override
    void publish() {}

    @Override
    void done() {
        forced.complete(null);
    }

    @Override
    void failed(SpoolException cause) {
        forced.completeExceptionally(cause);
    }
}
