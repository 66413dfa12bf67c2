package org.backupmx.spool.transfer;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Path;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpoolException;

/**
 * Puts the messages that {@link SpoolExport#toDirectory} wrote into a spool, under identities of their new spool.
 *
 * <p>Carried over are mail data, envelope and the instant of reception; to a spool that is a
 * {@link org.backupmx.spool.ReschedulableSpool} also attempts (10,000 at most), last replies and due instants; to a
 * {@link org.backupmx.spool.HoldableSpool} the hold. A held message is refused by a spool that cannot hold it. Nobody
 * else should lease from the spool meanwhile: an engine that does takes a message as new mail before its state is carried
 * over, also one that is to be held.
 *
 * <p>An import can be repeated, after an end by the watcher, a fault or a crash: a ledger beside the messages says what is
 * done, and what a crash left open is looked up in the spool if that is a {@link org.backupmx.spool.FindableSpool}. Then
 * a message doubles only if it was committed, the process killed, and the message delivered or deleted before the import
 * is repeated; with another spool, what was being committed at the kill (at most 64 messages) may double.
 *
 * <p>Immutable and thread-safe; a run uses the calling thread and blocks it.
 */
public final class SpoolImport {

    private final Spool spool;
    private final TransferWatcher watcher;

    private SpoolImport(Spool spool, TransferWatcher watcher) {
        this.spool = spool;
        this.watcher = watcher;
    }

    /**
     * Returns the import into a spool.
     *
     * @param spool the spool, open; the import does not close it
     * @return the import; nothing is read yet
     */
    public static SpoolImport into(Spool spool) {
        return new SpoolImport(requireNonNull(spool, "spool"), new TransferWatcher() {});
    }

    /**
     * Returns an import that is watched; nobody does unless set.
     *
     * @param value who follows it
     * @return another import
     */
    public SpoolImport withWatcher(TransferWatcher value) {
        return new SpoolImport(spool, requireNonNull(value, "value"));
    }

    /**
     * Imports every message of a directory, in the order of their names. A message that cannot be read is told to the
     * watcher and left alone.
     *
     * @param directory the directory
     * @param ledger the file that says what is done; made if it is not there. One for each directory and spool
     * @return how far it came
     * @throws SpoolException if the spool does not take a message; those before it are in
     * @throws IOException if the directory or the ledger cannot be read or written
     */
    public TransferResult from(Path directory, Path ledger) throws IOException {
        requireNonNull(directory, "directory");
        try (ImportLedger opened = ImportLedger.open(requireNonNull(ledger, "ledger"))) {
            Tally tally = new Tally(watcher);
            new ImportRun(spool, directory, opened, tally).all();
            return tally.result();
        }
    }
}
