package org.backupmx.internal.queue;

import java.io.InputStream;
import org.backupmx.relay.MailData;

/** Stands in for mail data that is damaged. */
enum NoMailData implements MailData {
    INSTANCE;

    @Override
    public long sizeBytes() {
        return 0;
    }

    @Override
    public InputStream open() {
        return InputStream.nullInputStream();
    }
}
