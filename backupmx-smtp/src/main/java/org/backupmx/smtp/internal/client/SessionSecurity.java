package org.backupmx.smtp.internal.client;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.Executor;
import org.backupmx.smtp.internal.tls.ClientTls;

/** What the sessions of one client share to become secure. Thread-safe. */
final class SessionSecurity {

    private static final int NONCE_OCTETS = 18;

    private final ClientTls tls;
    private final BrokenOffers broken = new BrokenOffers();
    private final SecureRandom random;
    private final Executor workers;

    /** Takes workers for what an event loop must not do. */
    SessionSecurity(ClientTls tls, SecureRandom random, Executor workers) {
        this.tls = tls;
        this.random = random;
        this.workers = workers;
    }

    ClientTls tls() {
        return tls;
    }

    BrokenOffers broken() {
        return broken;
    }

    Executor workers() {
        return workers;
    }

    /** Returns 24 characters that nobody guesses, without a comma. */
    String nonce() {
        byte[] octets = new byte[NONCE_OCTETS];
        random.nextBytes(octets);
        return Base64.getEncoder().encodeToString(octets);
    }
}
