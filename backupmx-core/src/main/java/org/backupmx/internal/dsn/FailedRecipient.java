package org.backupmx.internal.dsn;

import static java.util.Objects.requireNonNull;

import org.backupmx.mail.Recipient;
import org.backupmx.mail.SmtpReply;
import org.jspecify.annotations.Nullable;

/**
 * A recipient that mail will not reach, and why.
 *
 * @param recipient the recipient
 * @param reply the reply that decided it; for an expired one the last there was, or ours
 * @param remoteMta the host that gave the reply, null if it is ours
 * @param isExpired whether its give-up time passed, rather than that a next hop refused it
 */
public record FailedRecipient(
        Recipient recipient, SmtpReply reply, @Nullable String remoteMta, boolean isExpired) {

    public FailedRecipient {
        requireNonNull(recipient, "recipient");
        requireNonNull(reply, "reply");
    }

    /** A recipient that a next hop, or we ourselves, refused for good. */
    public static FailedRecipient refused(Recipient recipient, SmtpReply reply, @Nullable String remoteMta) {
        return new FailedRecipient(recipient, reply, remoteMta, false);
    }

    /** A recipient whose give-up time passed. */
    public static FailedRecipient expired(Recipient recipient, SmtpReply reply, @Nullable String remoteMta) {
        return new FailedRecipient(recipient, reply, remoteMta, true);
    }
}
