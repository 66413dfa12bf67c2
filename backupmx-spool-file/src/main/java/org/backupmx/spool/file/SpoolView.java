package org.backupmx.spool.file;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.SpoolDamagedException;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;
import org.backupmx.spool.SpoolUnavailableException;

/**
 * A look into a spool's directory that can be read message by message, without the spool's lock and without changing
 * anything, also while a server runs on it. It shows one instant: that of the opening, and after each {@link #scan} that
 * of its begin. Outcomes that a running server settled in the last 100 ms or so may not be in it.
 *
 * <p>What a running server removes meanwhile can mostly still be read; where it used the file again, reading ends with
 * an exception, and the next {@code scan} tells whether the message is queued elsewhere or gone. Thread-safe.
 */
public final class SpoolView implements ReadableSpool, AutoCloseable {

    private final Path directory;
    private final FileIo io;
    private final Encryption encryption;
    private SpoolInspector.Look look;
    private boolean scanned;
    private boolean closed;

    private SpoolView(Path directory, FileIo io, Encryption encryption, SpoolInspector.Look look) {
        this.directory = directory;
        this.io = io;
        this.encryption = encryption;
        this.look = look;
    }

    static SpoolView open(Path directory, FileIo io, Encryption encryption) throws SpoolException {
        return new SpoolView(directory, io, encryption, SpoolInspector.look(directory, io, encryption, false));
    }

    /**
     * Returns what the spool held at the instant shown.
     *
     * @return what it held, and every damage
     */
    public synchronized SpoolVerification verification() {
        return look.found();
    }

    private synchronized SpoolInspector.Look look() throws SpoolUnavailableException {
        if (closed) {
            throw new SpoolUnavailableException("view of spool " + directory + ": closed");
        }
        return look;
    }

    /** Looks anew, unless nobody has used the first look yet. */
    private synchronized SpoolInspector.Look renewed() throws SpoolException {
        SpoolInspector.Look before = look();
        if (scanned) {
            look = SpoolInspector.look(directory, io, encryption, false);
            close(before);
        }
        scanned = true;
        return look;
    }

    @Override
    public InputStream read(SpoolId id) throws SpoolException {
        long number = Ids.number(requireNonNull(id, "id"));
        SpoolInspector.Look shown = look();
        SpoolIndex.DamagedMessage damage = shown.index().damagedMessages.get(number);
        if (damage != null) {
            throw new SpoolDamagedException("message " + id + ": " + damage.reason());
        }
        try {
            return loader(shown).mailData(number);
        } catch (SpoolException e) {
            throw e;
        } catch (IOException e) {
            throw new SpoolException(String.valueOf(e.getMessage()), e);
        }
    }

    private static MessageLoader loader(SpoolInspector.Look look) {
        return new MessageLoader(look.files(), look.index());
    }

    @Override
    public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        requireNonNull(visitor, "visitor");
        SpoolInspector.Look shown = renewed();
        MessageLoader loader = loader(shown);
        Map<Long, SpoolIndex.DamagedMessage> damaged = new HashMap<>(shown.index().damagedMessages);
        for (long id : new Queries(shown.index()).ids()) {
            if (damaged.containsKey(id)) {
                continue;
            }
            SpoolEntry entry;
            try {
                entry = new SpoolEntry.Intact(loader.queued(id));
            } catch (MessageLoader.GoneException e) {
                continue;
            } catch (IOException e) {
                entry = new SpoolEntry.Damaged(Ids.text(id), String.valueOf(e.getMessage()));
            }
            visitor.accept(entry);
        }
        damaged.forEach((id, one) -> visitor.accept(new SpoolEntry.Damaged(Ids.text(id), one.reason())));
        for (SpoolDamage one : shown.lost()) {
            visitor.accept(new SpoolEntry.Damaged(null, one.toString()));
        }
    }

    /** Releases the files. A second call does nothing. */
    @Override
    public synchronized void close() throws SpoolException {
        if (!closed) {
            closed = true;
            close(look);
        }
    }

    private static void close(SpoolInspector.Look look) throws SpoolException {
        try {
            look.close();
        } catch (IOException e) {
            throw new SpoolException("view of a spool: cannot be closed: " + FileFault.of(e), e);
        }
    }
}
