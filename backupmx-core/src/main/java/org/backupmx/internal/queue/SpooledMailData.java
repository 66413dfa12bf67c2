package org.backupmx.internal.queue;

import java.io.IOException;
import java.io.InputStream;
import org.backupmx.relay.MailData;
import org.backupmx.spool.Spool;
import org.backupmx.spool.SpooledMessage;

/** Mail data as it stands in the spool. */
record SpooledMailData(Spool spool, SpooledMessage message) implements MailData {

    @Override
    public long sizeBytes() {
        return message.sizeBytes();
    }

    @Override
    public InputStream open() throws IOException {
        return spool.read(message.id());
    }
}
