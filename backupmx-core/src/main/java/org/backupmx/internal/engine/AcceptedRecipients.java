package org.backupmx.internal.engine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.Recipient;
import org.jspecify.annotations.Nullable;

/** The recipients that a transaction has so far, and what mail data all of them take. */
final class AcceptedRecipients {

    /** Up to so many recipients duplicates are looked for one by one. */
    private static final int FEW = 8;

    private final List<Recipient> all = new ArrayList<>(1);
    private @Nullable Set<Mailbox> known; // mailboxes of all, once they are not few
    private long maxBytes = Long.MAX_VALUE;
    private boolean takesSmtpUtf8 = true;

    boolean isEmpty() {
        return all.isEmpty();
    }

    int size() {
        return all.size();
    }

    List<Recipient> all() {
        return all;
    }

    /** The least of their limits. */
    long maxBytes() {
        return maxBytes;
    }

    /** Whether the primaries of all are known to take SMTPUTF8, or not known to lack it. */
    boolean takesSmtpUtf8() {
        return takesSmtpUtf8;
    }

    void add(Recipient recipient, long limit, boolean isSmtpUtf8Taken) {
        all.add(recipient);
        maxBytes = Math.min(maxBytes, limit);
        takesSmtpUtf8 &= isSmtpUtf8Taken;
        if (known != null) {
            known.add(recipient.path().mailbox());
        }
    }

    boolean contains(Mailbox mailbox) {
        if (all.size() > FEW) {
            if (known == null) {
                known = new HashSet<>();
                for (Recipient other : all) {
                    known.add(other.path().mailbox());
                }
            }
            return known.contains(mailbox);
        }
        for (Recipient other : all) {
            if (other.path().mailbox().equals(mailbox)) {
                return true;
            }
        }
        return false;
    }
}
