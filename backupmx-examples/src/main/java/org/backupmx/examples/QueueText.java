package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.backupmx.mail.Envelope;
import org.backupmx.mail.Recipient;
import org.backupmx.mail.ReversePath;
import org.backupmx.queue.QueuePage;
import org.backupmx.queue.QueuedMail;
import org.backupmx.spool.MessageLane;
import org.backupmx.spool.QueuedMessage;
import org.backupmx.spool.QueuedRecipient;
import org.backupmx.spool.RecipientState;

/** Queued messages as text; what strangers wrote is escaped. */
final class QueueText {

    /** Begins the last line of a page that is not the last. */
    static final String NEXT = "next: ";

    /** The most octets of a header section that are shown. */
    static final int MAX_HEADER_BYTES = 64 * 1024;

    /** The most octets of mail data that are shown. */
    static final int MAX_MAIL_BYTES = 1024 * 1024;

    private static final int MAX_LINE = 1000;
    private static final int MAX_PATH = 50;
    private static final int MAX_REPLY = 60;
    private static final List<String> HEADS =
            List.of("id", "in", "age", "bytes", "reverse-path", "recipients", "attempts", "next attempt", "last reply");

    private QueueText() {}

    /** One line of heads, one a message, and where the next page begins. */
    static List<String> table(QueuePage page, Instant now) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEADS);
        page.mails().forEach(mail -> rows.add(cells(mail, now)));
        int[] widths = new int[HEADS.size()];
        rows.forEach(row ->
                Arrays.setAll(widths, i -> Math.max(widths[i], row.get(i).length())));
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
            }
            lines.add(line.toString().stripTrailing());
        }
        page.next().ifPresent(next -> lines.add(NEXT + next));
        return lines;
    }

    private static List<String> cells(QueuedMail mail, Instant now) {
        QueuedMessage message = mail.message();
        List<MessageLane> lanes = message.lanes();
        long recipients =
                lanes.stream().mapToLong(lane -> lane.recipients().size()).sum();
        String first = lanes.isEmpty()
                ? "-"
                : path(lanes.get(0).recipients().get(0).recipient().toString());
        return List.of(
                message.id().value(),
                Status.word(mail.area()),
                Status.span(Duration.between(message.message().receivedAt(), now)),
                Long.toString(message.message().sizeBytes()),
                path(reversePath(message.message().envelope().reversePath())),
                recipients > 1 ? first + " +" + (recipients - 1) : first,
                Integer.toString(
                        lanes.stream().mapToInt(MessageLane::attempts).max().orElse(0)),
                message.held() ? "-" : due(lanes, now),
                lastReply(lanes)
                        .map(reply -> TerminalText.cut(TerminalText.of(reply), MAX_REPLY))
                        .orElse("-"));
    }

    private static String path(String path) {
        return TerminalText.cut(TerminalText.of(path), MAX_PATH);
    }

    static String reversePath(ReversePath path) {
        return path.isNull() ? "<>" : path.toString();
    }

    private static String due(List<MessageLane> lanes, Instant now) {
        Instant first =
                lanes.stream().map(MessageLane::due).min(Instant::compareTo).orElse(now);
        return first.isAfter(now) ? "in " + Status.span(Duration.between(now, first)) : "now";
    }

    private static Optional<String> lastReply(List<MessageLane> lanes) {
        return lanes.stream()
                .flatMap(lane -> lane.recipients().stream())
                .map(QueuedRecipient::state)
                .filter(RecipientState.Deferred.class::isInstance)
                .map(state -> ((RecipientState.Deferred) state).reply().toString())
                .findFirst();
    }

    /** Everything but the mail data, a line a fact. */
    static List<String> envelope(QueuedMail mail) {
        QueuedMessage message = mail.message();
        Envelope envelope = message.message().envelope();
        List<String> lines = new ArrayList<>();
        lines.add("id: " + message.id());
        lines.add("in: " + Status.word(mail.area()));
        mail.until().ifPresent(until -> lines.add("until: " + Status.second(until)));
        if (!mail.detail().isEmpty()) {
            lines.add("detail: " + TerminalText.of(mail.detail()));
        }
        lines.add("received: " + message.message().receivedAt());
        lines.add("bytes: " + message.message().sizeBytes());
        lines.add("reverse-path: " + TerminalText.of(reversePath(envelope.reversePath())));
        lines.add("body: " + envelope.bodyType() + (envelope.smtpUtf8() ? " SMTPUTF8" : "")
                + (envelope.requireTls() ? " REQUIRETLS" : ""));
        List<Recipient> all = envelope.recipients();
        for (int i = 0; i < all.size(); i++) {
            lines.add("recipient: " + TerminalText.of(all.get(i).toString()) + state(message, i));
        }
        return lines;
    }

    private static String state(QueuedMessage message, int index) {
        for (MessageLane lane : message.lanes()) {
            for (QueuedRecipient recipient : lane.recipients()) {
                if (recipient.index() == index) {
                    String told = recipient.state() instanceof RecipientState.Deferred deferred
                            ? ", deferred " + Status.second(deferred.at()) + ": "
                                    + TerminalText.of(deferred.reply().toString())
                            : ", pending";
                    return ", attempts " + lane.attempts() + ", next " + Status.second(lane.due()) + told;
                }
            }
        }
        return ", done";
    }

    /** The header section, or all of the mail data, line by line, as far as it is shown. */
    static List<String> mailData(InputStream in, boolean whole) throws IOException {
        byte[] octets = in.readNBytes(whole ? MAX_MAIL_BYTES : MAX_HEADER_BYTES);
        boolean isCut = in.read() >= 0;
        int end = whole ? octets.length : headerEnd(octets);
        List<String> lines = new ArrayList<>();
        for (String line : new String(octets, 0, end, UTF_8).split("\r\n|\n|\r", -1)) {
            lines.add(TerminalText.cut(TerminalText.of(line.replace("\t", "    ")), MAX_LINE));
        }
        if (!lines.isEmpty() && lines.get(lines.size() - 1).isEmpty()) {
            lines.remove(lines.size() - 1);
        }
        if (isCut && end == octets.length) {
            lines.add(String.format(Locale.ROOT, "… (only the first %,d octets are shown)", octets.length));
        }
        return lines;
    }

    /** Returns where the empty line begins, or all if there is none. */
    private static int headerEnd(byte[] octets) {
        for (int i = 0; i + 3 < octets.length; i++) {
            if (octets[i] == '\r' && octets[i + 1] == '\n' && octets[i + 2] == '\r' && octets[i + 3] == '\n') {
                return i;
            }
        }
        boolean isEmptyHeader = octets.length > 1 && octets[0] == '\r' && octets[1] == '\n';
        return isEmptyHeader ? 0 : octets.length;
    }
}
