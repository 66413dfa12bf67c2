package org.backupmx.intake;

/** When a relay domain's mail is accepted. */
public enum DomainMode {
    /** In every state of its primary. */
    ALWAYS,
    /**
     * Not while its primary is UP: a recipient gets 451 4.3.0 then, and its mail goes to the primary by itself. Who only
     * ever tries the backup, as many spammers do, gains nothing; who cannot reach the primary although we can is let in
     * with the third attempt, 30 min after the first.
     */
    MONITORING
}
