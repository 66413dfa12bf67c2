package org.backupmx.spool.file;

import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes zeros in quiet times where mail to come will be: in the segment, then in spares. Commits that write over what is
 * there are up to twice as many. Used by the committer only.
 */
final class RoomAhead {

    private static final Logger LOG = LoggerFactory.getLogger(RoomAhead.class);

    /** How many segments more than must be free have to be: mail comes first. */
    private static final int PLENTY_SEGMENTS = 16;

    private final SegmentWriter writer;
    private final SpaceGuard space;
    private final boolean isOn;
    private boolean makesNoSpares;

    RoomAhead(SegmentWriter writer, SpaceGuard space, SyncMode syncMode) {
        this.writer = writer;
        this.space = space;
        this.isOn = syncMode == SyncMode.FORCE && writer.keepsSpares();
    }

    /** Writes a piece, forced, if there is plenty of room. After a failure the segment is to be set aside. */
    void write() throws IOException {
        if (isOn
                && writer.isShort()
                && space.hasRoomFor(PLENTY_SEGMENTS * writer.fullBytes())
                && !writer.extendAhead()) {
            makeSpare();
        }
    }

    private void makeSpare() {
        if (makesNoSpares) {
            return;
        }
        try {
            writer.makeSpare();
        } catch (IOException e) {
            makesNoSpares = true;
            LOG.atWarn().setCause(e).log("no more spare segments made until the next opening");
        }
    }
}
