package org.backupmx.examples;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How a drain goes, as text. */
final class DrainText {

    /** The most domains that are shown one by one. */
    static final int MOST_DOMAINS = 20;

    private static final Duration LONGEST = Duration.ofDays(7);

    private DrainText() {}

    /** What the server says of one domain, or of all together. */
    record Line(
            String domain,
            String health,
            long left,
            long held,
            long inFlight,
            long sent,
            long failed,
            long deferred,
            double perSecond,
            Optional<Duration> eta,
            Optional<Instant> opens) {

        /** Reads what {@link QueueRequests} wrote. */
        static Line parse(String text) {
            String[] words = text.split(" ", -1);
            return new Line(
                    words[0],
                    words[1],
                    Long.parseLong(words[2]),
                    Long.parseLong(words[3]),
                    Long.parseLong(words[4]),
                    Long.parseLong(words[5]),
                    Long.parseLong(words[6]),
                    Long.parseLong(words[7]),
                    Double.parseDouble(words[8]),
                    words[9].equals("-1")
                            ? Optional.empty()
                            : Optional.of(Duration.ofSeconds(Long.parseLong(words[9]))),
                    words[10].equals("-") ? Optional.empty() : Optional.of(Instant.parse(words[10])));
        }

        static Line nothing() {
            return new Line("total", "", 0, 0, 0, 0, 0, 0, 0, Optional.empty(), Optional.empty());
        }

        Line plus(Line other) {
            return new Line(
                    "total",
                    "",
                    left + other.left,
                    held + other.held,
                    inFlight + other.inFlight,
                    sent + other.sent,
                    failed + other.failed,
                    deferred + other.deferred,
                    perSecond + other.perSecond,
                    Optional.empty(),
                    firstOpening(other));
        }

        /** When the first hours begin, if all that is left waits for hours. */
        private Optional<Instant> firstOpening(Line other) {
            if (left == 0 || other.left == 0) {
                return left == 0 ? other.opens : opens;
            }
            return opens.flatMap(one -> other.opens.map(two -> one.isBefore(two) ? one : two));
        }

        /** What has gone since an earlier line. */
        Line since(Line before) {
            return new Line(
                    domain,
                    health,
                    left,
                    held,
                    inFlight,
                    sent - before.sent,
                    failed - before.failed,
                    deferred - before.deferred,
                    perSecond,
                    eta,
                    opens);
        }
    }

    static Line total(List<Line> lines) {
        return lines.stream().reduce(Line.nothing(), Line::plus);
    }

    /** A rate to three digits or so. */
    static String rate(double perSecond) {
        return String.format(Locale.ROOT, perSecond < 10 ? "%.2f" : perSecond < 100 ? "%.1f" : "%.0f", perSecond);
    }

    /** How long the rest takes, roughly; nothing if there is no rest. */
    static String left(long messages, double perSecond) {
        if (messages <= 0) {
            return "";
        }
        return ", " + eta(messages, perSecond) + " left";
    }

    /** How long some messages take, to two units at the most; unknown if nothing goes. */
    static String eta(long messages, double perSecond) {
        return perSecond <= 0 ? "unknown time" : eta(messages / perSecond);
    }

    private static String eta(double seconds) {
        return seconds > LONGEST.toSeconds()
                ? "more than 7d"
                : "about " + Status.span(Duration.ofSeconds((long) Math.ceil(seconds)));
    }

    /** What the server says, who knows of caps and hours; of all together what their rate says. */
    private static String eta(Line line) {
        return line.eta().map(eta -> eta((double) eta.toSeconds())).orElseGet(() -> eta(line.left(), line.perSecond()))
                + opens(line);
    }

    private static String opens(Line line) {
        return line.opens()
                .map(opens -> ", hours begin " + Status.second(opens))
                .orElse("");
    }

    /** A heading, the domains with most left, and all together. */
    static List<String> table(List<Line> lines) {
        List<String> text = new ArrayList<>();
        text.add(row("domain", "state", "left", "held", "flying", "sent", "a second", "rest takes"));
        List<Line> sorted = lines.stream()
                .sorted((a, b) -> Long.compare(b.left() + b.inFlight(), a.left() + a.inFlight()))
                .toList();
        sorted.stream().limit(MOST_DOMAINS).forEach(line -> text.add(row(line)));
        if (sorted.size() > MOST_DOMAINS) {
            text.add("… and " + (sorted.size() - MOST_DOMAINS) + " more domains");
        }
        text.add(row(total(lines)));
        return text;
    }

    private static String row(Line line) {
        String rest = line.left() == 0 ? "-" : eta(line);
        return row(
                TerminalText.cut(line.domain(), 40),
                line.health(),
                line.left(),
                line.held(),
                line.inFlight(),
                line.sent(),
                rate(line.perSecond()),
                rest + (line.failed() == 0 ? "" : ", failed " + line.failed()));
    }

    private static String row(Object... cells) {
        return String.format(Locale.ROOT, "%-40s %-9s %9s %9s %8s %9s %10s  %s", cells)
                .stripTrailing();
    }

    /** One line of a drain that goes on. */
    static String line(Line line) {
        return "drain: " + line.left() + " left, " + line.sent() + " sent, " + line.failed() + " failed, "
                + line.deferred() + " deferred, " + rate(line.perSecond()) + " a second"
                + left(line.left(), line.perSecond()) + (line.left() == 0 ? "" : opens(line));
    }
}
