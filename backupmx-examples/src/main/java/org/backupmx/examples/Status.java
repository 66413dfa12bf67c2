package org.backupmx.examples;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.backupmx.health.DomainHealth;
import org.backupmx.health.HealthOverride;
import org.backupmx.health.MaintenanceWindow;
import org.backupmx.health.PrimaryHealth;
import org.backupmx.mail.SmtpReply;
import org.backupmx.queue.QueueSnapshot;

/** What {@code status} tells of each domain: its primary's health, and its queue. */
record Status(Instant at, List<Row> rows) {

    private static final List<String> HEADS = List.of(
            "domain",
            "mode",
            "state",
            "since",
            "last probe",
            "queued",
            "rescue",
            "undelivered",
            "oldest",
            "next attempt",
            "notes");

    /** Left out where no domain has any. */
    private static final Set<String> RARE = Set.of("rescue", "undelivered");

    private static final int MAX_CAUSE = 80;

    /** One domain; without a health if it is not watched, as where reports go, without a queue if nobody asked. */
    record Row(String domain, Optional<DomainHealth> health, Optional<QueueSnapshot.DomainQueue> queue) {}

    static Status of(List<DomainHealth> healths, QueueSnapshot snapshot) {
        TreeMap<String, Row> rows = new TreeMap<>();
        for (QueueSnapshot.DomainQueue queue : snapshot.domains()) {
            String name = queue.domain().toString();
            rows.put(name, new Row(name, Optional.empty(), Optional.of(queue)));
        }
        for (DomainHealth health : healths) {
            rows.merge(
                    health.domain().toString(),
                    new Row(health.domain().toString(), Optional.of(health), Optional.empty()),
                    (queued, watched) -> new Row(queued.domain(), watched.health(), queued.queue()));
        }
        return new Status(snapshot.at(), List.copyOf(rows.values()));
    }

    /** One line of heads, then one a domain; columns are as wide as what is in them. */
    List<String> table() {
        List<List<String>> lines = new ArrayList<>();
        lines.add(new ArrayList<>(HEADS));
        rows.forEach(row -> lines.add(new ArrayList<>(cells(row))));
        for (int i = HEADS.size() - 1; i >= 0; i--) {
            int column = i;
            if (RARE.contains(HEADS.get(i))
                    && lines.stream()
                            .skip(1)
                            .allMatch(cells -> cells.get(column).equals("0"))) {
                lines.forEach(cells -> cells.remove(column));
            }
        }
        int[] widths = new int[lines.get(0).size()];
        lines.forEach(cells ->
                Arrays.setAll(widths, i -> Math.max(widths[i], cells.get(i).length())));
        return lines.stream().map(cells -> line(cells, widths)).toList();
    }

