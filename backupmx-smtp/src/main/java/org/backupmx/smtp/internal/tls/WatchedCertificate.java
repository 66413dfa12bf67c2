package org.backupmx.smtp.internal.tls;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A certificate in use, and what is known of its files since it was read. Not thread-safe. */
final class WatchedCertificate {

    private static final Logger log = LoggerFactory.getLogger(ServerTls.class);

    /** So long before its expiry a certificate is spoken of; in the last span, once a day. */
    private static final List<Duration> WARNINGS = List.of(Duration.ofDays(30), Duration.ofDays(7), Duration.ofDays(1));

    private static final Duration DAY = Duration.ofDays(1);

    private ServerCertificate current;
    private @Nullable String fault; // of the last look
    private boolean told;
    private int warnings; // of WARNINGS, already given
    private Instant lastWarning = Instant.MIN;

    WatchedCertificate(ServerCertificate current) {
        this.current = current;
    }

    ServerCertificate current() {
        return current;
    }

    /** Reads the files; returns whether there is something new in them. */
    boolean read() throws IOException {
        CertificateFiles.Contents contents = current.files().contents();
        if (contents.sameAs(current.contents())) {
            return false;
        }
        current = current.files().parse(contents);
        warnings = 0;
        lastWarning = Instant.MIN;
        log.atInfo()
                .addKeyValue("file", current.files().chain())
                .addKeyValue("names", current.names())
                .addKeyValue("expires", current.expiry())
                .log("certificate reloaded");
        return true;
    }

    /** The same for a timer: a fault is told, once. */
    boolean look() {
        try {
            boolean changed = read();
            fault = null;
            return changed;
        } catch (IOException e) {
            boolean again = String.valueOf(e.getMessage()).equals(fault);
            told &= again;
            if (again && !told) {
                told = true;
                log.atWarn()
                        .addKeyValue("file", current.files().chain())
                        .addKeyValue("reason", e.getMessage())
                        .log("certificate not reloaded, the old one stays");
            }
            fault = e.getMessage();
            return false;
        }
    }

    /** Warns at 30, 7 and 1 days before expiry, and then every day. */
    void tellExpiry(Instant now) {
        Duration left = Duration.between(now, current.expiry());
        int due = (int)
                WARNINGS.stream().filter(span -> left.compareTo(span) <= 0).count();
        boolean daily =
                due == WARNINGS.size() && Duration.between(lastWarning, now).compareTo(DAY) >= 0;
        if (due > warnings || daily) {
            warnings = due;
            lastWarning = now;
            log.atWarn()
                    .addKeyValue("file", current.files().chain())
                    .addKeyValue("names", current.names())
                    .addKeyValue("expires", current.expiry())
                    .log(left.isNegative() ? "certificate has expired" : "certificate expires soon");
        }
    }
}
