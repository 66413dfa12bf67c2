package org.backupmx.internal.dsn;

import java.util.Set;
import org.backupmx.mail.Notify;
import org.backupmx.mail.Recipient;

/** What a DSN tells of: its action (RFC 3464 section 2.3.3). */
public enum DsnKind {
    /** Nothing more will be tried. */
    FAILED("failed", "Undelivered mail", "was not delivered to the recipients below, and will not be tried again."),
    /** It is still tried. */
    DELAYED(
            "delayed",
            "Delayed mail",
            "has not been delivered to the recipients below yet. It is tried on; nothing needs to be done."),
    /** A host took it that sends no notifications. */
    RELAYED(
            "relayed",
            "Relayed mail",
            "was handed over for the recipients below. Whether it is delivered there will not be told.");

    final String action;
    final String subject;
    final String sentence;

    DsnKind(String action, String subject, String sentence) {
        this.action = action;
        this.subject = subject;
        this.sentence = sentence;
    }

    /**
     * Tells whether the sender wants to hear that of a recipient (RFC 3461 section 4.1).
     *
     * @param recipient the recipient
     * @return whether NOTIFY asks for it; where it is not given, only failures are told
     */
    public boolean isWanted(Recipient recipient) {
        Set<Notify> notify = recipient.notifications();
        return switch (this) {
            case FAILED -> notify.isEmpty() || notify.contains(Notify.FAILURE);
            case DELAYED -> notify.contains(Notify.DELAY);
            case RELAYED -> notify.contains(Notify.SUCCESS);
        };
    }
}
