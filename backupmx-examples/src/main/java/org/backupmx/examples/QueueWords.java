package org.backupmx.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.mail.Mailbox;
import org.backupmx.mail.ReversePath;
import org.backupmx.queue.QueueArea;
import org.backupmx.queue.QueueSelection;
import org.backupmx.spool.SpoolFilter;
import org.backupmx.spool.SpoolId;

/**
 * The words of a request about the queue: {@code name=value}, each value encoded as in a URL's query so that it has no
 * blanks.
 */
final class QueueWords {

    /** What selects messages; {@code all} alone means every one. */
    static final Set<String> SELECTING =
            Set.of("id", "domain", "recipient", "reverse-path", "before", "larger", "reply", "in", "all");

    private final Map<String, String> values;

    private QueueWords(Map<String, String> values) {
        this.values = values;
    }

    static String word(String name, String value) {
        return name + "=" + URLEncoder.encode(value, UTF_8);
    }

    /** Reads words; names that are not allowed, and names that come twice, are refused. */
    static QueueWords of(List<String> words, Set<String> allowed) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals);
            if (equals < 0 || !(allowed.contains(name) || SELECTING.contains(name)) || values.containsKey(name)) {
                throw AdminRequests.wrong(
                        word,
                        "each of these once, with =: " + String.join(", ", allowed) + ", "
                                + String.join(", ", SELECTING));
            }
            values.put(name, URLDecoder.decode(word.substring(equals + 1), UTF_8));
        }
        return new QueueWords(values);
    }

    Optional<String> value(String name) {
        return Optional.ofNullable(values.get(name));
    }

    String required(String name) {
        return value(name).orElseThrow(() -> AdminRequests.wrong(name, name + "=…"));
    }

    int number(String name, int least, int most) {
        String text = required(name);
        if (!text.matches("\\d{1,9}") || Integer.parseInt(text) < least || Integer.parseInt(text) > most) {
            throw AdminRequests.wrong(text, least + " to " + most);
        }
        return Integer.parseInt(text);
    }

    static SpoolId id(String text) {
        try {
            return new SpoolId(text);
        } catch (IllegalArgumentException e) {
            throw AdminRequests.wrong(text, "the id of a message, as queue list shows it");
        }
    }

    Optional<MailDomain> domain() {
        return value("domain").map(AdminRequests::domain);
    }

    QueueSelection selection() {
        QueueSelection selection = value("id").map(QueueWords::messages).orElseGet(() -> QueueSelection.of(filter()));
        return value("in").map(areas -> in(selection, areas)).orElse(selection);
    }

    private static QueueSelection messages(String ids) {
        List<SpoolId> read = new ArrayList<>();
        for (String id : ids.split(",", -1)) {
            read.add(id(id));
        }
        return QueueSelection.messages(read);
    }

    private SpoolFilter filter() {
        SpoolFilter filter = SpoolFilter.all();
        if (domain().isPresent()) {
            filter = filter.domain(domain().get());
        }
        if (values.containsKey("recipient")) {
            filter = filter.recipient(parsed("recipient", "a mailbox such as user@example.org", Mailbox::parse));
        }
        if (values.containsKey("reverse-path")) {
            filter = filter.reversePath(parsed(
                    "reverse-path",
                    "a mailbox, or <> for the null reverse-path",
                    text -> ReversePath.parse(text.equals("<>") ? "" : text)));
        }
        if (values.containsKey("before")) {
            filter = filter.receivedBefore(parsed("before", "an instant", QueueWords::instant));
        }
        if (values.containsKey("larger")) {
            filter = filter.largerThan(parsed("larger", "a size in bytes", Long::parseLong));
        }
        if (values.containsKey("reply")) {
            filter = filter.reply(parsed("reply", "a part of a reply", text -> text));
        }
        return filter;
    }

    private interface Parser<T> {
        T parse(String text);
    }

    private <T> T parsed(String name, String expected, Parser<T> parser) {
        String text = required(name);
        try {
            return parser.parse(text);
        } catch (IllegalArgumentException e) {
            throw AdminRequests.wrong(text, expected);
        }
    }

    private static Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    private static QueueSelection in(QueueSelection selection, String areas) {
        List<QueueArea> read = new ArrayList<>();
        for (String area : areas.split(",", -1)) {
            read.add(area(area));
        }
        return selection.in(read.get(0), read.subList(1, read.size()).toArray(new QueueArea[0]));
    }

    static QueueArea area(String word) {
        for (QueueArea area : QueueArea.values()) {
            if (Status.word(area).equals(word)) {
                return area;
            }
        }
        throw AdminRequests.wrong(word, "delivery, held, expired, dead-letter or recycled");
    }
}