    private static String line(List<String> cells, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String cell = cells.get(i);
            line.append(cell).append(" ".repeat(widths[i] - cell.length() + 2));
        }
        return line.toString().stripTrailing();
    }

    private List<String> cells(Row row) {
        Optional<DomainHealth> health = row.health();
        Optional<QueueSnapshot.DomainQueue> queue = row.queue().filter(one -> one.queued() > 0);
        return List.of(
                row.domain(),
                health.map(one -> word(one.mode())).orElse("-"),
                health.map(Status::state).orElse("-"),
                health.map(one -> second(one.since())).orElse("-"),
                health.flatMap(DomainHealth::lastAnswer)
                        .map(last -> span(Duration.between(last, at)) + " ago")
                        .orElse("-"),
                queue.map(one -> Long.toString(one.queued())).orElse("0"),
                queue.map(one -> Long.toString(one.rescue())).orElse("0"),
                queue.map(one -> Long.toString(undelivered(one))).orElse("0"),
                queue.map(one -> span(one.oldestAge())).orElse("-"),
                queue.map(one -> nextAttempt(health, one)).orElse("-"),
                String.join("; ", notes(row)));
    }

    private static String state(DomainHealth health) {
        return health.health() + (unmet(health).isPresent() ? ", unmet" : "");
    }

    /** What the primary does not give that the domain demands; if it is away, that is what matters. */
    private static Optional<SmtpReply> unmet(DomainHealth health) {
        return isAway(health.health()) ? Optional.empty() : health.demandNotMet();
    }

    private static boolean isAway(PrimaryHealth health) {
        return health == PrimaryHealth.DOWN || health == PrimaryHealth.REJECTING;
    }

    private static long undelivered(QueueSnapshot.DomainQueue queue) {
        return queue.expired() + queue.deadLetters();
    }

    /** A primary that is away is not tried before a probe finds it; what is due or held does not matter then. */
    private String nextAttempt(Optional<DomainHealth> health, QueueSnapshot.DomainQueue queue) {
        if (queue.inFlight() > 0) {
            return "under way";
        }
        if (queue.nextDue().isEmpty()
                || health.filter(one -> one.override().kind() == HealthOverride.Kind.HOLD)
                        .isPresent()) {
            return "held";
        }
        if (health.filter(this::isMaintained).isPresent()) {
            return "after maintenance";
        }
        if (queue.opens().isPresent()) {
            return "in its hours, " + in(queue.opens().get());
        }
        boolean waits = health.map(DomainHealth::health).filter(Status::isAway).isPresent();
        if (!waits) {
            return in(queue.nextDue().get());
        }
        return health.flatMap(DomainHealth::nextProbe)
                .map(next -> "after a probe " + in(next))
                .orElse("after a probe");
    }

    private boolean isMaintained(DomainHealth health) {
        return health.maintenance().stream().anyMatch(window -> window.contains(at));
    }

    /** An instant as people read it. */
    static String second(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private String in(Instant instant) {
        return instant.isAfter(at) ? "in " + span(Duration.between(at, instant)) : "now";
    }

    private List<String> notes(Row row) {
        List<String> notes = new ArrayList<>();
        row.health().ifPresent(health -> {
            if (health.override().kind() != HealthOverride.Kind.AUTO) {
                notes.add(show(health.override()));
            }
            health.maintenance().forEach(window -> notes.add(show(window)));
            if (health.found() != health.health()) {
                notes.add("found " + health.found());
            }
            if (health.isFlapping()) {
                notes.add("flapping");
            }
            if (health.found() != PrimaryHealth.UP) {
                notes.add(cut(health.cause()));
            }
            unmet(health).ifPresent(reply -> notes.add("demand not met: " + cut(reply.toString())));
        });
        row.queue()
                .filter(queue -> queue.queued() > 0)
                .flatMap(QueueSnapshot.DomainQueue::opens)
                .ifPresent(opens -> notes.add("hours begin " + second(opens)));
        row.queue()
                .map(queue -> queue.held() - undelivered(queue))
                .filter(held -> held > 0)
                .ifPresent(held -> notes.add(held + " held"));
        return notes;
    }

    private static String cut(String cause) {
        return cause.length() > MAX_CAUSE ? cause.substring(0, MAX_CAUSE) + "…" : cause;
    }

    static String show(HealthOverride order) {
        return word(order.kind()) + order.until().map(end -> " until " + end).orElse("");
    }

    static String show(MaintenanceWindow window) {
        return "maintenance " + window.from() + " to " + window.until();
    }

    /** A word as commands write it. */
    static String word(Enum<?> value) {
        return word(value.name());
    }

    static String word(String name) {
        return name.toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The two largest units that are not zero. */
    static String span(Duration duration) {
        long seconds = Math.max(0, duration.toSeconds());
        if (seconds < 60) {
            return seconds + "s";
        }
        if (seconds < 3600) {
            return two(seconds / 60, "m", seconds % 60, "s");
        }
        return seconds < 86_400
                ? two(seconds / 3600, "h", seconds % 3600 / 60, "m")
                : two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h");
    }

    private static String two(long large, String unit, long small, String smallUnit) {
        return large + unit + (small == 0 ? "" : " " + small + smallUnit);
    }

    /** All of it, one domain a line. */
    List<String> json() {
        List<String> lines = new ArrayList<>();
        lines.add("{\"at\": " + quoted(at) + ", \"domains\": [");
        for (int i = 0; i < rows.size(); i++) {
            lines.add("  " + json(rows.get(i)) + (i < rows.size() - 1 ? "," : ""));
        }
        lines.add("]}");
        return lines;
    }

    private static String json(Row row) {
        List<String> members = new ArrayList<>();
        members.add("\"domain\": " + quoted(row.domain()));
        row.health().ifPresent(health -> addHealth(members, health));
        row.queue().ifPresent(queue -> {
            members.add("\"queued\": " + queue.queued());
            members.add("\"held\": " + queue.held());
            members.add("\"expired\": " + queue.expired());
            members.add("\"deadLetters\": " + queue.deadLetters());
            members.add("\"rescue\": " + queue.rescue());
            members.add("\"bytes\": " + queue.bytes());
            members.add("\"oldestSeconds\": " + queue.oldestAge().toSeconds());
            members.add("\"inFlight\": " + queue.inFlight());
            queue.nextDue().ifPresent(due -> members.add("\"nextDue\": " + quoted(due)));
            queue.opens().ifPresent(opens -> members.add("\"opens\": " + quoted(opens)));
        });
        return object(members);
    }

    private static void addHealth(List<String> members, DomainHealth health) {
        members.add("\"mode\": " + quoted(word(health.mode())));
        members.add("\"state\": " + quoted(health.health()));
        members.add("\"found\": " + quoted(health.found()));
        members.add("\"since\": " + quoted(health.since()));
        members.add("\"cause\": " + quoted(health.cause()));
        health.demandNotMet().ifPresent(reply -> members.add("\"demandNotMet\": " + quoted(reply)));
        members.add("\"flapping\": " + health.isFlapping());
        health.lastAnswer().ifPresent(last -> members.add("\"lastProbe\": " + quoted(last)));
        health.nextProbe().ifPresent(next -> members.add("\"nextProbe\": " + quoted(next)));
        members.add("\"primary\": "
                + array(health.primary().stream().map(Status::quoted).toList()));
        health.capabilities().ifPresent(said -> {
            members.add("\"banner\": " + quoted(said.banner()));
            members.add("\"extensions\": "
                    + array(said.extensions().stream().map(Status::quoted).toList()));
            said.tls()
                    .ifPresent(tls -> members.add("\"tls\": "
                            + object(List.of(
                                    "\"protocol\": " + quoted(tls.protocol()),
                                    "\"cipherSuite\": " + quoted(tls.cipherSuite()),
                                    "\"certificateEnd\": " + quoted(tls.certificateEnd())))));
        });
        members.add("\"override\": " + quoted(word(health.override().kind())));
        health.override().until().ifPresent(end -> members.add("\"overrideUntil\": " + quoted(end)));
        members.add("\"maintenance\": "
                + array(health.maintenance().stream()
                        .map(window -> object(
                                List.of("\"from\": " + quoted(window.from()), "\"until\": " + quoted(window.until()))))
                        .toList()));
    }

    static String object(List<String> members) {
        return "{" + String.join(", ", members) + "}";
    }

    static String array(List<String> items) {
        return items.stream().collect(Collectors.joining(", ", "[", "]"));
    }

    /** A string of JSON; what is not simply shown is escaped. */
    static String quoted(Object value) {
        StringBuilder out = new StringBuilder("\"");
        value.toString().codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                out.append('\\').appendCodePoint(c);
            } else if (c <= 0xffff && TerminalText.isHidden(c)) {
                out.append(String.format(Locale.ROOT, "\\u%04x", c));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.append('"').toString();
    }
}
