package org.backupmx.internal.dsn;

import java.nio.ByteBuffer;
import org.backupmx.mail.Envelope;

/** A delivery status notification, ready for the spool. Immutable and thread-safe. */
public final class Dsn {

    private final Envelope envelope;
    private final byte[] mailData;

    Dsn(Envelope envelope, byte[] mailData) {
        this.envelope = envelope;
        this.mailData = mailData;
    }

    /** Returns its envelope: the null reverse-path, and the original's reverse-path as the one recipient. */
    public Envelope envelope() {
        return envelope;
    }

    /** Returns its mail data, in lines that end in CRLF; a new read-only view with each call. */
    public ByteBuffer mailData() {
        return ByteBuffer.wrap(mailData).asReadOnlyBuffer();
    }
}
