package org.backupmx.spool.transfer;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/**
 * Writes the queued messages of a spool as files, while the spool is used or not. Messages that come or go meanwhile may
 * be missed, no other. The spool is not changed.
 *
 * <p>Immutable and thread-safe; a run uses the calling thread and blocks it.
 */
public final class SpoolExport {

    /** How often the spool is visited again for messages that could not be read: most of them have gone meanwhile. */
    private static final int ROUNDS = 3;

    private final ReadableSpool spool;
    private final SpoolFilter filter;
    private final TransferWatcher watcher;

    private SpoolExport(ReadableSpool spool, SpoolFilter filter, TransferWatcher watcher) {
        this.spool = spool;
        this.filter = filter;
        this.watcher = watcher;
    }

    /**
     * Returns the export of every message.
     *
     * @param spool the spool
     * @return the export; nothing is read yet
     */
    public static SpoolExport of(ReadableSpool spool) {
        return new SpoolExport(requireNonNull(spool, "spool"), SpoolFilter.all(), new TransferWatcher() {});
    }

    /**
     * Returns an export of the messages that fit; {@link SpoolFilter#all()} unless set. A message that fits is exported
     * with all recipients that it waits for.
     *
     * @param value which messages
     * @return another export
     */
    public SpoolExport withFilter(SpoolFilter value) {
        return new SpoolExport(spool, requireNonNull(value, "value"), watcher);
    }

    /**
     * Returns an export that is watched; nobody does unless set.
     *
     * @param value who follows it
     * @return another export
     */
    public SpoolExport withWatcher(TransferWatcher value) {
        return new SpoolExport(spool, filter, requireNonNull(value, "value"));
    }

    /**
     * Writes two files a message: {@code ID.eml}, the mail data octet for octet, and {@code ID.json}, the envelope. Each
     * is on disk before it gets its name, the JSON last: a message is whole if its JSON is there. Files have mode 0600.
     *
     * @param directory a directory that is empty, or not there and then made
     * @return how far it came
     * @throws SpoolException if the spool cannot be read
     * @throws IOException if the directory is not empty or cannot be written
     */
    public TransferResult toDirectory(Path directory) throws IOException {
        return run(MessageDirectory.create(requireNonNull(directory, "directory")));
    }

    /**
     * Writes one mbox file (mboxrd), for mail readers. It cannot be imported: of the envelope only identity,
     * reverse-path and recipients are in it, as fields. It gets its name at the end, also when the watcher ends the run
     * early; before that it is {@code NAME.part}. Mode 0600.
     *
     * @param file a file that is not there
     * @return how far it came
     * @throws SpoolException if the spool cannot be read
     * @throws IOException if the file is there or cannot be written
     */
    public TransferResult toMbox(Path file) throws IOException {
        return run(MboxFile.create(requireNonNull(file, "file")));
    }

    private TransferResult run(ExportTarget target) throws IOException {
        Tally tally = new Tally(watcher);
        try (target) {
            Run run = new Run(target, tally);
            run.all();
            target.finish();
        }
        return tally.result();
    }

    /** The watcher wants no more. */
    private static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StoppedException() {
            super("stopped", null, false, false);
        }
    }

    /** One run: rounds over the spool, each for what the one before could not read. */
    private final class Run {
        private final ExportTarget target;
        private final Tally tally;
        private Set<SpoolId> unread = new HashSet<>();

        Run(ExportTarget target, Tally tally) {
            this.target = target;
            this.tally = tally;
        }

        void all() throws IOException {
            try {
                for (int round = 1; round == 1 || (round <= ROUNDS && !unread.isEmpty()); round++) {
                    Set<SpoolId> wanted = unread;
                    boolean first = round == 1;
                    boolean last = round == ROUNDS;
                    unread = new HashSet<>();
                    spool.scan(entry -> visit(entry, first, last, wanted));
                }
            } catch (StoppedException e) {
                // as far as it came
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
        }

        private void visit(SpoolEntry entry, boolean first, boolean last, Set<SpoolId> wanted) {
            if (!tally.goesOn()) {
                throw new StoppedException();
            }
            if (entry instanceof SpoolEntry.Intact intact) {
                QueuedMessage message = intact.message();
                if (first ? filter.matches(message) : wanted.contains(message.id())) {
                    put(message, last);
                }
            } else if (entry instanceof SpoolEntry.Damaged damaged) {
                damaged(damaged, first, last, wanted);
            }
        }

        private void damaged(SpoolEntry.Damaged damaged, boolean first, boolean last, Set<SpoolId> wanted) {
            SpoolId id = damaged.id().orElse(null);
            if (id == null) {
                if (first) {
                    tally.failed("?", damaged.reason());
                }
            } else if (last && wanted.contains(id)) {
                tally.failed(id.value(), damaged.reason());
            } else if (first || wanted.contains(id)) {
                unread.add(id);
            }
        }

        private void put(QueuedMessage message, boolean last) {
            try (InputStream mailData = open(message.id())) {
                target.put(message, mailData);
                tally.transferred(message.id().value(), message.message().sizeBytes());
            } catch (UnreadableException e) {
                if (last) {
                    tally.failed(message.id().value(), String.valueOf(e.getMessage()));
                } else {
                    unread.add(message.id());
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private InputStream open(SpoolId id) throws UnreadableException {
            try {
                return UnreadableException.telling(spool.read(id));
            } catch (SpoolException e) {
                throw new UnreadableException(e);
            }
        }
    }
}
