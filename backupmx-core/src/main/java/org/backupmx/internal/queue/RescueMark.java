package org.backupmx.internal.queue;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.mail.SmtpReply;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;
import org.backupmx.spool.SpoolLease;
import org.backupmx.spool.SpooledMessage;

/**
 * The mark of a recipient who goes to the rescue hosts and not to the primary any more. It stands in the reply that is kept
 * with him, so it is in the spool with the settlement that made it, and needs no memory of ours.
 */
final class RescueMark {

    private static final String MARK = "In rescue since ";
    private static final String END = ": ";
    private static final String ANSWER = "; rescue host: ";
    private static final int MAX_WHY = 300;

    private RescueMark() {}

    /** Returns a reply as it is kept with a recipient who comes into rescue: since when, and why. */
    static SmtpReply begun(Instant since, SmtpReply reason) {
        String why = AttemptOutcome.text(reason);
        return mark(
                MARK + since.truncatedTo(ChronoUnit.SECONDS) + END + why.substring(0, Math.min(why.length(), MAX_WHY)));
    }

    /** Returns what is kept with a recipient in rescue after the rescue hosts said that. */
    static SmtpReply answered(RecipientState before, SmtpReply answer) {
        String line = before instanceof RecipientState.Deferred deferred
                ? deferred.reply().lines().get(0)
                : MARK;
        int last = line.indexOf(ANSWER);
        return mark((last < 0 ? line : line.substring(0, last)) + ANSWER + AttemptOutcome.text(answer));
    }

    private static SmtpReply mark(String text) {
        return AttemptOutcome.bounded(SmtpReply.of(451, "4.3.0", text));
    }

    /** Tells whether a reply bears the mark: a peer's must not. */
    static boolean isMark(SmtpReply reply) {
        return reply.lines().get(0).startsWith(MARK);
    }

    static boolean is(RecipientState state) {
        return state instanceof RecipientState.Deferred deferred && isMark(deferred.reply());
    }

    /** Returns since when a recipient is in rescue; empty if he is not. */
    static Optional<Instant> since(RecipientState state) {
        if (!(state instanceof RecipientState.Deferred deferred) || !isMark(deferred.reply())) {
            return Optional.empty();
        }
        String line = deferred.reply().lines().get(0);
        int end = line.indexOf(END);
        try {
            return Optional.of(Instant.parse(line.substring(MARK.length(), Math.max(end, MARK.length()))));
        } catch (DateTimeParseException e) {
            return Optional.of(deferred.at()); // no words of ours; it is in rescue all the same
        }
    }

    /** Tells whether the next attempt of a lease is one at the rescue hosts: nobody is left for the primary. */
    static boolean isNext(SpoolLease lease) {
        boolean isAny = false;
        for (QueuedRecipient recipient : lease.recipients()) { // a loop: every lease passes here
            if (is(recipient.state())) {
                isAny = true;
            } else if (!DeadLetters.isBuried(recipient.state())) {
                return false;
            }
        }
        return isAny;
    }

    /** Returns the recipients of a lease who are in rescue. */
    static List<QueuedRecipient> recipients(SpoolLease lease) {
        return lease.recipients().stream()
                .filter(recipient -> is(recipient.state()))
                .toList();
    }

    /** Returns when the first recipient of a lease came into rescue. */
    static Instant since(SpoolLease lease) {
        return lease.recipients().stream()
                .flatMap(recipient -> since(recipient.state()).stream())
                .min(Instant::compareTo)
                .orElse(Instant.MAX);
    }

    /**
     * Returns a lease as it is shown to a rescue host: the recipients in rescue, a null reverse-path, and nothing that asks
     * for notifications, for they would go to whom nobody has verified.
     */
    static SpoolLease toRescue(SpoolLease lease) {
        Envelope whole = lease.message().envelope();
        Envelope.Builder envelope = Envelope.from(ReversePath.nullPath())
                .bodyType(whole.bodyType())
                .smtpUtf8(whole.smtpUtf8())
                .requireTls(whole.requireTls());
        whole.declaredBytes().ifPresent(envelope::declaredBytes);
        whole.recipients().forEach(recipient -> envelope.to(Recipient.of(recipient.path())));
        SpooledMessage message = new SpooledMessage(
                lease.id(),
                envelope.build(),
                lease.message().receivedAt(),
                lease.message().sizeBytes());
        List<QueuedRecipient> recipients = recipients(lease).stream()
                .map(recipient -> new QueuedRecipient(
                        recipient.index(), Recipient.of(recipient.recipient().path()), recipient.state()))
                .toList();
        return new SpoolLease(
                message, lease.domain(), recipients, lease.attempts(), lease.due(), lease.until(), lease.token());
    }
}
