package org.backupmx.spool.transfer;

/** Counts for a {@link TransferResult} and tells the watcher. Used by one thread. */
final class Tally {

    private final TransferWatcher watcher;
    private long messages;
    private long mailDataBytes;
    private long already;
    private long failed;
    private boolean stopped;

    Tally(TransferWatcher watcher) {
        this.watcher = watcher;
    }

    void transferred(String name, long bytes) {
        messages++;
        mailDataBytes += bytes;
        watcher.transferred(name, bytes);
    }

    void already() {
        already++;
    }

    void failed(String name, String reason) {
        failed++;
        watcher.failed(name, reason);
    }

    /** Asks the watcher whether to go on. */
    boolean goesOn() {
        stopped |= !watcher.goesOn();
        return !stopped;
    }

    TransferResult result() {
        return new TransferResult(messages, mailDataBytes, already, failed, stopped);
    }
}
