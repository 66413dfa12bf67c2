package org.backupmx.intake;

import org.backupmx.mail.ReversePath;

/** Asks two. */
record EitherVerifier(SenderVerifier first, SenderVerifier second) implements SenderVerifier {

    @Override
    public SenderVerification verify(ClientInfo client, String helo, ReversePath reversePath) throws Exception {
        SenderVerification verdict = first.verify(client, helo, reversePath);
        return verdict instanceof SenderVerification.Verified ? verdict : second.verify(client, helo, reversePath);
    }

    @Override
    public boolean mayBlock() {
        return first.mayBlock() || second.mayBlock();
    }
}
