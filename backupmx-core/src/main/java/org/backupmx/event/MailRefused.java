package org.backupmx.event;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import org.backupmx.intake.ClientInfo;
import org.backupmx.mail.ForwardPath;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;

/**
 * A client was told no, for now (4yz) or for good (5yz). Immutable and thread-safe.
 *
 * @param at when
 * @param client who asked
 * @param reversePath the reverse-path of the transaction
 * @param recipients who was refused: none at MAIL, one at RCPT, all at the end of mail data
 * @param reply what the client got
 */
public record MailRefused(
        Instant at, ClientInfo client, ReversePath reversePath, List<ForwardPath> recipients, SmtpReply reply)
        implements BackupMxEvent {
    /** Checks and copies the parts. */
    public MailRefused {
        requireNonNull(at, "at");
        requireNonNull(client, "client");
        requireNonNull(reversePath, "reversePath");
        recipients = List.copyOf(recipients);
        requireNonNull(reply, "reply");
    }
}
