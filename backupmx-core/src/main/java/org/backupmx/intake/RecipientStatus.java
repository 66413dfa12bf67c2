package org.backupmx.intake;

/** What a {@link RecipientPolicy} knows of a recipient. */
public enum RecipientStatus {
    /** The mailbox exists, or is taken to: the recipient is accepted. */
    EXISTS,
    /** There is no such mailbox: 550 5.1.1. */
    UNKNOWN,
    /** Cannot be told now: 450 4.1.1, so that a real sender comes back. */
    UNSURE
}
