package org.backupmx.internal.queue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import org.backupmx.relay.MailData;

/** Mail data with a field of ours on top. */
final class TaggedMailData implements MailData {

    private final byte[] field;
    private final MailData below;

    TaggedMailData(byte[] field, MailData below) {
        this.field = field;
        this.below = below;
    }

    @Override
    public long sizeBytes() {
        return field.length + below.sizeBytes();
    }

    @Override
    public boolean isInMemory() {
        return below.isInMemory();
    }

    @Override
    public InputStream open() throws IOException {
        return new SequenceInputStream(new ByteArrayInputStream(field), below.open());
    }
}
