package org.backupmx.internal.queue;

import java.io.InputStream;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueSelection;
import org.backupmx.spool.ReadableSpool;
import org.backupmx.spool.SpoolEntry;
import org.backupmx.spool.SpoolException;
import org.backupmx.spool.SpoolId;

/** What is selected of a spool, to be read. Thread-safe; blocks. */
final class SelectedMail implements ReadableSpool {

    private static final int PAGE = 100;

    private final ReadableSpool spool;
    private final MailWalk walk;
    private final QueueSelection selection;
    private final Set<QueueArea> areas;

    SelectedMail(ReadableSpool spool, MailWalk walk, QueueSelection selection, Set<QueueArea> areas) {
        this.spool = spool;
        this.walk = walk;
        this.selection = selection;
        this.areas = areas;
    }

    @Override
    public InputStream read(SpoolId id) throws SpoolException {
        return spool.read(id);
    }

    @Override
    public void scan(Consumer<? super SpoolEntry> visitor) throws SpoolException {
        walk.walk(selection, areas, Optional.empty(), PAGE, mail -> {
            visitor.accept(new SpoolEntry.Intact(mail.message()));
            return true;
        });
    }
}
