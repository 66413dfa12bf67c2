package org.backupmx.spool.transfer;

/**
 * How far an export or import came. Immutable and thread-safe.
 *
 * @param messages messages that were transferred
 * @param mailDataBytes the sum of their sizes in bytes
 * @param already messages that an import had transferred before, and left alone
 * @param failed messages that could not be read
 * @param stopped whether the watcher ended it
 */
public record TransferResult(long messages, long mailDataBytes, long already, long failed, boolean stopped) {

    /**
     * Tells whether everything was transferred.
     *
     * @return true if nothing failed and nobody ended it
     */
    public boolean isComplete() {
        return failed == 0 && !stopped;
    }
}
