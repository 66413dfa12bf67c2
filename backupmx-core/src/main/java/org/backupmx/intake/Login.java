package org.backupmx.intake;

import org.backupmx.mail.ReversePath;

/** Verifies who is logged in with a trusted proxy. */
enum Login implements SenderVerifier {
    INSTANCE;

    @Override
    public SenderVerification verify(ClientInfo client, String helo, ReversePath reversePath) {
        return client.login().isPresent() ? SenderVerification.verified("login") : SenderVerification.unverified();
    }

    @Override
    public boolean mayBlock() {
        return false;
    }
}
