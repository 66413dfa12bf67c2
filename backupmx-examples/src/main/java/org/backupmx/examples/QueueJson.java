package org.backupmx.examples;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.backupmx.mail.Envelope;
import org.backupmx.queue.DrainProgress;
import org.backupmx.queue.QueuePage;
import org.backupmx.queue.QueuedMail;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;

/** Queued messages as JSON. */
final class QueueJson {

    private QueueJson() {}

    /** A page, one message a line. */
    static List<String> page(QueuePage page, Instant now) {
        List<String> lines = new ArrayList<>();
        lines.add("{\"at\": " + Status.quoted(now) + ", \"messages\": [");
        for (int i = 0; i < page.mails().size(); i++) {
            lines.add("  " + mail(page.mails().get(i), List.of())
                    + (i < page.mails().size() - 1 ? "," : ""));
        }
        lines.add(page.next()
                .map(next -> "], \"next\": " + Status.quoted(next) + "}")
                .orElse("]}"));
        return lines;
    }

    /** One message; {@code mailData} are lines of it to be shown, none to leave the member out. */
    static String mail(QueuedMail mail, List<String> mailData) {
        QueuedMessage message = mail.message();
        Envelope envelope = message.message().envelope();
        List<String> members = new ArrayList<>();
        members.add("\"id\": " + Status.quoted(message.id()));
        members.add("\"in\": " + Status.quoted(Status.word(mail.area())));
        mail.until().ifPresent(until -> members.add("\"until\": " + Status.quoted(until)));
        if (!mail.detail().isEmpty()) {
            members.add("\"detail\": " + Status.quoted(mail.detail()));
        }
        members.add("\"received\": " + Status.quoted(message.message().receivedAt()));
        members.add("\"bytes\": " + message.message().sizeBytes());
        members.add("\"reversePath\": " + Status.quoted(envelope.reversePath().isNull() ? "" : envelope.reversePath()));
        members.add("\"lanes\": "
                + Status.array(message.lanes().stream().map(QueueJson::lane).toList()));
        if (!mailData.isEmpty()) {
            members.add("\"mailData\": "
                    + Status.array(mailData.stream().map(Status::quoted).toList()));
        }
        return Status.object(members);
    }

    private static String lane(MessageLane lane) {
        return Status.object(List.of(
                "\"domain\": " + Status.quoted(lane.domain()),
                "\"attempts\": " + lane.attempts(),
                "\"due\": " + Status.quoted(lane.due()),
                "\"recipients\": "
                        + Status.array(lane.recipients().stream()
                                .map(QueueJson::recipient)
                                .toList())));
    }

    private static String recipient(QueuedRecipient recipient) {
        List<String> members = new ArrayList<>();
        members.add("\"path\": " + Status.quoted(recipient.recipient()));
        if (recipient.state() instanceof RecipientState.Deferred deferred) {
            members.add("\"deferred\": " + Status.quoted(deferred.at()));
            members.add("\"reply\": " + Status.quoted(deferred.reply()));
        }
        return Status.object(members);
    }

    /** How a drain goes, one domain a line. */
    static List<String> drain(DrainProgress progress, List<DrainProgress.DomainDrain> domains) {
        List<String> lines = new ArrayList<>();
        lines.add("{\"at\": " + Status.quoted(progress.at()) + ", \"domains\": [");
        for (int i = 0; i < domains.size(); i++) {
            lines.add("  " + domain(domains.get(i)) + (i < domains.size() - 1 ? "," : ""));
        }
        lines.add("]}");
        return lines;
    }

    private static String domain(DrainProgress.DomainDrain drain) {
        List<String> members = new ArrayList<>(List.of(
                "\"domain\": " + Status.quoted(drain.domain()),
                "\"state\": " + Status.quoted(drain.health()),
                "\"left\": " + drain.left(),
                "\"held\": " + drain.held(),
                "\"inFlight\": " + drain.inFlight(),
                "\"sent\": " + drain.sent(),
                "\"failed\": " + drain.failed(),
                "\"deferred\": " + drain.deferred(),
                "\"perSecond\": " + DrainText.rate(drain.perSecond())));
        drain.eta().ifPresent(eta -> members.add("\"etaSeconds\": " + eta.toSeconds()));
        drain.opens().ifPresent(opens -> members.add("\"opens\": " + Status.quoted(opens)));
        return Status.object(members);
    }
}
