package org.backupmx.health;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reports for other programs, and for people's eyes. Times are UTC as in ISO 8601, lengths are seconds to the
 * millisecond, percents have three places and are rounded down, so that 100.000 is all. Functions without state.
 */
public final class UptimeExport {

    private static final String CSV_END = "\r\n";

    private UptimeExport() {}

    /**
     * Returns the percents of a report as CSV (RFC 4180) with a header line: one row for the whole, then days, weeks and
     * months; columns {@code period} (total, day, week, month), {@code from}, {@code to}, {@code known_seconds}, {@code
     * answering_seconds}, {@code percent} (empty if nothing is known), {@code worst}.
     *
     * @param report the report
     * @return the rows, each ended by CRLF
     */
    public static String periodsCsv(UptimeReport report) {
        StringBuilder out = new StringBuilder();
        row(out, "period", "from", "to", "known_seconds", "answering_seconds", "percent", "worst");
        rows(out, "total", List.of(report.total()));
        rows(out, "day", report.days());
        rows(out, "week", report.weeks());
        rows(out, "month", report.months());
        return out.toString();
    }

    private static void rows(StringBuilder out, String name, List<UptimePeriod> periods) {
        for (UptimePeriod period : periods) {
            row(
                    out,
                    name,
                    period.from().toString(),
                    period.to().toString(),
                    seconds(period.known()),
                    seconds(period.answering()),
                    percent(period, ""),
                    period.worst().toString());
        }
    }

    /**
     * Returns the outages of a report as CSV (RFC 4180) with a header line; columns {@code from}, {@code until} (empty
     * if it goes on), {@code seconds}, {@code health}, {@code cause}.
     *
     * @param report the report
     * @return the rows, each ended by CRLF
     */
    public static String outagesCsv(UptimeReport report) {
        StringBuilder out = new StringBuilder();
        row(out, "from", "until", "seconds", "health", "cause");
        for (Outage outage : report.outages()) {
            row(
                    out,
                    outage.from().toString(),
                    outage.ongoing() ? "" : outage.to().toString(),
                    seconds(outage.length()),
                    outage.health().toString(),
                    outage.cause());
        }
        return out.toString();
    }

    private static void row(StringBuilder out, String... fields) {
        out.append(Stream.of(fields).map(UptimeExport::field).collect(Collectors.joining(",")))
                .append(CSV_END);
    }

    private static String field(String text) {
        boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\r' || c == '\n');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }

    /**
     * Returns a report as one JSON object (RFC 8259): {@code primary}, {@code from}, {@code to}, {@code total}, {@code
     * days}, {@code weeks}, {@code months} and {@code outages}, with the members that the columns of {@link #periodsCsv}
     * and {@link #outagesCsv} are named after. What is empty there is null here.
     *
     * @param report the report
     * @return the object on one line, without an end of line
     */
    public static String json(UptimeReport report) {
        return "{\"primary\":" + string(report.primary())
                + ",\"from\":" + string(report.from().toString())
                + ",\"to\":" + string(report.to().toString())
                + ",\"total\":" + json(report.total())
                + ",\"days\":" + json(report.days())
                + ",\"weeks\":" + json(report.weeks())
                + ",\"months\":" + json(report.months())
                + ",\"outages\":"
                + report.outages().stream().map(UptimeExport::json).collect(Collectors.joining(",", "[", "]")) + "}";
    }

    private static String json(List<UptimePeriod> periods) {
        return periods.stream().map(UptimeExport::json).collect(Collectors.joining(",", "[", "]"));
    }

    private static String json(UptimePeriod period) {
        return "{\"from\":" + string(period.from().toString())
                + ",\"to\":" + string(period.to().toString())
                + ",\"known_seconds\":" + seconds(period.known())
                + ",\"answering_seconds\":" + seconds(period.answering())
                + ",\"percent\":" + percent(period, "null")
                + ",\"worst\":" + string(period.worst().toString()) + "}";
    }

    private static String json(Outage outage) {
        return "{\"from\":" + string(outage.from().toString())
                + ",\"until\":"
                + (outage.ongoing() ? "null" : string(outage.to().toString()))
                + ",\"seconds\":" + seconds(outage.length())
                + ",\"health\":" + string(outage.health().toString())
                + ",\"cause\":" + string(outage.cause()) + "}";
    }

    private static String string(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    /**
     * Returns the days of a report as a bar: an SVG image (1.1) with a cell for each day, coloured by the worst health
     * of the day, and what was as its title, which browsers show under the pointer. It holds no script and no link.
     *
     * @param report the report
     * @return the image, for a file or to be put into HTML
     */
    public static String svg(UptimeReport report) {
        return UptimeBar.of(report);
    }

    private static String seconds(Duration length) {
        return String.format(Locale.ROOT, "%d.%03d", length.toSeconds(), length.toMillisPart());
    }

    /** Returns the percent, rounded down, or what stands for none. */
    static String percent(UptimePeriod period, String none) {
        long known = period.known().toMillis();
        if (known == 0) {
            return none;
        }
        long thousandths = Math.multiplyExact(period.answering().toMillis(), 100_000L) / known;
        return String.format(Locale.ROOT, "%d.%03d", thousandths / 1_000, thousandths % 1_000);
    }
}
