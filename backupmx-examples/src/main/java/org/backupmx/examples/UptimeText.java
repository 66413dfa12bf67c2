package org.backupmx.examples;

import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.backupmx.health.Outage;
import org.backupmx.health.UptimeExport;
import org.backupmx.health.UptimePeriod;
import org.backupmx.health.UptimeReport;

/** What {@code uptime} shows of a report. Functions without state. */
final class UptimeText {

    /** The most days of a report, which is how long histories are kept. */
    static final int MAX_DAYS = 400;

    private UptimeText() {}

    /** Returns a report in the form that a word names. */
    static List<String> show(UptimeReport report, String form) {
        return switch (form) {
            case "text" -> text(report);
            case "csv" -> UptimeExport.periodsCsv(report).lines().toList();
            case "outages-csv" -> UptimeExport.outagesCsv(report).lines().toList();
            case "json" -> UptimeExport.json(report).lines().toList();
            case "svg" -> UptimeExport.svg(report).lines().toList();
            default ->
                throw new IllegalArgumentException('"' + form + "\" (expected: text, csv, outages-csv, json or svg)");
        };
    }

    private static List<String> text(UptimeReport report) {
        List<String> lines = new ArrayList<>();
        lines.add("primary: " + report.primary());
        lines.add(line("total", report.total()));
        addKnown(lines, "month", report.months());
        addKnown(lines, "week", report.weeks());
        addKnown(lines, "day", report.days());
        report.outages().forEach(outage -> lines.add(line(outage)));
        return lines;
    }

    private static void addKnown(List<String> lines, String name, List<UptimePeriod> periods) {
        periods.stream().filter(period -> !period.known().isZero()).forEach(period -> lines.add(line(name, period)));
    }

    private static String line(String name, UptimePeriod period) {
        String answered = period.percent().isEmpty()
                ? "nothing known"
                : percent(period.percent().getAsDouble()) + " of " + Status.span(period.known()) + ", worst "
                        + period.worst();
        return name + ": " + period.from().truncatedTo(ChronoUnit.SECONDS) + " " + answered;
    }

    /** Rounded down, so that 100.000 is all. */
    private static String percent(double percent) {
        return String.format(Locale.ROOT, "%.3f %%", Math.floor(percent * 1000) / 1000);
    }

    private static String line(Outage outage) {
        return "outage: " + outage.from().truncatedTo(ChronoUnit.SECONDS) + " " + Status.span(outage.length())
                + (outage.ongoing() ? " so far" : "") + " " + outage.health() + ": " + outage.cause();
    }
}
