package org.backupmx.undelivered;

/**
 * What becomes of a message that a primary refuses for good because of what is in it or of a rule of its own, although we
 * have accepted it: replies that {@link org.backupmx.relay.ReplyClass} takes for {@code SPAM}, {@code POLICY},
 * {@code AUTH} or {@code SIZE}.
 */
public enum ContentRefusal {
    /** It goes to the dead letters; nobody outside hears of it. */
    DEAD_LETTER,
    /** Its reverse-path is told if the sender was verified, else it goes to the dead letters. */
    DSN_IF_VERIFIED,
    /** It is tried again until its lifetime has passed, as if the refusal were a transient failure. */
    RETRY,
    /**
     * It goes to the primary once more, at once, with a field on top for its filters: {@code X-BackupMX-Refused:} and the
     * refusal. This alone of all settings changes a message. Refused again, or for its size, it goes to the dead letters.
     */
    TAG_AND_RETRY,
    /**
     * It is relayed to the {@linkplain UndeliveredPolicy#withRescueHosts rescue hosts}; if they do not take it, it goes to the
     * dead letters.
     */
    RESCUE
}
