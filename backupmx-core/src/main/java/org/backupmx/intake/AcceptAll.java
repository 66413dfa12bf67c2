package org.backupmx.intake;

import org.backupmx.mail.Mailbox;

/** Takes every recipient. */
enum AcceptAll implements RecipientPolicy {
    INSTANCE;

    @Override
    public RecipientStatus status(Mailbox recipient) {
        return RecipientStatus.EXISTS;
    }

    @Override
    public boolean mayBlock() {
        return false;
    }
}
