package org.backupmx.internal.queue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.backupmx.relay.MailData;

/** The mail data of a small message, read on the worker that begins its attempt. */
final class MailDataAhead implements MailData {

    /** The largest message that is read ahead; the attempts in flight bound how many there are. */
    static final int MOST_BYTES = 65_536;

    private final byte[] octets;

    private MailDataAhead(byte[] octets) {
        this.octets = octets;
    }

    /** Reads it if it is small; what cannot be read is left for the attempt to find. Blocks. */
    static MailData of(MailData stored) {
        if (stored.sizeBytes() > MOST_BYTES) {
            return stored;
        }
        try (InputStream in = stored.open()) {
            byte[] octets = in.readNBytes((int) stored.sizeBytes() + 1);
            return octets.length == stored.sizeBytes() ? new MailDataAhead(octets) : stored;
        } catch (IOException | RuntimeException e) {
            return stored;
        }
    }

    @Override
    public long sizeBytes() {
        return octets.length;
    }

    @Override
    public boolean isInMemory() {
        return true;
    }

    @Override
    public InputStream open() {
        return new ByteArrayInputStream(octets);
    }
}
