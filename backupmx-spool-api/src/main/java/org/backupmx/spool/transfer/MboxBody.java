package org.backupmx.spool.transfer;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Mail data as it stands in an mbox: CRLF becomes LF, {@code From } lines are quoted, an empty line ends it. */
final class MboxBody extends OutputStream {

    private static final byte[] FROM = {'F', 'r', 'o', 'm', ' '};

    private final OutputStream out;
    /** How many {@code >} began this line and are kept back. */
    private long quotes;
    /** How many octets of {@link #FROM} came behind them, -1 when the line is known. */
    private int matched;

    private boolean afterCr;
    private boolean lineStart = true;

    MboxBody(OutputStream out) {
        this.out = new BufferedOutputStream(out, 1 << 16);
    }

    @Override
    public void write(int octet) throws IOException {
        if (afterCr && octet != '\n') {
            plain('\r');
        }
        afterCr = octet == '\r';
        if (!afterCr) {
            plain(octet);
        }
    }

    @Override
    public void write(byte[] octets, int offset, int length) throws IOException {
        for (int i = offset; i < offset + length; i++) {
            write(octets[i] & 0xff);
        }
    }

    private void plain(int octet) throws IOException {
        lineStart = octet == '\n';
        if (matched < 0) {
            out.write(octet);
        } else if (octet == '>' && matched == 0) {
            quotes++;
        } else if (octet == FROM[matched]) {
            matched++;
            if (matched == FROM.length) {
                quotes++;
                release();
            }
        } else {
            release();
            out.write(octet);
        }
        if (lineStart) {
            quotes = 0;
            matched = 0;
        }
    }

    /** Writes what was kept back while the line could still be one to quote. */
    private void release() throws IOException {
        for (; quotes > 0; quotes--) {
            out.write('>');
        }
        out.write(FROM, 0, Math.max(0, matched));
        matched = -1;
    }

    /** Ends the last line and the message. */
    void finish() throws IOException {
        if (afterCr) {
            plain('\r');
        }
        release();
        if (!lineStart) {
            out.write('\n');
        }
        out.write('\n');
        out.flush();
    }
}
