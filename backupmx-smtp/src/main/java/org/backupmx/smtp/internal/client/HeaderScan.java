package org.backupmx.smtp.internal.client;

import io.netty.channel.EventLoop;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.backupmx.relay.MailData;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks whether a header section needs SMTPUTF8: whether it has octets beyond ASCII (RFC 6532). */
final class HeaderScan {

    private static final Logger log = LoggerFactory.getLogger(HeaderScan.class);

    /** A header section longer than this is taken to need it. */
    static final int MOST_BYTES = 262_144;

    private HeaderScan() {}

    /** Scans on a worker and tells {@code loop}; what cannot be read is left for the sending of it to find. */
    static void scan(MailData data, Executor workers, EventLoop loop, Consumer<Boolean> needed) {
        try {
            workers.execute(() -> {
                boolean found = false;
                try (InputStream in = data.open()) {
                    found = beyondAscii(in);
                } catch (IOException | RuntimeException e) {
                    log.atDebug().setCause(e).log("header section unreadable");
                }
                boolean result = found;
                loop.execute(() -> needed.accept(result));
            });
        } catch (RejectedExecutionException e) {
            needed.accept(false);
        }
    }

    static boolean beyondAscii(InputStream in) throws IOException {
        byte[] block = new byte[8192];
        int line = 0;
        int total = 0;
        for (int count; (count = in.read(block)) > 0; ) {
            for (int i = 0; i < count; i++) {
                if (block[i] < 0) {
                    return true;
                }
                if (block[i] == '\n') {
                    if (line == 0) {
                        return false;
                    }
                    line = 0;
                } else if (block[i] != '\r') {
                    line++;
                }
            }
            total += count;
            if (total >= MOST_BYTES) {
                return true;
            }
        }
        return false;
    }
}
