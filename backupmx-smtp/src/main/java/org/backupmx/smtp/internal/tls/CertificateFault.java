package org.backupmx.smtp.internal.tls;

import java.io.IOException;

/** Tells on one line which file is not what it should be, and what was expected. */
final class CertificateFault extends IOException {

    private static final long serialVersionUID = 1;

    CertificateFault(String message) {
        super("STARTTLS: " + message);
    }
}
