package org.backupmx.intake;

import java.util.Collection;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.backupmx.mail.Mailbox;

/** A complete list of recipients, in memory. */
final class KnownRecipients implements RecipientPolicy {

    private final Set<Mailbox> recipients;

    KnownRecipients(Collection<Mailbox> recipients) {
        this.recipients = recipients.stream().map(KnownRecipients::folded).collect(Collectors.toUnmodifiableSet());
    }

    private static Mailbox folded(Mailbox mailbox) {
        String folded = mailbox.localPart().toLowerCase(Locale.ROOT);
        return folded.equals(mailbox.localPart()) ? mailbox : new Mailbox(folded, mailbox.domain());
    }

    @Override
    public RecipientStatus status(Mailbox recipient) {
        return recipients.contains(folded(recipient)) ? RecipientStatus.EXISTS : RecipientStatus.UNKNOWN;
    }

    @Override
    public boolean mayBlock() {
        return false;
    }

    @Override
    public String toString() {
        return "RecipientPolicy.only[" + recipients.size() + "]";
    }
}
