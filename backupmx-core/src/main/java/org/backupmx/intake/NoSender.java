package org.backupmx.intake;

import org.backupmx.mail.ReversePath;

/** Verifies nobody. */
enum NoSender implements SenderVerifier {
    INSTANCE;

    @Override
    public SenderVerification verify(ClientInfo client, String helo, ReversePath reversePath) {
        return SenderVerification.unverified();
    }

    @Override
    public boolean mayBlock() {
        return false;
    }
}
