package org.backupmx.spool.transfer;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Reading a message failed, as distinct from writing it. */
final class UnreadableException extends IOException {

    private static final long serialVersionUID = 1L;

    UnreadableException(IOException cause) {
        super(cause.getMessage(), cause);
    }

    /** Tells faults of a stream as this exception. */
    static InputStream telling(InputStream from) {
        return new FilterInputStream(from) {
            @Override
            public int read() throws IOException {
                try {
                    return super.read();
                } catch (IOException e) {
                    throw new UnreadableException(e);
                }
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                try {
                    return super.read(into, offset, length);
                } catch (IOException e) {
                    throw new UnreadableException(e);
                }
            }
        };
    }
}
